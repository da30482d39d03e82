// Files of data and tokenizers for the tests of train.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"
#include "text/chat_template.hpp"
#include "text/tokenizer.hpp"
#include "train/dataset.hpp"

namespace linnet::test {

/// A file of lines, gone when this ends.
class DataFile {
 public:
  DataFile(const std::string& name, const std::vector<std::string>& lines)
      : path_(folder_.path() / (name + ".jsonl")) {
    std::ofstream out(path_);
    for (const std::string& line : lines) out << line << '\n';
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  TemporaryFolder folder_;
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
