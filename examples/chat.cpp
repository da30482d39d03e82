// A conversation of two questions: the second one is asked with the first answer before it.
//
//   chat [FOLDER]     FOLDER holds a Hugging Face checkpoint; without it, the built-in model
#include <linnet/linnet.hpp>

#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  const linnet::TextModel model =
      argc > 1 ? linnet::load_model(argv[1]) : linnet::load_builtin_model();
  std::vector<linnet::Message> messages;
  for (const char* question : {"Tell me a story about a fox.", "What is the capital of France?"}) {
    std::cout << "> " << question << '\n';
    messages.push_back({linnet::Role::user, question});
    std::string text;
    for (const linnet::Token& token : model.chat(messages, {.max_tokens = 300})) {
      std::cout << token.text << std::flush;
      text += token.text;
    }
    std::cout << '\n';
    messages.push_back({linnet::Role::assistant, text});
  }
  // What the model saw.
  std::cout << '\n' << model.chat_template().render(messages, {.add_generation_prompt = false});
}
