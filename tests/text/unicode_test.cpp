#include "text/unicode.hpp"

#include <gtest/gtest.h>

#include "text/normal_form.hpp"
#include "text/pattern.hpp"
#include "text/regex.hpp"
#include "text/small_tokenizers.hpp"
#include "text/stand_in.hpp"

namespace linnet::text {
namespace {

TEST(Unicode, EveryScalarValueGoesThere) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(c, text);
    ASSERT_TRUE(is_valid_utf8(text));
    ASSERT_EQ(sequence_length(static_cast<unsigned char>(text[0])), text.size());
    ASSERT_EQ(code_point_at(text, 0), c);
    ASSERT_EQ(previous_start(text, text.size()), 0U);
    ASSERT_EQ(repair_utf8(text), text);
  }
}

TEST(Unicode, RepairReplacesMaximalParts) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"abc", "abc"},
      {"\x80", "\uFFFD"},
      {"\xC0\x80", "\uFFFD\uFFFD"},  // overlong
      {"\xE2\x82", "\uFFFD"},        // cut short: one
      {"\xE2\x82z", "\uFFFDz"},
      {"\xF0\x9F\x99", "\uFFFD"},
      {"\xF0\x9F\x99\xF0\x9F\x99\x82", "\uFFFD\U0001F642"},
      {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},  // a surrogate
      {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xFF\xFE", "\uFFFD\uFFFD"},
      {"a\xC3(b", "a\uFFFD(b"},
  };
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(repair_utf8(bytes), text);
    Utf8Repair repair;  // the same, a byte at a time
    std::string out;
    for (const char byte : bytes) {
      repair.push({&byte, 1}, out);
      EXPECT_TRUE(is_valid_utf8(out));
    }
    repair.finish(out);
    EXPECT_EQ(out, text);
  }
}

TEST(Unicode, Classes) {
  for (const char32_t c : {U' ', U'\t', U'\u0085', U'\u00A0', U'\u2028', U'\u3000'})
    EXPECT_TRUE(is_whitespace(c));
  for (const char32_t c : {U'a', U'\u180E', U'\u200B', U'\uFEFF'}) EXPECT_FALSE(is_whitespace(c));
  for (const char32_t c : {U'a', U'_', U'7', U'\u0301', U'\u203F', U'\u24B6', U'\u200D', U'灯'})
    EXPECT_TRUE(is_word(c));
  for (const char32_t c : {U'-', U' ', U'\u00BD', U'🙂'}) EXPECT_FALSE(is_word(c));
  for (const char32_t c : {U'7', U'\u00BD', U'\u2167', U'\u0663'}) EXPECT_TRUE(is_numeric(c));
  for (const char32_t c : {U'$', U'_', U'\u00BF', U'\u3002'}) EXPECT_TRUE(is_punctuation(c));
  EXPECT_FALSE(is_punctuation(U'\u20AC'));
}

TEST(NormalForm, Forms) {
  struct Case {
    const char *text, *nfc, *nfd, *nfkc, *nfkd;
  };
  const Case cases[] = {
      {"", "", "", "", ""},
      {"plain", "plain", "plain", "plain", "plain"},
      {"e\u0301x", "\u00E9x", "e\u0301x", "\u00E9x", "e\u0301x"},
      {"e\u0301\u0323", "\u1EB9\u0301", "e\u0323\u0301", "\u1EB9\u0301", "e\u0323\u0301"},
      {"\u1100\u1161\u11A8", "\uAC01", "\u1100\u1161\u11A8", "\uAC01", "\u1100\u1161\u11A8"},
      {"\uAC00\u11A7", "\uAC00\u11A7", "\u1100\u1161\u11A7", "\uAC00\u11A7", "\u1100\u1161\u11A7"},
      {"\uFB01\u00BD", "\uFB01\u00BD", "\uFB01\u00BD", "fi1\u20442", "fi1\u20442"},
      {"\u212B", "\u00C5", "A\u030A", "\u00C5", "A\u030A"},
      {"\u0958", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C"},  // never composed
      {"a\u1AC1\u0334", "a\u1AC1\u0334", "a\u1AC1\u0334", "a\u1AC1\u0334",
       "a\u1AC1\u0334"},  // Unicode 14
  };
  for (const Case& c : cases) {
    EXPECT_EQ(to_normal_form(c.text, NormalForm::nfc), c.nfc);
    EXPECT_EQ(to_normal_form(c.text, NormalForm::nfd), c.nfd);
    EXPECT_EQ(to_normal_form(c.text, NormalForm::nfkc), c.nfkc);
    EXPECT_EQ(to_normal_form(c.text, NormalForm::nfkd), c.nfkd);
  }
}

TEST(NormalForm, IsStableAndNeverLooksAtTextTwice) {
  test::Numbers numbers(8);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) {
      static const char32_t bases[] = {0x300,  0x316,  0x334,  0x41,   0x65,  0xAC00,
                                       0x1100, 0x1161, 0x11A8, 0x3099, 0x304B};
      append_utf8(bases[numbers.below(std::size(bases))] + numbers.below(3), text);
    }
    for (const auto form : {NormalForm::nfc, NormalForm::nfd, NormalForm::nfkc, NormalForm::nfkd}) {
      const std::string once = to_normal_form(text, form);
      ASSERT_EQ(to_normal_form(once, form), once);
    }
    ASSERT_EQ(to_normal_form(to_normal_form(text, NormalForm::nfd), NormalForm::nfc),
              to_normal_form(text, NormalForm::nfc));
  }
  // Bubbling this run of marks into order would take 10^10 steps.
  std::string marks = "a";
  for (int i = 0; i < 100'000; ++i) marks += i % 2 == 0 ? "\u0301" : "\u0323";
  EXPECT_EQ(to_normal_form(marks, NormalForm::nfc).substr(0, 3), "\u1EA1");
}

TEST(Regex, Translation) {
  const auto translate = [](std::string_view pattern) { return translate_regex(pattern, "t"); };
  for (const auto* same : {"a|b", "(?i:'s)", "\\p{L}+", "[^\\r\\n\\p{L}]?", " ?\\n*", "(?!x)",
                           "\\[", "[[:alpha:]]", "a{2,3}", "(?<!a)b", "[]a]", "[^]a]", "\\\\s"})
    EXPECT_EQ(translate(same), same);
  EXPECT_EQ(translate("\\d"), "\\p{Nd}");
  EXPECT_EQ(translate("x{,3}"), "x{0,3}");
  EXPECT_EQ(translate("(?m:.)(?mi)"), "(?s:.)(?si)");
  EXPECT_EQ(translate("\\p{Letter}\\p{^Mark}"), "\\p{L}\\p{^M}");
  EXPECT_EQ(translate("\\h[\\h]\\v"), "[0-9A-Fa-f][0-9A-Fa-f]\\x{b}");
}

TEST(Regex, SpaceIsUnicodesWhiteSpace) {
  const Regex space("\\s", "t");
  const Regex not_space("\\S", "t");
  const Regex in_set("[^\\S]", "t");
  MatchScratch scratch;
  for (char32_t c = 0; c < 0x3100; ++c) {
    std::string text;
    append_utf8(c, text);
    ASSERT_EQ(space.find(text, 0, scratch).has_value(), is_whitespace(c))
        << static_cast<uint32_t>(c);
    ASSERT_EQ(not_space.find(text, 0, scratch).has_value(), !is_whitespace(c))
        << static_cast<uint32_t>(c);
    ASSERT_EQ(in_set.find(text, 0, scratch).has_value(), is_whitespace(c))
        << static_cast<uint32_t>(c);
  }
}

// Letters, numbers and marks of Unicode 15 and 16 are what Hugging Face's regexes take them for,
// and every match is where it would be in the text itself.
TEST(StandIn, RegexesKnowYoungCharacters) {
  MatchScratch scratch;
  const std::string text = "-\U00013CB0\U000323AFx\U0001F6DC \u1C89\U00010D40\u0897!";
  const auto matches = [&](const char* regex) {
    const Pattern pattern = Pattern::regex(regex, "t");
    Pattern::Finder finder(pattern, text, scratch);
    std::vector<std::string> found;
    while (const auto match = finder.next())
      found.push_back(text.substr(match->begin, match->end - match->begin));
    return found;
  };
  using Found = std::vector<std::string>;
  EXPECT_EQ(matches("\\p{L}+"), (Found{"\U00013CB0\U000323AFx", "\u1C89"}));
  EXPECT_EQ(matches("\\p{N}"), (Found{"\U00010D40"}));
  EXPECT_EQ(matches("\\p{M}"), (Found{"\u0897"}));
  EXPECT_EQ(matches("\\p{So}"), (Found{"\U0001F6DC"}));
  EXPECT_TRUE(is_word(U'\U00013CB0'));
  EXPECT_TRUE(is_numeric(U'\U00010D40'));
}

TEST(StandIn, EveryOneHasTheSameLength) {
  char32_t after = 0;
  for (const auto& [low, high, other] : kStandIns) {
    ASSERT_GE(low, after);
    ASSERT_GE(high, low);
    after = high + 1;
    for (const char32_t c : {low, high}) {
      std::string text;
      append_utf8(c, text);
      const std::string whole = "a\u00E9 " + text + "b" + text;
      std::string with;
      ASSERT_TRUE(put_stand_ins(whole, with));
      ASSERT_EQ(with.size(), whole.size());
      ASSERT_TRUE(is_valid_utf8(with));
      ASSERT_EQ(stand_in(other), other);
      std::string none = "x";
      ASSERT_FALSE(put_stand_ins(with, none));
      ASSERT_EQ(none, "x");
    }
  }
}

}  // namespace
}  // namespace linnet::text
