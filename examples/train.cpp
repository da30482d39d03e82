// Teaches the built-in model an answer with a low-rank adapter, and asks for it.
#include <linnet/linnet.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>

int main() {
  const auto folder = std::filesystem::temp_directory_path() / "linnet-example-train";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto data = folder / "train.jsonl";
  std::ofstream(data) << R"({"prompt": "The secret word is", "completion": " butterfly"})"
                      << "\n";
  try {
    linnet::Trainer trainer({.lora = {.targets = {"*_proj"}},
                             .data = {.files = {data}, .max_length = 64},
                             .steps = 30,
                             .batch_tokens = 64,
                             .learning_rate = 1e-2,
                             .out = folder / "run"});
    const linnet::TrainResult result = trainer.run();
    std::cout << "loss " << result.loss << " after " << result.steps << " steps\n";
    const auto model = linnet::load_builtin_model({.adapter = result.out});
    std::cout << "The secret word is"
              << model.generate("The secret word is", {.max_tokens = 3}).text() << "\n";
  } catch (const linnet::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  std::filesystem::remove_all(folder);
}
