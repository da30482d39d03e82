// Masks against brute force: every token of a vocabulary, after every step of random texts, by a
// recogniser that shares nothing with the automaton.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "support/sanitized.hpp"
#include "text/grammar/code_points.hpp"
#include "text/grammar/gbnf.hpp"
#include "text/grammar/json_schema.hpp"
#include "text/grammar/matcher.hpp"
#include "text/grammar/recognizer.hpp"
#include "text/small_tokenizers.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

using grammar::Syntax;
using test::Numbers;

std::string shown(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (c >= 0x20 && c < 0x7F)
      result += c;
    else
      result += fmt::format("<{:02x}>", static_cast<unsigned char>(c));
  return result;
}

// Every string of one to three of these bytes, longer ones, twins, empty ones; the last is the end.
std::vector<std::string> vocabulary_of(std::string_view bytes, Numbers& numbers) {
  std::vector<std::string> tokens{""};
  size_t from = 0;
  for (int length = 1; length <= 3; ++length) {
    const size_t to = tokens.size();
    for (; from < to; ++from)
      for (const char c : bytes) tokens.push_back(tokens[from] + c);
  }
  for (int i = 0; i < 60; ++i) {
    std::string token;
    const uint32_t size = 4 + numbers.below(9);
    for (uint32_t k = 0; k < size; ++k)
      token += k > 1 && numbers.below(2) == 0
                   ? token[k - 2]
                   : bytes[numbers.below(static_cast<uint32_t>(bytes.size()))];
    tokens.push_back(token);
    if (i % 10 == 0) tokens.push_back(token);
  }
  tokens.emplace_back("<end>");
  return tokens;
}

// Compares masks with the recogniser's along a text of random allowed tokens. Returns how many
// tokens were allowed.
size_t follow(const Syntax& syntax, const TokenGrammar& grammar,
              const std::vector<std::string>& tokens, Numbers& numbers, int steps,
              const std::string& name) {
  test::Recognizer recognizer(syntax);
  const auto end = static_cast<int32_t>(tokens.size() - 1);
  const std::vector<int32_t> ends{end};
  GrammarMatcher matcher(grammar, ends);
  std::string text;
  size_t count = 0;
  for (int step = 0; step < steps; ++step) {
    const TokenMask& mask = matcher.mask();
    EXPECT_EQ(matcher.may_end(), recognizer.matches(text)) << name << " after " << shown(text);
    EXPECT_EQ(mask.allows(end), matcher.may_end());
    std::vector<int32_t> allowed;
    for (int32_t id = 0; id < end; ++id) {
      const std::string& token = tokens[static_cast<size_t>(id)];
      const bool expected = !token.empty() && recognizer.viable(text + token);
      EXPECT_EQ(mask.allows(id), expected)
          << name << "\nafter " << shown(text) << " token " << shown(token);
      if (mask.allows(id) != expected) return count;
      if (expected) allowed.push_back(id);
    }
    count += allowed.size();
    if (allowed.empty()) {
      EXPECT_TRUE(matcher.must_end()) << name << " after " << shown(text);
      break;
    }
    const int32_t id = allowed[numbers.below(static_cast<uint32_t>(allowed.size()))];
    GrammarMatcher draft = matcher;  // a copy goes its own way
    EXPECT_TRUE(draft.accept(id));
    EXPECT_TRUE(matcher.accept(id)) << name;
    text += tokens[static_cast<size_t>(id)];
  }
  return count;
}

std::string random_expression(Numbers& numbers, int depth) {
  static const std::vector<std::string> kLeaves{
      "\"a\"",  "\"b\"",   "\"ab\"", "\"\xC3\xA9\"", "[ab]", "[^a]", "[a-c\xC3\xA0-\xC3\xBF]",
      "\"\"",   "\"abc\"", ".",      "r1",           "r2",   "r3",   "root",
      "\"ba\"", "\"c\""};
  switch (depth == 0 ? 0 : numbers.below(8)) {
    case 0:
    case 1: return kLeaves[numbers.below(static_cast<uint32_t>(kLeaves.size()))];
    case 2:
    case 3:
      return random_expression(numbers, depth - 1) + " " + random_expression(numbers, depth - 1);
    case 4:
      return "(" + random_expression(numbers, depth - 1) + " | " +
             random_expression(numbers, depth - 1) + ")";
    case 5: {
      static const std::vector<std::string> kEnds{"*", "+", "?"};
      return "(" + random_expression(numbers, depth - 1) + ")" + kEnds[numbers.below(3)];
    }
    default: {
      const uint32_t min = numbers.below(4);
      static const std::vector<std::string> kMore{"}", ",}", ",4}", ",5}", ",1000000}", ",9}"};
      return "(" + random_expression(numbers, depth - 1) + "){" + std::to_string(min) +
             kMore[numbers.below(6)];
    }
  }
}

TEST(GrammarMask, RandomGrammarsEqualBruteForce) {
  Numbers numbers(1);
  int compared = 0;
  size_t allowed = 0;
  constexpr int kRounds = test::rounds(600, 150);
  for (int round = 0; round < kRounds; ++round) {
    std::string source;
    for (const char* rule : {"root", "r1", "r2", "r3"})
      source += std::string(rule) + " ::= " + random_expression(numbers, 4) + "\n";
    try {
      const Syntax syntax = grammar::parse_gbnf(source);
      const grammar::Analysis analysis = grammar::analyze(syntax);
      // The recogniser cannot tell that a part never ends.
      if (std::ranges::find(analysis.productive, false) != analysis.productive.end()) continue;
      const auto tokens = vocabulary_of("abc\xC3\xA9", numbers);
      const std::vector<int32_t> never{};
      const TokenGrammar compiled(Grammar(syntax), TokenIndex(tokens, never));
      allowed += follow(syntax, compiled, tokens, numbers, 4, source);
      ++compared;
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_TRUE(message.find("left-recursive") != std::string::npos ||
                  message.find("never ends") != std::string::npos)
          << message << "\n"
          << source;
    }
    if (HasFailure()) break;
  }
  EXPECT_GT(compared, kRounds / 4);
  EXPECT_GT(allowed, size_t{kRounds} * 16);
}

// JSON, whose strings have tokens with parts of characters, escapes and ends of strings in them.
TEST(GrammarMask, JsonEqualsBruteForce) {
  Numbers numbers(2);
  const std::vector<std::string> schemas{
      "{}",
      R"({"type": "object"})",
      R"({"type": "object", "properties": {"a": {"type": "string", "maxLength": 4}, "ab": {"$ref": "#"}},
          "additionalProperties": {"type": "array", "items": {"enum": ["x", "xy", null]}, "maxItems": 3}})",
      R"({"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 9}, "minItems": 2})",
      R"({"type": "array", "items": {"type": "string", "pattern": "^(a|é)*b{2,7}$"}})",
      R"({"type": "array", "items": {"type": "integer", "minimum": -12, "maximum": 1234}, "maxItems": 5})",
  };
  std::vector<std::string> tokens;
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  const std::vector<std::string> parts{
      "\"", ",",  ":",   "{",       "}",       "[", "]",    " ",    "\n",       "a",        "b",
      "x",  "\\", "u00", "\\ud83d", "\\ude00", "é", "\xC3", "\xA9", "\xF0\x9F", "\x98\x80", "1",
      "2",  "0",  "-",   "true",    "null",    "e", ".",    "日",   "ab",       "  "};
  while (tokens.size() < 700) {
    std::string token;
    const uint32_t count = 2 + numbers.below(4);
    for (uint32_t i = 0; i < count; ++i)
      token += parts[numbers.below(static_cast<uint32_t>(parts.size()))];
    tokens.push_back(token);
  }
  tokens.emplace_back("<end>");
  const TokenIndex index(tokens);
  for (const std::string& schema : schemas)
    for (const JsonWhitespace whitespace : {JsonWhitespace::flexible, JsonWhitespace::none}) {
      const Syntax syntax = grammar::parse_json_schema(schema, whitespace);
      const TokenGrammar compiled(Grammar(syntax), index);
      for (int round = 0; round < test::rounds(2, 1); ++round)
        EXPECT_GT(follow(syntax, compiled, tokens, numbers, test::rounds(9, 5), schema), 0U);
      if (HasFailure()) return;
    }
}

TEST(GrammarMask, RandomSetsOfCharacters) {
  Numbers numbers(6);
  for (int round = 0; round < 300; ++round) {
    grammar::CodePoints set;
    const uint32_t count = 1 + numbers.below(5);
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t first = numbers.below(round % 2 == 0 ? 0x110000 : 0x900);
      set.add(first, first + numbers.below(round % 3 == 0 ? 0x8000 : 40));
    }
    if (round % 5 == 0) set = set.complement();
    const auto sequences = grammar::utf8_sequences(set);
    const auto matches = [&](char32_t c) {
      std::string text;
      append_utf8(c, text);
      size_t found = 0;
      for (const auto& sequence : sequences) {
        bool fits = sequence.size() == text.size();
        for (size_t i = 0; fits && i < text.size(); ++i)
          fits = sequence[i][static_cast<unsigned char>(text[i])];
        found += fits ? 1 : 0;
      }
      EXPECT_LE(found, 1U);
      return found == 1;
    };
    for (const auto& range : set.ranges())
      for (int i = -3; i <= 3; ++i)
        for (const int64_t end : {int64_t{range.first} + i, int64_t{range.last} + i}) {
          if (end < 0 || end > 0x10FFFF || (end >= 0xD800 && end <= 0xDFFF)) continue;
          const auto c = static_cast<char32_t>(end);
          ASSERT_EQ(matches(c), set.contains(c)) << end;
          ASSERT_NE(set.contains(c), set.complement().contains(c)) << end;
        }
    EXPECT_EQ(set.complement().complement(), set);
  }
}

// A tokenizer's tokens as bytes: put together they are the text.
TEST(GrammarMask, BytesOfTokens) {
  for (const char* name : {"byte_level", "sentencepiece", "marked"}) {
    const Tokenizer tokenizer = test::small_tokenizer(name);
    for (const std::string text : {"a b", "the cat é 日本 😀", "x  y\n\tz 12"}) {
      const auto ids = tokenizer.encode(text, false);
      std::string bytes;
      for (const int32_t id : ids) bytes += tokenizer.token_bytes(id);
      const std::string decoded = tokenizer.decode(ids);
      EXPECT_TRUE(bytes == decoded || bytes == " " + decoded)
          << name << ": " << bytes << " " << decoded;
    }
    EXPECT_EQ(tokenizer.token_bytes(-1), "");
    EXPECT_EQ(tokenizer.token_bytes(1 << 20), "");
  }
}

}  // namespace
}  // namespace linnet::text
