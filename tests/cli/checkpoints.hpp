// Checkpoints that the tests of the command line run.
#pragma once

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

#include "support/temporary_folder.hpp"

namespace linnet::test {

/// A tiny checkpoint with random weights, of "gemma3", "qwen3", "qwen2" or "llama3": 512 ids, a
/// context of 512 tokens, no tokenizer.
inline std::filesystem::path tiny_checkpoint(const std::string& family) {
  return std::filesystem::path(LINNET_TEST_DATA) / "reference" / family;
}

/// The tiny Llama with a context of a million tokens, so that generating takes as long as a test
/// needs.
class EndlessCheckpoint {
 public:
  EndlessCheckpoint() {
    const std::filesystem::path tiny = tiny_checkpoint("llama3");
    std::ifstream original(tiny / "config.json");
    nlohmann::json config = nlohmann::json::parse(original);
    config["max_position_embeddings"] = 1000000;
    std::ofstream(folder_.path() / "config.json") << config;
    std::filesystem::create_symlink(tiny / "model.safetensors",
                                    folder_.path() / "model.safetensors");
  }

  [[nodiscard]] std::string path() const { return folder_.path().string(); }

 private:
  TemporaryFolder folder_;
};

}  // namespace linnet::test
