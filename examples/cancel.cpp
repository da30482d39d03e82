// Three ways to end a generation early.
#include <linnet/linnet.hpp>

#include <iostream>
#include <stop_token>

int main() {
  const linnet::TextModel model = linnet::load_builtin_model();

  // 1. Leave the loop: tokens are computed when they are asked for, so nothing goes on behind it.
  for (const linnet::Token& token : model.generate("Once upon a time")) {
    std::cout << token.text;
    if (token.text.find('.') != std::string::npos) break;
  }
  std::cout << "\n";

  // 2. cancel(), from this thread or any other.
  linnet::Generation generation = model.generate("Once upon a time");
  for (const linnet::Token& token : generation) {
    std::cout << token.text;
    if (token.text.find('.') != std::string::npos) generation.cancel();
  }
  std::cout << " (" << to_string(generation.finish_reason()) << ")\n";

  // 3. A stop token, which may end many generations at once.
  std::stop_source source;
  linnet::Generation stopped = model.generate("Once upon a time", {.stop = source.get_token()});
  source.request_stop();
  std::cout << stopped.text() << "(" << to_string(stopped.finish_reason()) << ")\n";
}
