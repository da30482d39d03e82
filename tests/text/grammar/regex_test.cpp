#include "text/regex.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/expect_error.hpp"
#include "text/grammar/texts.hpp"

namespace linnet::text {
namespace {

using test::expect_error;
using test::matches;
using test::Numbers;

TEST(GrammarRegex, AcceptsAndRefuses) {
  struct Example {
    const char* pattern;
    std::vector<const char*> accepted;
    std::vector<const char*> refused;
  };
  const std::vector<Example> examples{
      {"", {""}, {"a"}},
      {"abc", {"abc"}, {"ab", "abcd", "xabc"}},
      {"^abc$", {"abc"}, {"ab"}},
      {"a|bc|", {"a", "bc", ""}, {"b", "abc"}},
      {"^a|b$", {"a", "b"}, {"ab"}},
      {"(?:ab)+c?", {"ab", "ababc"}, {"", "aba", "abcc"}},
      {"(?<name>a)(?P<b>)?", {}, {}},
      {"a{2}b{1,3}c{2,}", {"aabcc", "aabbbcccc"}, {"aabc", "abcc", "aabbbbcc"}},
      {"a*?b+?c??", {"b", "aabbc"}, {"a"}},
      {"[a-cx\\-]", {"a", "c", "x", "-"}, {"d", "ax"}},
      {"[^a-c]", {"d", "\n", "é", "日", "😀"}, {"a", "", "dd", "\xC3", "\xFF"}},
      {"[-a]", {"-", "a"}, {"b"}},
      {"[a-]", {"-", "a"}, {"b"}},
      {"[\\d_]+", {"12_3"}, {"a"}},
      {"[\\]\\\\^]+", {"]\\^"}, {"["}},
      {"[é-ü]", {"é", "ö", "ü"}, {"e", "ý", "\xC3"}},
      {".", {"a", "é", "\t"}, {"\n", "", "ab"}},
      {"\\d\\D\\w\\W\\s\\S", {"1xa- .", "0é_é\tx"}, {"aaaaaa", "1xé- ."}},
      {"\\x41\\u00e9\\x{1F600}\\u{65e5}", {"Aé😀日"}, {"A"}},
      {"\\.\\*\\(\\)\\{\\}\\$\\^\\|\\/", {".*(){}$^|/"}, {"x"}},
      {"\\n\\r\\t\\f\\v\\0", {}, {"n"}},
      {"}]", {"}]"}, {"]"}},
      {"(a|ab)(c|bcd)(d*)", {"abcd", "acd", "abcdd", "abbcd"}, {"abc d"}},
      {"(a*)*b", {"b", "aaab"}, {"a"}},
      {"(a?){3}b", {"b", "ab", "aaab"}, {"aaaab"}},
      {"(a{2,3}){2,3}", {"aaaa", "aaaaaaaaa"}, {"aaa", "aaaaaaaaaa"}},
      {"((a{1,2}b){2,3}c){2}", {"ababcaababc", "aababcaababaabc"}, {"abcababc", "ababc"}},
      {"(((a{2}b){2}c){2}d){2}", {"aabaabcaabaabcdaabaabcaabaabcd"}, {"aabaabcaabaabcd"}},
  };
  for (const Example& example : examples) {
    if (example.accepted.empty() && example.refused.empty()) continue;
    const Grammar grammar = Grammar::regex(example.pattern);
    for (const char* text : example.accepted)
      EXPECT_TRUE(matches(grammar, text)) << example.pattern << "\n" << text;
    for (const char* text : example.refused)
      EXPECT_FALSE(matches(grammar, text)) << example.pattern << "\n" << text;
  }
  EXPECT_TRUE(matches(Grammar::regex("(?<name>a)"), "a"));
  EXPECT_TRUE(matches(Grammar::regex("\\n\\r\\t\\f\\v\\0"), std::string("\n\r\t\f\v\0", 6)));
}

std::string random_pattern(Numbers& numbers, int depth) {
  static const std::vector<std::string> kLeaves{"a",   "b",   "c", ".", "[ab]",  "[^a]",
                                                "\\d", "\\w", "1", "é", "[c-é]", "-"};
  switch (depth == 0 ? 0 : numbers.below(7)) {
    case 0:
    case 1: return kLeaves[numbers.below(static_cast<uint32_t>(kLeaves.size()))];
    case 2:
    case 3: return random_pattern(numbers, depth - 1) + random_pattern(numbers, depth - 1);
    case 4:
      return "(?:" + random_pattern(numbers, depth - 1) + "|" + random_pattern(numbers, depth - 1) +
             ")";
    case 5: {
      static const std::vector<std::string> kEnds{"*", "+", "?", "*?"};
      return "(" + random_pattern(numbers, depth - 1) + ")" + kEnds[numbers.below(4)];
    }
    default:
      return "(?:" + random_pattern(numbers, depth - 1) + "){" + std::to_string(numbers.below(3)) +
             "," + std::to_string(2 + numbers.below(3)) + "}";
  }
}

// PCRE2 reads the same pattern. (Its \w and \d have more than ASCII, so the texts have no letters
// past it but one that [c-é] and . are about, and none that \w would take.)
TEST(GrammarRegex, RandomPatternsAsPcreReadsThem) {
  Numbers numbers(11);
  MatchScratch scratch;
  size_t matched = 0;
  size_t made = 0;
  for (int round = 0; round < 400; ++round) {
    const std::string pattern = random_pattern(numbers, 4);
    const bool has_words = pattern.find("\\w") != std::string::npos;
    const Grammar grammar = Grammar::regex(pattern);
    const Regex oracle("\\A(?:" + pattern + ")\\z", "test");
    for (int i = 0; i < 60; ++i) {
      std::string text;
      const uint32_t size = numbers.below(8);
      static const std::vector<std::string> kParts{"a", "b", "c", "1", "-", "é"};
      for (uint32_t k = 0; k < size; ++k) text += kParts[numbers.below(has_words ? 5 : 6)];
      scratch.begin(text.size());
      bool expected = false;
      try {
        expected = oracle.find(text, 0, scratch).has_value();
      } catch (const Error&) {  // PCRE2 goes through all the ways, up to a limit
        continue;
      }
      ASSERT_EQ(matches(grammar, text), expected) << pattern << "\n" << text;
      matched += expected ? 1 : 0;
    }
    // And texts of the automaton's own making.
    const auto text = test::random_text(grammar, numbers, 12, "abc1-");
    if (!text || has_words || !std::ranges::all_of(*text, [](char c) { return c >= 0x20; }))
      continue;
    scratch.begin(text->size());
    try {
      EXPECT_TRUE(oracle.find(*text, 0, scratch).has_value()) << pattern << "\n" << *text;
      ++made;
    } catch (const Error&) {
      continue;
    }
  }
  EXPECT_GT(made, 100U);
  EXPECT_GT(matched, 1000U);
}

TEST(GrammarRegex, WhatIsNotSupportedIsNamed) {
  const auto refused = [](const char* pattern, const char* part) {
    expect_error(ErrorCode::unsupported, part, [&] { (void)Grammar::regex(pattern); });
  };
  refused("a(?=b)", "regex: a look-around (?= at byte 3 of \"a(?=b)\"");
  refused("(?!b)", "a look-around (?!");
  refused("(?<=b)", "a look-around (?<");
  refused("(?i)a", "(?i");
  refused("(?>a)", "(?>");
  refused("(*FAIL)", "a verb");
  refused("(a)\\1", "a back-reference");
  refused("\\bword\\b", "a word boundary");
  refused("a++", "a possessive quantifier");
  refused("\\p{L}", "the escape \\p");
  refused("\\A", "the escape \\A");
  refused("[[:alpha:]]", "a POSIX class");
  refused("a^b", "^ that is not an end");
  refused("(^a)", "^ that is not an end");
  refused("a$b", "$ that is not an end");
  refused("\\01", "an octal escape");
  refused("a{1,3000000000}", "a count past");
}

TEST(GrammarRegex, WhatIsWrongIsNamed) {
  const auto wrong = [](std::string_view pattern, const char* part) {
    expect_error(ErrorCode::invalid_argument, part, [&] { (void)Grammar::regex(pattern); });
  };
  wrong("(a", "a ( without its ) at byte 2");
  wrong("a)", "an unmatched )");
  wrong("[a", "a [ without its ]");
  wrong("[]", "an empty class");
  wrong("[z-a]", "a range whose end is below its start");
  wrong("[a-\\d]", "a range between classes");
  wrong("*a", "a quantifier of nothing");
  wrong("a**", "a quantifier of a quantifier");
  wrong("a{2,1}", "a count whose end is below its start");
  wrong("a{,2}", "a { that begins no count");
  wrong("a{2", "a count without its }");
  wrong("{2}", "a { with nothing before it");
  wrong("a\\", "a \\ with nothing behind it");
  wrong("\\x4", "hexadecimal");
  wrong("\\ud800", "an escape of no character");
  wrong("\xFF", "bytes that are not UTF-8");
  wrong("[^\\s\\S]", "no text matches");
}

}  // namespace
}  // namespace linnet::text
