// The small tokenizers of tests/data/text, and variations of them entry by entry, against what
// Hugging Face's own library made of the same files (make_tokenizers.mjs there).
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "text/small_tokenizers.hpp"
#include "text/tokenizer.hpp"

namespace linnet::text {
namespace {

nlohmann::json patched(nlohmann::json base, const nlohmann::json& patch) {
  for (const auto& [key, value] : patch.items()) {
    if (key != "model") base[key] = value;
  }
  if (patch.contains("model")) base["model"].update(patch["model"]);
  return base;
}

TEST(Expectations, EveryEntryType) {
  const nlohmann::json file = test::small_tokenizer_json("expectations");
  const auto texts = file["texts"].get<std::vector<std::string>>();
  std::map<std::string, nlohmann::json> bases;
  for (const auto* name : {"byte_level", "sentencepiece", "marked"})
    bases[name] = test::small_tokenizer_json(name);
  int rows = 0;
  for (const auto& test : file["cases"]) {
    SCOPED_TRACE(test["name"].get<std::string>());
    const Tokenizer tokenizer =
        Tokenizer::parse(patched(bases[test["base"].get<std::string>()], test["patch"]).dump());
    for (const auto& row : test["rows"]) {
      const std::string& text = texts[row[0].get<size_t>()];
      const auto with_special = row[2].get<std::vector<int32_t>>();
      EXPECT_EQ(tokenizer.encode(text, false), row[1].get<std::vector<int32_t>>()) << text;
      EXPECT_EQ(tokenizer.encode(text), with_special) << text;
      if (!row[3].is_null()) {
        EXPECT_EQ(tokenizer.decode(with_special, false), row[3].get<std::string>()) << text;
        EXPECT_EQ(tokenizer.decode(with_special, true), row[4].get<std::string>()) << text;
      }
      for (const bool skip : {false, true}) {
        TokenStream stream = tokenizer.stream(skip);
        std::string streamed;
        for (const int32_t id : with_special) streamed += stream.push(id);
        EXPECT_EQ(streamed + stream.finish(), tokenizer.decode(with_special, skip)) << text;
      }
      ++rows;
    }
  }
  EXPECT_GE(rows, 1000);
}

}  // namespace
}  // namespace linnet::text
