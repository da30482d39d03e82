#include "text/tokenizer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "support/expect_error.hpp"
#include "support/scale.hpp"
#include "support/temporary_folder.hpp"
#include "text/small_tokenizers.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

using test::expect_error;
using test::Numbers;
using test::small_tokenizer;
using test::small_tokenizer_json;
using Ids = std::vector<int32_t>;

std::vector<std::string> tokens_of(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> tokens;
  for (const int32_t id : tokenizer.encode(text, false))
    tokens.emplace_back(tokenizer.id_to_token(id).value());
  return tokens;
}

std::string joined(const std::vector<std::string>& tokens) {
  std::string result;
  for (const auto& token : tokens) result += token;
  return result;
}

// Checks the pieces as well: whole characters only.
std::string streamed(const Tokenizer& tokenizer, const Ids& ids, bool skip) {
  TokenStream stream = tokenizer.stream(skip);
  std::string text;
  const auto take = [&](const std::string& piece) {
    EXPECT_TRUE(is_valid_utf8(piece)) << piece;
    text += piece;
  };
  for (const int32_t id : ids) take(stream.push(id));
  take(stream.finish());
  EXPECT_EQ(stream.finish(), "");
  return text;
}

// Text of all kinds: words, white space, scripts, marks, emoji, any scalar value.
std::string random_text(Numbers& numbers) {
  static const std::vector<std::string> parts = {
      "the",   " keeper", "ships",  " ",        "  ",          "\n",      "\r\n",
      "\t",    "'s",      "1987",   "3.14",     "é",           "e\u0301", "灯台",
      "猫",    "Кошка",   "🙂",   "👩\u200D👧", "<|end|>",     "<think>", "\u2581",
      "(){};", "\u00A0",  "\u2028", "각",       "\u1100\u1161"};
  std::string text;
  for (uint32_t i = numbers.below(20); i > 0; --i) {
    if (numbers.below(4) > 0) {
      text += parts[numbers.below(static_cast<uint32_t>(parts.size()))];
      continue;
    }
    char32_t c = numbers.below(0x110000);
    if (c >= 0xD800 && c < 0xE000) c = 0xFFFD;
    append_utf8(c, text);
  }
  return text;
}

TEST(Tokenizer, SpacesBecomeTheMarkAndNothingElseIsAdded) {
  const Tokenizer tokenizer = small_tokenizer("sentencepiece");
  EXPECT_EQ(joined(tokens_of(tokenizer, "the cat  slept")), "the\u2581cat\u2581\u2581slept");
  EXPECT_EQ(tokens_of(tokenizer, "the").front().find("\u2581"), std::string::npos);
}

TEST(Tokenizer, UnknownCharactersFallBackToBytes) {
  const Tokenizer tokenizer = small_tokenizer("sentencepiece");
  EXPECT_EQ(tokens_of(tokenizer, "🦭"),
            (std::vector<std::string>{"<0xF0>", "<0x9F>", "<0xA6>", "<0xAD>"}));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("a🦭b")), "a🦭b");
}

TEST(Tokenizer, TheRegexCutsBeforeTheMerges) {
  nlohmann::json file = small_tokenizer_json("byte_level");
  const Tokenizer tokenizer = Tokenizer::parse(file.dump());
  file["pre_tokenizer"] = file["pre_tokenizer"]["pretokenizers"][1];
  const Tokenizer uncut = Tokenizer::parse(file.dump());
  const std::string text = "ships, the keeper's";
  EXPECT_EQ(joined(tokens_of(tokenizer, text)), "ships,ĠtheĠkeeper's");
  EXPECT_EQ(joined(tokens_of(uncut, text)), "ships,ĠtheĠkeeper's");
  for (const auto& token : tokens_of(tokenizer, "1234567")) EXPECT_LE(token.size(), 3U);
}

TEST(Tokenizer, AddedTokensAreFoundLongestFirst) {
  const Tokenizer tokenizer = small_tokenizer("byte_level");
  EXPECT_EQ(tokens_of(tokenizer, "<think><deep><think><think"),
            (std::vector<std::string>{"<think><deep>", "<think>", "<", "t", "h", "in", "k"}));
}

TEST(Tokenizer, AddedTokensNeedNotBeSpecial) {
  const Tokenizer tokenizer = small_tokenizer("byte_level");
  const int32_t think = tokenizer.token_to_id("<think>").value();
  const int32_t end = tokenizer.token_to_id("<|end|>").value();
  EXPECT_FALSE(tokenizer.is_special(think));
  EXPECT_TRUE(tokenizer.is_special(end));
  EXPECT_EQ(tokenizer.encode("<think><|end|>", false), (Ids{think, end}));
  EXPECT_EQ(tokenizer.decode(Ids{think, end}), "<think>");
  EXPECT_EQ(tokenizer.decode(Ids{think, end}, false), "<think><|end|>");
}

TEST(Tokenizer, LongWordsTakeLinearTime) {
  for (const auto* name : {"byte_level", "sentencepiece"}) {
    const Tokenizer tokenizer = small_tokenizer(name);
    std::string word;
    while (word.size() < size_t{1} << 20) word += "theshipskeepercounted";
    const auto start = std::chrono::steady_clock::now();
    const Ids ids = tokenizer.encode(word, false);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(tokenizer.decode(ids), word);
    // A second or so in the slowest build; quadratic merging would take hours.
    EXPECT_LT(seconds.count(), 60) << name;
    for (const char c : {' ', '\n', 'a', '!'}) {
      const std::string run(size_t{1} << 18, c);
      EXPECT_EQ(tokenizer.decode(tokenizer.encode(run, false)), run);
    }
  }
}

// Merging the same pieces in a long word (with a heap) and in short ones (without) is the same
// thing.
TEST(Tokenizer, LongAndShortWordsMergeAlike) {
  const Tokenizer tokenizer = small_tokenizer("sentencepiece");
  Numbers numbers(3);
  for (int round = 0; round < 200; ++round) {
    std::string longer;
    Ids expected;
    for (int i = 0; i < 12; ++i) {
      std::string word;
      for (uint32_t k = 1 + numbers.below(12); k > 0; --k)
        word += "thekprsincoud"[numbers.below(13)];
      // A character without a token: no merge reaches across its byte tokens.
      longer += word + "🦭";
      for (const auto& part : {word, std::string("🦭")})
        for (const int32_t id : tokenizer.encode(part, false)) expected.push_back(id);
    }
    EXPECT_EQ(tokenizer.encode(longer, false), expected) << longer;
  }
}

TEST(Tokenizer, BosIsNeverDoubledByAskingForNone) {
  const Tokenizer tokenizer = small_tokenizer("sentencepiece");
  const int32_t bos = tokenizer.token_to_id("<bos>").value();
  const Ids rendered = tokenizer.encode("<bos>the", false);
  EXPECT_EQ(std::ranges::count(rendered, bos), 1);
  EXPECT_EQ(rendered, tokenizer.encode("the", true));
}

TEST(Tokenizer, ByteLevelTextComesBackWhole) {
  const Tokenizer tokenizer = small_tokenizer("byte_level");
  Numbers numbers(1);
  for (int round = 0; round < test::scaled(10'000); ++round) {
    const std::string text = random_text(numbers);
    ASSERT_EQ(tokenizer.decode(tokenizer.encode(text, false), false), text);
  }
}

TEST(Tokenizer, BytesThatAreNoTextBecomeReplacementCharacters) {
  const Tokenizer tokenizer = small_tokenizer("byte_level");
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("a\xFF"
                                              "b\xE2\x82",
                                              false)),
            "a\uFFFDb\uFFFD");
  Numbers numbers(2);
  for (int round = 0; round < test::scaled(10'000); ++round) {
    std::string bytes;
    for (uint32_t i = numbers.below(24); i > 0; --i)
      bytes.push_back(static_cast<char>(numbers.below(256)));
    ASSERT_EQ(tokenizer.decode(tokenizer.encode(bytes, false), false), repair_utf8(bytes));
  }
}

TEST(TokenStream, EqualsTheWholeOnRandomIds) {
  for (const auto* name : {"byte_level", "sentencepiece", "marked"}) {
    const Tokenizer tokenizer = small_tokenizer(name);
    // Ids of bytes more often than others, so that characters are cut everywhere.
    const auto limit = static_cast<uint32_t>(tokenizer.vocab_size());
    Numbers numbers(4);
    for (int round = 0; round < test::scaled(5'000); ++round) {
      Ids ids;
      for (uint32_t i = numbers.below(30); i > 0; --i)
        ids.push_back(static_cast<int32_t>(numbers.below(3) == 0
                                               ? numbers.below(limit + 5)
                                               : numbers.below(std::min(limit, 262U))));
      for (const bool skip : {false, true})
        ASSERT_EQ(streamed(tokenizer, ids, skip), tokenizer.decode(ids, skip));
    }
  }
}

TEST(TokenStream, HoldsBackHalfACharacterAndNoMore) {
  const Tokenizer bytes = small_tokenizer("byte_level");
  const auto token = [&](const char* text) { return bytes.token_to_id(text).value(); };
  TokenStream stream = bytes.stream();
  EXPECT_EQ(stream.push(token("t")), "t");
  EXPECT_EQ(stream.push(token("Ã")), "");   // C3
  EXPECT_EQ(stream.push(token("©")), "é");  // A9
  EXPECT_EQ(stream.push(token("Ã")), "");
  EXPECT_EQ(stream.push(token("t")), "\uFFFDt");
  EXPECT_EQ(stream.push(token("ð")), "");  // F0
  EXPECT_EQ(stream.finish(), "\uFFFD");
  expect_error(ErrorCode::invalid_argument, "finished", [&] { stream.push(0); });

  const Tokenizer pieces = small_tokenizer("sentencepiece");
  const auto piece = [&](const char* text) { return pieces.token_to_id(text).value(); };
  TokenStream runs = pieces.stream();
  EXPECT_EQ(runs.push(piece("\u2581the")), " the");
  EXPECT_EQ(runs.push(piece("<0xC3>")), "");
  EXPECT_EQ(runs.push(piece("<0xA9>")), "");  // one more byte could still spoil the run
  EXPECT_EQ(runs.push(piece("t")), "ét");
  EXPECT_EQ(runs.push(piece("<0xC3>")), "");
  EXPECT_EQ(runs.push(piece("<0xC3>")), "");
  EXPECT_EQ(runs.finish(), "\uFFFD\uFFFD");
}

TEST(TokenStream, OutlivesItsTokenizer) {
  std::optional<Tokenizer> tokenizer = small_tokenizer("byte_level");
  const Ids ids = tokenizer->encode("the keeper counted 灯", false);
  TokenStream stream = tokenizer->stream();
  tokenizer.reset();
  std::string text;
  for (const int32_t id : ids) text += stream.push(id);
  EXPECT_EQ(text + stream.finish(), "the keeper counted 灯");
}

TEST(Tokenizer, VocabularyLookups) {
  const Tokenizer tokenizer = small_tokenizer("byte_level");
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const auto token = tokenizer.id_to_token(id);
    ASSERT_TRUE(token.has_value()) << id;
    EXPECT_EQ(tokenizer.token_to_id(*token), id);
  }
  const auto past = static_cast<int32_t>(tokenizer.vocab_size());
  for (const int32_t id : {-1, past, INT32_MAX, INT32_MIN}) {
    EXPECT_FALSE(tokenizer.id_to_token(id).has_value());
    EXPECT_FALSE(tokenizer.is_special(id));
  }
  EXPECT_FALSE(tokenizer.token_to_id("no such token").has_value());
  EXPECT_EQ(tokenizer.decode(Ids{past, INT32_MAX}), "");
  expect_error(ErrorCode::invalid_argument, "-1", [&] { (void)tokenizer.decode(Ids{-1}); });
}

TEST(Tokenizer, ReadsTheFilesOfACheckpoint) {
  const test::TemporaryFolder folder;
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(folder.path() / name) << text;
  };
  expect_error(ErrorCode::not_found, "tokenizer.json",
               [&] { (void)Tokenizer::load(folder.path()); });
  write("tokenizer.json", small_tokenizer_json("byte_level").dump());
  {
    const Tokenizer tokenizer = Tokenizer::load(folder.path());
    EXPECT_FALSE(tokenizer.bos_id().has_value());
    EXPECT_FALSE(tokenizer.add_bos_token().has_value());
  }
  write("tokenizer_config.json",
        R"({"bos_token": {"__type": "AddedToken", "content": "<|begin|>"}, "add_bos_token": true,
      "model_max_length": 1000000000000000019884624838656, "eos_token": null})");
  write("special_tokens_map.json", R"({"bos_token": "<think>", "eos_token": "<|end|>"})");
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  EXPECT_EQ(tokenizer.bos_id(), tokenizer.token_to_id("<|begin|>"));
  EXPECT_EQ(tokenizer.eos_id(), tokenizer.token_to_id("<|end|>"));
  EXPECT_EQ(tokenizer.add_bos_token(), true);
  EXPECT_FALSE(tokenizer.add_eos_token().has_value());
  write("tokenizer_config.json", R"({"eos_token": "<none>"})");
  expect_error(ErrorCode::malformed_file, "eos_token \"<none>\"",
               [&] { (void)Tokenizer::load(folder.path()); });
}

TEST(Tokenizer, ServesManyThreads) {
  const Tokenizer tokenizer = small_tokenizer("byte_level");
  std::vector<std::string> texts;
  std::vector<Ids> expected;
  Numbers numbers(6);
  for (int i = 0; i < 200; ++i) {
    texts.push_back(random_text(numbers));
    expected.push_back(tokenizer.encode(texts.back()));
  }
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (auto& count : wrong)
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round)
        for (size_t i = 0; i < texts.size(); ++i)
          count += tokenizer.encode(texts[i]) != expected[i];
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace linnet::text
