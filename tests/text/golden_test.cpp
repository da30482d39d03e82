// Every golden row of the real tokenizers beside the repository (shared/tokenizers/SOURCES.md says
// how they were made). They are third-party data and not part of it: without them this test says
// so.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <vector>

#include "base/json.hpp"
#include "support/scale.hpp"
#include "text/small_tokenizers.hpp"
#include "text/tokenizer.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

std::vector<int32_t> ids_of(const Json& row, std::string_view key) {
  std::vector<int32_t> ids;
  for (const Json& id : row.at(key).elements())
    ids.push_back(static_cast<int32_t>(id.as_integer()));
  return ids;
}

std::string decode_streamed(const Tokenizer& tokenizer, std::span<const int32_t> ids, bool skip) {
  TokenStream stream = tokenizer.stream(skip);
  std::string text;
  for (const int32_t id : ids) text += stream.push(id);
  return text + stream.finish();
}

TEST(Golden, EveryRowOfEveryFamily) {
  const std::filesystem::path folder = std::filesystem::path(LINNET_SHARED_DATA) / "tokenizers";
  if (!std::filesystem::is_directory(folder)) {
    std::cout << "absent, so nothing was compared: " << folder << '\n';
    return;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& family : std::filesystem::directory_iterator(folder)) {
    const auto file = family.path() / "golden_encode.jsonl";
    if (std::filesystem::exists(file)) files.push_back(file);
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    const Tokenizer tokenizer = Tokenizer::load(file.parent_path());
    std::ifstream lines(file);
    int rows = 0;
    int encoded = 0;
    int decoded = 0;
    int streamed = 0;
    for (std::string line; std::getline(lines, line); ++rows) {
      const Json row = Json::parse(line, file.filename().string() + ":" + std::to_string(rows + 1));
      const std::string text(row.at("text").as_string());
      const auto ids = ids_of(row, "ids");
      const auto with_special = ids_of(row, "ids_with_special");
      EXPECT_EQ(tokenizer.encode(text, false), ids) << file << ": " << line;
      EXPECT_EQ(tokenizer.encode(text, true), with_special) << file << ": " << line;
      encoded += tokenizer.encode(text, false) == ids && tokenizer.encode(text) == with_special;
      const std::string whole = tokenizer.decode(ids, false);
      EXPECT_EQ(whole, row.at("decoded").as_string()) << file << ": " << line;
      decoded += whole == row.at("decoded").as_string();
      bool equal = true;
      for (const bool skip : {false, true}) {
        EXPECT_EQ(decode_streamed(tokenizer, with_special, skip),
                  tokenizer.decode(with_special, skip));
        equal = equal && decode_streamed(tokenizer, with_special, skip) ==
                             tokenizer.decode(with_special, skip);
      }
      streamed += equal;
    }
    std::cout << file.parent_path().filename().string() << ": of " << rows
              << " rows, encoded alike " << encoded << ", decoded alike " << decoded
              << ", stream equals whole " << streamed << '\n';
    EXPECT_GT(rows, 0) << file;
  }
}

std::string random_text(test::Numbers& numbers) {
  std::string text;
  for (uint32_t i = numbers.below(24); i > 0; --i) {
    const uint32_t limits[] = {0x80, 0x80, 0x250, 0x3000, 0xD800, 0x20000, 0x110000};
    char32_t c = numbers.below(limits[numbers.below(7)]);
    if (numbers.below(4) == 0) c = U' ';
    if (c >= 0xD800 && c < 0xE000) c = U'\n';
    append_utf8(c, text);
  }
  return text;
}

// With the real vocabularies: a stream equals the whole for any ids, and byte-level families give
// text back.
TEST(Golden, RandomIdsAndTexts) {
  const std::filesystem::path folder = std::filesystem::path(LINNET_SHARED_DATA) / "tokenizers";
  if (!std::filesystem::is_directory(folder)) {
    std::cout << "absent, so nothing was tried: " << folder << '\n';
    return;
  }
  test::Numbers numbers(11);
  for (const char* family :
       {"gemma3", "llama3", "deepseek-r1-distill-qwen", "llama2-sp", "mistral-v0.3"}) {
    const Tokenizer tokenizer = Tokenizer::load(folder / family);
    for (int round = 0; round < test::scaled(2'000); ++round) {
      std::vector<int32_t> ids;
      for (uint32_t i = numbers.below(40); i > 0; --i)
        ids.push_back(static_cast<int32_t>(numbers.below(
            numbers.below(2) == 0 ? 600 : static_cast<uint32_t>(tokenizer.vocab_size() + 5))));
      for (const bool skip : {false, true})
        ASSERT_EQ(decode_streamed(tokenizer, ids, skip), tokenizer.decode(ids, skip)) << family;
    }
    if (std::string_view(family) != "llama3") continue;
    for (int round = 0; round < test::scaled(10'000); ++round) {
      const std::string text = random_text(numbers);
      ASSERT_EQ(tokenizer.decode(tokenizer.encode(text, false), false), text);
      std::string bytes;
      for (uint32_t i = numbers.below(24); i > 0; --i)
        bytes.push_back(static_cast<char>(numbers.below(256)));
      const std::vector<int32_t> ids = tokenizer.encode(bytes, false);
      ASSERT_EQ(tokenizer.decode(ids, false), repair_utf8(bytes));
      ASSERT_EQ(decode_streamed(tokenizer, ids, false), repair_utf8(bytes));
    }
  }
}

}  // namespace
}  // namespace linnet::text
