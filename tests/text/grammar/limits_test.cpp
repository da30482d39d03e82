// Grammars that would take all time or memory, and sharing between threads.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/expect_error.hpp"
#include "text/grammar/texts.hpp"

namespace linnet::text {
namespace {

using test::expect_error;
using test::matches;

std::string times(const std::string& text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) result += text;
  return result;
}

TEST(GrammarLimits, CountsAreNotExpanded) {
  for (const char* pattern : {"a{1,1000000}", "a{1000000}", "a{1000000,}", "(a{1000}){1000}",
                              "((a|b){3,1000000}c){2,1000000}"})
    EXPECT_LT(Grammar::regex(pattern).program().states.size(), 20U) << pattern;
  const Grammar grammar = Grammar::regex("a{1000,2000}");
  GrammarMatcher matcher = test::matcher_of(grammar);
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(matcher.may_end(), i >= 1000) << i;
    ASSERT_TRUE(matcher.mask().allows('a'));
    ASSERT_TRUE(matcher.accept('a'));
  }
  EXPECT_TRUE(matcher.must_end());
  EXPECT_FALSE(matcher.accept('a'));
  // Ambiguous: each character may begin a new part.
  GrammarMatcher parts = test::matcher_of(Grammar::regex("(\\w+ ?){1,1000000}"));
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(parts.accept_bytes("a"));
  EXPECT_TRUE(parts.mask().allows('b'));
}

TEST(GrammarLimits, SourcesAndSizesAreBounded) {
  const auto refused = [](const char* part, const auto& body) {
    expect_error(ErrorCode::unsupported, part, body);
  };
  refused("1048577 bytes", [] { (void)Grammar::regex(std::string(1048577, 'a')); });
  refused("1048577 bytes", [] { (void)Grammar::gbnf(std::string(1048577, 'a')); });
  refused("1048577 bytes", [] { (void)Grammar::json_schema(std::string(1048577, ' ')); });
  refused("nested that deeply", [] { (void)Grammar::regex(times("(", 100000)); });
  refused("nested that deeply", [] { (void)Grammar::gbnf("root ::= " + times("(", 100000)); });
  refused("grammar: more than", [] { (void)Grammar::regex(times("[^a]", 200000)); });
  refused("a class of more than 10000 parts", [] {
    std::string source = "[";
    for (int i = 0; i < 20000; ++i) source += "\\u{" + fmt::format("{:x}", 0x10000 + 2 * i) + "}";
    (void)Grammar::regex(source + "]");
  });
  // Names that double: 2^14 of one.
  std::string doubling = "{\"$defs\": {\"d0\": {\"type\": \"null\"}";
  for (int i = 1; i <= 14; ++i)
    doubling += fmt::format(
        R"(, "d{0}": {{"allOf": [{{"$ref": "#/$defs/d{1}"}}, {{"$ref": "#/$defs/d{1}"}}]}})", i,
        i - 1);
  refused("hold together",
          [&] { (void)Grammar::json_schema(doubling + "}, \"$ref\": \"#/$defs/d14\"}"); });
  std::string branches =
      R"({"$defs": {"b": {"anyOf": [{"minLength": 1}, {"minLength": 1}]}}, "allOf": [)";
  for (int i = 0; i < 20; ++i)
    branches += std::string(i > 0 ? "," : "") + R"({"$ref": "#/$defs/b"})";
  refused("branches included", [&] { (void)Grammar::json_schema(branches + "]}"); });
  std::string parts = "{\"enum\": [0";
  for (int i = 0; i < 30000; ++i) parts += ",0";
  refused("30001 parts", [&] { (void)Grammar::json_schema(parts + "]}"); });
  const std::string name(2000, 'n');
  refused("is a place of", [&] {
    (void)Grammar::json_schema(R"({"properties": {")" + name +
                               R"(": {"type": "null", "title": "t"}}})");
  });
}

// Chains of rules a hundred thousand long, and many rules at once.
TEST(GrammarLimits, LongChainsAreNoRecursion) {
  std::string source = "root ::= r0\n";
  for (int i = 0; i < 20000; ++i)
    source += fmt::format("r{} ::= r{} | \"x\" r{}\n", i, i + 1, i + 1);
  const Grammar grammar = Grammar::gbnf(source + "r20000 ::= \"y\"\n");
  EXPECT_TRUE(matches(Grammar::gbnf("root ::= \"x\""), "x"));
  std::string calls = "root ::= r0 \"z\"\n";
  for (int i = 0; i < 3000; ++i) calls += fmt::format("r{} ::= r{} \"a\"\n", i, i + 1);
  GrammarMatcher matcher = test::matcher_of(Grammar::gbnf(calls + "r3000 ::= \"y\"\n"));
  EXPECT_TRUE(matcher.accept_bytes("y" + times("a", 3000) + "z"));
  EXPECT_TRUE(matcher.must_end());
}

TEST(GrammarLimits, DeepStacksAreFreed) {
  GrammarMatcher matcher = test::matcher_of(Grammar::gbnf("root ::= \"a\" root \"b\" | \"\""));
  const std::string many = times("a", 1000);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(matcher.accept_bytes(many));
  GrammarMatcher copy = matcher;
  EXPECT_TRUE(copy.mask().allows('b'));
}

// Every way of cutting a text into pieces of different rules.
TEST(GrammarLimits, AmbiguityEndsInAnErrorOrAnAnswer) {
  const std::vector<std::string> sources{
      "root ::= s\ns ::= \"a\" s \"x\" | \"a\" \"a\" s \"y\" | \"a\"",
      "root ::= (\"a\"{1,50} \"a\"{1,50}){1,50}",
      "root ::= ((\"a\"{3,50}){3,50}){3,50}",
      "root ::= s\ns ::= \"a\" s s \"b\" | \"a\" s | \"a\"",
      "root ::= (\"a\"? \"a\"?){0,1000} \"b\"",
      "root ::= s{2,5}\ns ::= \"a\" s{2,5} | \"a\"",
  };
  for (const std::string& source : sources) {
    GrammarMatcher matcher = test::matcher_of(Grammar::gbnf(source));
    const auto begin = std::chrono::steady_clock::now();
    try {
      for (int i = 0; i < 150; ++i) {
        ASSERT_TRUE(matcher.accept_bytes("a")) << source;
        if (i % 10 == 0) {
          EXPECT_GT(matcher.mask().count(), 0U) << source;
        }
        if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(3)) break;
      }
    } catch (const Error& error) {
      EXPECT_EQ(to_string(error.code()), "unsupported") << error.what();
    }
  }
}

TEST(GrammarLimits, VocabulariesAreChecked) {
  const std::vector<std::string> tokens{"a", std::string(5000, 'b')};
  expect_error(ErrorCode::invalid_argument, "token 1 has 5000 bytes",
               [&] { (void)TokenIndex(tokens); });
  const std::vector<std::string> few{"a", "b"};
  const std::vector<int32_t> wrong{2};
  expect_error(ErrorCode::invalid_argument, "id 2", [&] { (void)TokenIndex(few, wrong); });
  expect_error(ErrorCode::invalid_argument, "id 2", [&] {
    (void)GrammarMatcher(TokenGrammar(Grammar::regex("a"), TokenIndex(few)), wrong);
  });
}

TEST(GrammarLimits, ControlTokensAndEnds) {
  const std::vector<std::string> tokens{"a", "<end>", "", "a", "<", "\xC3", "\xA9"};
  const std::vector<int32_t> never{3};
  const std::vector<int32_t> ends{1, 2};
  GrammarMatcher matcher(
      TokenGrammar(Grammar::regex("(a|é|<end>){1,2}"), TokenIndex(tokens, never)), ends);
  const auto allowed = [&] {
    std::string ids;
    for (int32_t id = 0; id < 7; ++id)
      if (matcher.mask().allows(id)) ids += std::to_string(id);
    return ids;
  };
  EXPECT_EQ(allowed(), "045");
  EXPECT_FALSE(matcher.accept(3));
  EXPECT_FALSE(matcher.accept(1));
  EXPECT_FALSE(matcher.accept(6));
  EXPECT_FALSE(matcher.accept(-1));
  EXPECT_FALSE(matcher.accept(7));
  EXPECT_TRUE(matcher.accept(5));
  EXPECT_EQ(allowed(), "6");
  EXPECT_TRUE(matcher.accept(6));
  EXPECT_EQ(allowed(), "01245");
  EXPECT_TRUE(matcher.accept(0));
  EXPECT_TRUE(matcher.must_end());
  EXPECT_EQ(allowed(), "12");
  EXPECT_TRUE(matcher.accept(2));
  EXPECT_TRUE(matcher.finished());
  EXPECT_EQ(allowed(), "");
  EXPECT_FALSE(matcher.accept(2));
}

TEST(GrammarLimits, ThreadsShareMasks) {
  const std::vector<std::string> tokens = test::byte_tokens();
  const std::vector<int32_t> ends{static_cast<int32_t>(tokens.size() - 1)};
  const TokenGrammar grammar(Grammar::json_object(), TokenIndex(tokens));
  const std::string text = R"({"a": [1, {"b": "c\n"}, [[]]], "d": {"e": true}})";
  std::vector<size_t> counts;
  {
    GrammarMatcher matcher(grammar, ends);
    for (const char c : text) {
      counts.push_back(matcher.mask().count());
      ASSERT_TRUE(matcher.accept(static_cast<unsigned char>(c)));
    }
  }
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  const TokenGrammar fresh(Grammar::json_object(), grammar.index());
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 20; ++round) {
        GrammarMatcher matcher(fresh, ends);
        for (size_t i = 0; i < text.size(); ++i) {
          if (matcher.mask().count() != counts[i]) ++wrong[t];
          if (!matcher.accept(static_cast<unsigned char>(text[i]))) ++wrong[t];
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

}  // namespace
}  // namespace linnet::text
