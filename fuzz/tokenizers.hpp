// The tokenizers that the targets encode and decode with: the small ones of tests/data/text and
// their variations, which between them have every entry that linnet implements.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "text/tokenizer.hpp"

namespace linnet::fuzz {

struct NamedTokenizer {
  std::string name;
  text::Tokenizer tokenizer;
  bool lossless;  ///< decoding gives the text back
};

inline const std::vector<NamedTokenizer>& tokenizers() {
  static const std::vector<NamedTokenizer> all = [] {
    const auto read = [](const std::string& name) {
      std::ifstream file(std::filesystem::path(LINNET_TEST_DATA) / "text" / (name + ".json"));
      return nlohmann::json::parse(file);
    };
    std::map<std::string, nlohmann::json> bases;
    for (const auto* name : {"byte_level", "sentencepiece", "marked"}) bases[name] = read(name);
    std::vector<NamedTokenizer> result;
    const nlohmann::json expectations = read("expectations");
    for (const auto& entry : expectations["cases"]) {
      nlohmann::json file = bases[entry["base"].get<std::string>()];
      for (const auto& [key, value] : entry["patch"].items())
        if (key != "model") file[key] = value;
      if (entry["patch"].contains("model")) file["model"].update(entry["patch"]["model"]);
      const std::string name = entry["name"];
      result.push_back({name, text::Tokenizer::parse(file.dump()), name == "byte_level"});
    }
    return result;
  }();
  return all;
}

}  // namespace linnet::fuzz
