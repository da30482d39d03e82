// A text that is told in turns: one beginning, two ways to go on, and a file to go on from later.
//
//   session [FOLDER]     FOLDER holds a Hugging Face checkpoint; without it, the built-in model
#include <linnet/linnet.hpp>

#include <filesystem>
#include <iostream>

int main(int argc, char** argv) {
  const linnet::TextModel model =
      argc > 1 ? linnet::load_model(argv[1]) : linnet::load_builtin_model();
  linnet::Session story = model.new_session();
  story.append("Once upon a time");
  std::cout << story.generate({.max_tokens = 40}).text() << '\n';

  // Both share what has been told so far; nothing of it is computed again.
  linnet::Session other = story.fork();
  story.append(" Then the rain came.");
  other.append(" Then a fox came by.");
  std::cout << "\nrain: " << story.generate({.max_tokens = 40}).text() << '\n';
  std::cout << "\nfox: " << other.generate({.max_tokens = 40}).text() << '\n';

  const auto file = std::filesystem::temp_directory_path() / "linnet-example.session";
  other.save(file);
  linnet::Session later = model.load_session(file);
  std::filesystem::remove(file);
  const bool same =
      later.generate({.max_tokens = 20}).text() == other.generate({.max_tokens = 20}).text();
  std::cout << "\nfrom the file it goes on " << (same ? "the same" : "differently") << '\n';
  return same ? 0 : 1;
}
