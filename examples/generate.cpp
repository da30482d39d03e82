// Streams a continuation of a prompt, then says how fast that was.
//
//   generate [FOLDER] [PROMPT]     FOLDER holds a Hugging Face checkpoint; without it, the built-in
//                                  model
#include <linnet/linnet.hpp>

#include <iostream>

int main(int argc, char** argv) {
  const linnet::TextModel model =
      argc > 1 ? linnet::load_model(argv[1]) : linnet::load_builtin_model();
  linnet::Generation generation =
      model.generate(argc > 2 ? argv[2] : "Once upon a time", {.max_tokens = 64});
  for (const linnet::Token& token : generation) std::cout << token.text << std::flush;
  std::cout << "\n(" << generation.metrics().decode_tokens_per_second << " tokens/s)\n";
}
