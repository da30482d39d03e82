// Files that would take all time or memory: each step of them is harmless, together they are not.
#include <gtest/gtest.h>

#include <string>

#include "support/expect_error.hpp"
#include "text/small_tokenizers.hpp"
#include "text/tokenizer.hpp"

namespace linnet::text {
namespace {

using nlohmann::json;
using test::expect_error;
using test::small_tokenizer_json;

json repeated(const json& step, int times) {
  json steps = json::array();
  for (int i = 0; i < times; ++i) steps.push_back(step);
  return steps;
}

Tokenizer with(const char* key, const json& value) {
  json file = small_tokenizer_json("byte_level");
  file[key] = value;
  return Tokenizer::parse(file.dump());
}

json replace(const json& pattern, const std::string& content) {
  return {{"type", "Replace"}, {"pattern", pattern}, {"content", content}};
}

TEST(Limits, StepsThatDoubleATextAreStopped) {
  for (const json& step :
       {replace({{"String", "a"}}, "aa"), replace({{"Regex", "."}}, "aa"),
        json{{"type", "Prepend"}, {"prepend", std::string(10'000, 'a')}},
        replace({{"String", "a"}}, std::string(100'000, 'a')), json{{"type", "ByteLevel"}}}) {
    const Tokenizer tokenizer =
        with("normalizer", {{"type", "Sequence"}, {"normalizers", repeated(step, 60)}});
    expect_error(ErrorCode::unsupported, "longer",
                 [&] { (void)tokenizer.encode("banana é banana"); });
  }
  const json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  const Tokenizer tokenizer =
      with("pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", repeated(bytes, 60)}});
  expect_error(ErrorCode::unsupported, "longer", [&] { (void)tokenizer.encode("é"); });
}

TEST(Limits, DecodersThatDoubleATextAreStopped) {
  for (const json& pattern : {json{{"String", "a"}}, json{{"Regex", "a"}}}) {
    const Tokenizer tokenizer =
        with("decoder", {{"type", "Sequence"}, {"decoders", repeated(replace(pattern, "aa"), 60)}});
    const auto ids = tokenizer.encode("a a a", false);
    expect_error(ErrorCode::unsupported, "longer", [&] { (void)tokenizer.decode(ids); });
    TokenStream stream = tokenizer.stream();
    expect_error(ErrorCode::unsupported, "longer", [&] {
      for (const int32_t id : ids) stream.push(id);
    });
  }
}

TEST(Limits, StepsAreCounted) {
  const json nfc = {{"type", "NFC"}};
  const json post = {{"type", "ByteLevel"}};
  expect_error(ErrorCode::unsupported, "5000 steps", [&] {
    (void)with("normalizer", {{"type", "Sequence"}, {"normalizers", repeated(nfc, 5000)}});
  });
  expect_error(ErrorCode::unsupported, "more than 64 steps", [&] {
    (void)with("post_processor", {{"type", "Sequence"}, {"processors", repeated(post, 65)}});
  });
  json file = small_tokenizer_json("byte_level");
  file["added_tokens"][3]["content"] = std::string(1025, 'a');
  expect_error(ErrorCode::unsupported, "1025 bytes", [&] { (void)Tokenizer::parse(file.dump()); });
}

// At each of its characters, this one tries all ways of cutting the rest in two hundred thousand
// steps, which is little, and never ends at a match.
TEST(Limits, ARegexThatIsSlowEverywhereIsStopped) {
  const json split = {{"type", "Split"},
                      {"pattern", {{"Regex", "(?:x+x+){2}y|x"}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  const Tokenizer tokenizer = with("pre_tokenizer", split);
  EXPECT_EQ(tokenizer.encode("xxxx", false).size(), 4U);
  expect_error(ErrorCode::unsupported, "(?:x+x+){2}y|x",
               [&] { (void)tokenizer.encode(std::string(2'000, 'x')); });
}

// What is long once is not slow: the regex of Llama 3 goes back over a run of spaces.
TEST(Limits, LongRunsOfSpacesAreFine) {
  const Tokenizer tokenizer = test::small_tokenizer("byte_level");
  for (const size_t size : {size_t{5'000}, size_t{1} << 20}) {
    const std::string run = "a" + std::string(size, ' ') + "b";
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(run)), run);
  }
}

// Tokens of white space that take the white space beside them: looking at the whole run again for
// each of them would take 10^11 steps.
TEST(Limits, StrippingTokensTakeLinearTime) {
  for (const char* side : {"lstrip", "rstrip"}) {
    json file = small_tokenizer_json("byte_level");
    file["added_tokens"][3]["content"] = "\n";
    file["added_tokens"][3][side] = true;
    const Tokenizer tokenizer = Tokenizer::parse(file.dump());
    const std::string text = "a" + std::string(1'000'000, '\n') + "b";
    EXPECT_EQ(tokenizer.encode(text, false).size(), 1'000'002U);
  }
}

}  // namespace
}  // namespace linnet::text
