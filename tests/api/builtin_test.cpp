// The model inside the library: its size, its tokens and answers against the frameworks that made
// it, and its labels for sentences it has never seen.
#include <gtest/gtest.h>
#include <linnet/linnet.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>

#include "base/file.hpp"
#include "base/json.hpp"
#include "support/sanitized.hpp"

namespace linnet {
namespace {

std::filesystem::path data(const char* name) {
  return std::filesystem::path(LINNET_TEST_DATA) / "builtin" / name;
}

std::vector<int32_t> ids_of(const Json& list) {
  std::vector<int32_t> result;
  for (const Json& id : list.elements()) result.push_back(static_cast<int32_t>(id.as_integer()));
  return result;
}

TEST(BuiltinModel, KeepsItsSize) {
  const ModelInfo info = inspect_builtin_model();
  EXPECT_EQ(info.name, "built-in");
  EXPECT_EQ(info.architecture, "Gemma3ForCausalLM");
  EXPECT_LE(info.parameters, 4'000'000);
  EXPECT_EQ(info.dtype, "bf16");
  EXPECT_GE(info.vocab_size, 2000);
  EXPECT_LE(info.vocab_size, 4096);
  EXPECT_TRUE(info.has_tokenizer);
  for (const ModelFile& file : info.files) EXPECT_LE(file.bytes, 8'000'000) << file.name;
}

// golden.json: ids from the tokenizers library, continuations and margins from transformers in
// float32.
TEST(BuiltinModel, EncodesAndContinuesAsTheFrameworksDid) {
  const TextModel model = load_builtin_model({.compute = Compute::f32, .threads = 2});
  int compared = 0;
  for (const Json& row : Json::parse_file(data("golden.json")).elements()) {
    const auto ids = ids_of(row.at("ids"));
    if (row.at("form").as_string() == "text") {
      EXPECT_EQ(model.encode(row.at("prompt").as_string()), ids);
    }
    const auto expected = ids_of(row.at("continuation"));
    const auto margins = row.at("margins").elements();
    Generation generation = model.generate(
        ids, {.max_tokens = static_cast<int64_t>(expected.size()), .temperature = 0});
    size_t step = 0;
    for (const Token& token : generation) {
      ASSERT_LT(step, expected.size());
      if (margins[step].as_number() < 1e-3) break;  // either token would be right
      ASSERT_EQ(token.id, expected[step]) << "step " << step;
      ++step;
      ++compared;
    }
  }
  EXPECT_GT(compared, 200);
}

TEST(BuiltinModel, LabelsSentencesItHasNotSeen) {
  const TextModel model = load_builtin_model({.threads = 2});
  const std::array<std::string, 4> labels{"technical", "creative", "ethical", "casual"};
  std::array<int32_t, 4> first{};
  std::ranges::transform(labels, first.begin(), [&](const std::string& l) {
    return model.encode(" " + l, false).front();
  });
  int right = 0;
  int count = 0;
  const std::string lines = read_file(data("heldout_labels.jsonl"));
  for (size_t start = 0; start < lines.size();) {
    const size_t end = lines.find('\n', start);
    const Json row = Json::parse(lines.substr(start, end - start), "heldout_labels.jsonl");
    start = end + 1;
    const std::string prompt =
        "Classify this text into exactly one category: technical, creative, ethical, "
        "casual.\n\nText: " +
        std::string(row.at("text").as_string()) + "\n\nCategory:";
    Generation answer = model.generate(prompt, {.max_tokens = 1});
    const Token* token = answer.next();
    ASSERT_NE(token, nullptr);
    const auto expected = std::ranges::find(labels, row.at("label").as_string()) - labels.begin();
    right += static_cast<int>(token->id == first[static_cast<size_t>(expected)]);
    ++count;
    // Others are passed over.
    for (int i = 1; i < test::rounds(1, 8) && start < lines.size(); ++i)
      start = lines.find('\n', start) + 1;
  }
  std::cout << "built-in model: " << right << " of " << count << " held-out labels right\n";
  EXPECT_EQ(count, test::rounds(400, 50));
  EXPECT_GT(right, count * 9 / 10);
}

TEST(BuiltinModel, TellsAStoryAndStops) {
  const TextModel model = load_builtin_model();
  Generation story = model.generate("Once upon a time", {.max_tokens = 600});
  const std::string text = story.text();
  EXPECT_EQ(story.finish_reason(), FinishReason::stop);
  EXPECT_GT(text.size(), 200U);
  EXPECT_EQ(text, model.generate("Once upon a time", {.max_tokens = 600}).text());
}

}  // namespace
}  // namespace linnet
