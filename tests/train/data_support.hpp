// Files of data and tokenizers for the tests of train.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "text/chat_template.hpp"
#include "text/tokenizer.hpp"
#include "train/dataset.hpp"

namespace linnet::test {

/// A file in the temporary folder, gone when this ends.
class DataFile {
 public:
  DataFile(const std::string& name, const std::vector<std::string>& lines)
      : path_(std::filesystem::temp_directory_path() /
              (name + std::to_string(::getpid()) + ".jsonl")) {
    std::ofstream out(path_);
    for (const std::string& line : lines) out << line << '\n';
  }
  ~DataFile() { std::filesystem::remove(path_); }
  DataFile(const DataFile&) = delete;
  DataFile& operator=(const DataFile&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::filesystem::path builtin_folder() {
  return std::filesystem::path(LINNET_TEST_DATA) / "../../assets/builtin";
}

inline std::shared_ptr<const train::Encoder> builtin_encoder(train::EncodeOptions options = {}) {
  return std::make_shared<train::Encoder>(text::Tokenizer::load(builtin_folder()),
                                          text::ChatTemplate::load(builtin_folder()),
                                          std::move(options));
}

}  // namespace linnet::test
