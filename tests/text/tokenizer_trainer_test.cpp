#include "text/tokenizer_trainer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "text/chat_template.hpp"
#include "text/small_tokenizers.hpp"
#include "text/tokenizer.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

constexpr const char* kText =
    "The keeper of the lighthouse had three cats and 12 lamps.\n\nThe cats' names: Ann, Bo, Cy!  "
    "They sat in the light; the keeper lit the lamps at 7.\r\nNaïve café, naïve café. 日本語 "
    "日本語\t🦜\n";

TrainedTokenizer train(TokenizerTrainOptions options) {
  TokenizerTrainer trainer(std::move(options));
  for (int i = 0; i < 3; ++i) trainer.add(kText);
  return trainer.train();
}

Tokenizer parse(const TrainedTokenizer& trained) {
  return Tokenizer::parse(trained.tokenizer_json, trained.tokenizer_config_json);
}

std::vector<TokenizerStyle> styles() { return {TokenizerStyle::gemma, TokenizerStyle::byte_level}; }

/// U+2581 as spaces.
std::string with_spaces(std::string text) {
  constexpr std::string_view kMark = "\u2581";
  for (size_t at; (at = text.find(kMark)) != std::string::npos;)
    text.replace(at, kMark.size(), " ");
  return text;
}

TEST(TokenizerTrainer, TextsComeBack) {
  test::Numbers numbers(3);
  for (const TokenizerStyle style : styles()) {
    const TrainedTokenizer trained =
        train({.style = style, .vocab_size = 500, .limit_alphabet = 100});
    const Tokenizer tokenizer = parse(trained);
    EXPECT_EQ(tokenizer.vocab_size(), trained.vocab_size);
    EXPECT_LT(tokenizer.encode(kText).size(), std::string_view(kText).size());
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(kText)), kText);
    const std::string marked = "a\u2581 b \u2581";
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(marked)),
              style == TokenizerStyle::gemma ? with_spaces(marked) : marked);
    for (int round = 0; round < 500; ++round) {
      std::string bytes;
      for (uint32_t i = 0; i < numbers.below(40); ++i) switch (numbers.below(3)) {
          case 0: bytes += static_cast<char>(numbers.below(256)); break;
          case 1: bytes += static_cast<char>(numbers.below(128)); break;
          default: append_utf8(0x80 + numbers.below(0x3000), bytes); break;
        }
      std::string expected = repair_utf8(bytes);
      // U+2581 is how Gemma's style writes a space, so it comes back as one.
      if (style == TokenizerStyle::gemma) expected = with_spaces(std::move(expected));
      EXPECT_EQ(tokenizer.decode(tokenizer.encode(bytes, false), false), expected);
    }
  }
}

TEST(TokenizerTrainer, OrderOfIds) {
  const Tokenizer gemma =
      parse(train({.vocab_size = 500, .special_tokens = {"<tool>"}, .limit_alphabet = 96}));
  EXPECT_EQ(gemma.bos_id(), 2);
  EXPECT_EQ(gemma.eos_id(), 1);
  int32_t id = 0;
  for (const char* token :
       {"<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>", "<tool>"}) {
    EXPECT_TRUE(gemma.is_special(id));
    EXPECT_EQ(gemma.id_to_token(id++), token);
  }
  EXPECT_EQ(gemma.id_to_token(id), "<0x00>");
  EXPECT_EQ(gemma.id_to_token(id + 256), "\n");
  EXPECT_EQ(gemma.encode("<tool>"), (std::vector<int32_t>{2, 6}));
  const Tokenizer bytes = parse(
      train({.style = TokenizerStyle::byte_level, .vocab_size = 300, .chat_template = "chatml"}));
  EXPECT_EQ(bytes.id_to_token(0), "<|endoftext|>");
  EXPECT_EQ(bytes.id_to_token(2), "<|im_end|>");
  EXPECT_EQ(bytes.id_to_token(3), "!");
  EXPECT_EQ(bytes.encode("!"), (std::vector<int32_t>{3}));
  const Tokenizer llama = parse(
      train({.style = TokenizerStyle::byte_level, .vocab_size = 300, .chat_template = "llama3"}));
  EXPECT_EQ(llama.bos_id(), 0);
  EXPECT_EQ(llama.encode("!").front(), 0);
}

TEST(TokenizerTrainer, NoTokenCrossesAWord) {
  for (const TokenizerStyle style : styles()) {
    const Tokenizer tokenizer = parse(train({.style = style, .vocab_size = 2000}));
    for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
      const std::string bytes = tokenizer.token_bytes(id);
      if (bytes.find_first_not_of(" \r\n") == std::string::npos) continue;
      EXPECT_EQ(bytes.find(' ', 1), std::string::npos) << bytes;
      EXPECT_FALSE(bytes.size() > 1 && bytes.find("12") != std::string::npos) << bytes;
    }
  }
}

TEST(TokenizerTrainer, Templates) {
  for (const char* name : {"gemma3", "chatml", "llama3"})
    for (const TokenizerStyle style : styles()) {
      const TrainedTokenizer trained =
          train({.style = style, .vocab_size = 600, .chat_template = name});
      const Tokenizer tokenizer = parse(trained);
      const ChatTemplate chat =
          ChatTemplate::parse({.tokenizer_config_json = trained.tokenizer_config_json,
                               .tokenizer_json = trained.tokenizer_json});
      ChatRequest request = ChatRequest::from_json(Json::parse(
          R"({"messages": [{"role": "user", "content": "lamp"}, {"role": "assistant", "content": "light"}]})",
          "x"));
      const std::vector<int32_t> ids = tokenizer.encode(chat.render(request), false);
      EXPECT_GE(std::ranges::count_if(ids, [&](int32_t id) { return tokenizer.is_special(id); }), 4)
          << name;
    }
}

TEST(TokenizerTrainer, SameTextsSameBytes) {
  for (const TokenizerStyle style : styles()) {
    const TokenizerTrainOptions options{.style = style, .vocab_size = 400};
    TokenizerTrainer whole(options);
    whole.add(fmt::format("{}again\n{}", kText, kText));
    TokenizerTrainer pieces(options);
    for (const std::string_view piece : {kText, "again\n", kText}) pieces.add(piece);
    EXPECT_EQ(whole.train().tokenizer_json, pieces.train().tokenizer_json);
  }
}

TEST(TokenizerTrainer, RefusesWhatCannotBe) {
  EXPECT_THROW(TokenizerTrainer({.vocab_size = 262}), Error);
  EXPECT_THROW(TokenizerTrainer({.special_tokens = {""}}), Error);
  EXPECT_THROW(TokenizerTrainer({.special_tokens = {"<bos>"}}), Error);
  EXPECT_THROW(TokenizerTrainer({.special_tokens = {"<0x41>"}}), Error);
  EXPECT_THROW(TokenizerTrainer({.special_tokens = {"<a>", "<a>"}}), Error);
  EXPECT_THROW((void)TokenizerTrainer({.vocab_size = 500}).train(), Error);
  TokenizerTrainer trainer({.vocab_size = 500, .special_tokens = {"a"}});
  trainer.add("banana");
  EXPECT_THROW((void)trainer.train(), Error);
}

}  // namespace
}  // namespace linnet::text
