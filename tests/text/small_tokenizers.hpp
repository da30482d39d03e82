// The tokenizers of tests/data/text, for tests to use and to break.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "text/tokenizer.hpp"

namespace linnet::test {

/// tests/data/text/<name>.json
inline nlohmann::json small_tokenizer_json(const std::string& name) {
  std::ifstream file(std::filesystem::path(LINNET_TEST_DATA) / "text" / (name + ".json"));
  return nlohmann::json::parse(file);
}

inline text::Tokenizer small_tokenizer(const std::string& name) {
  return text::Tokenizer::parse(small_tokenizer_json(name).dump());
}

/// A small, fixed sequence of numbers.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed) {}
  uint32_t below(uint32_t limit) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<uint32_t>((state_ >> 33) % limit);
  }

 private:
  uint64_t state_;
};

}  // namespace linnet::test
