// Stop strings: the same text comes out however the stream is cut, and no later than it must.
#include "engine/stop_strings.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/expect_error.hpp"
#include "support/sanitized.hpp"

namespace linnet::engine {
namespace {

using Strings = std::vector<std::string>;

/// By hand: the text up to the stop string that ends first, the longest of those.
std::string expected(const std::string& text, const Strings& stops, bool& found) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops)
      if (stop.size() <= end && text.compare(end - stop.size(), stop.size(), stop) == 0)
        longest = std::max(longest, stop.size());
    if (longest > 0) {
      found = true;
      return text.substr(0, end - longest);
    }
  }
  found = false;
  return text;
}

TEST(StopStrings, EndWhereTheFirstIsComplete) {
  const auto run = [](const Strings& stops, const Strings& pieces) {
    StopStrings matcher(stops);
    std::string text;
    for (const std::string& piece : pieces) {
      text += matcher.push(piece) + "|";
      if (matcher.found()) return text;
    }
    return text + matcher.finish();
  };
  EXPECT_EQ(run({"END"}, {"abcENDxyz"}), "abc|");
  EXPECT_EQ(run({"END"}, {"abcE", "N", "D"}), "abc|||") << "never emitted";
  EXPECT_EQ(run({"END"}, {"abcE", "N", "X"}), "abc||ENX|") << "and not lost";
  EXPECT_EQ(run({"END"}, {"abE", "c"}), "ab|Ec|") << "held no longer than needed";
  EXPECT_EQ(run({"END"}, {"abcEN"}), "abc|EN") << "what is left at the end of the text";
  EXPECT_EQ(run({"\n\n", "User:"}, {"Hi\n", "User", ":"}), "Hi|\n||");
  EXPECT_EQ(run({"abc", "b"}, {"xabc"}), "xa|") << "b is complete before abc";
  EXPECT_EQ(run({"bc", "abc"}, {"xabc"}), "x|") << "the longest of those that end here";
  EXPECT_EQ(run({"aab"}, {"aa", "a", "b"}), "|a||");
  EXPECT_EQ(run({}, {"a", "b"}), "a|b|");
  EXPECT_EQ(run({"é"}, {"caf\xc3", "\xa9!"}), "caf||") << "bytes are compared";
}

TEST(StopStrings, SayWhichItWas) {
  const auto which = [](const Strings& stops, const std::string& text) {
    StopStrings matcher(stops);
    matcher.push(text);
    return matcher.which();
  };
  EXPECT_EQ(which({"x", "END"}, "abcENDx"), 1U);
  EXPECT_EQ(which({"bc", "abc", "c"}, "xabc"), 1U) << "the longest of those that end here";
  EXPECT_EQ(which({"b", "b"}, "abc"), 0U);
  EXPECT_EQ(which({"END"}, "abcEN"), std::nullopt);
}

TEST(StopStrings, HowTheStreamIsCutDoesNotMatter) {
  std::mt19937 random(1);
  const auto text_of = [&](size_t length) {
    std::string text;
    for (size_t i = 0; i < length; ++i) text += static_cast<char>('a' + random() % 3);
    return text;
  };
  for (int round = 0; round < test::rounds(20000, 2000); ++round) {
    Strings stops;
    for (size_t i = 0; i <= random() % 3; ++i) stops.push_back(text_of(1 + random() % 5));
    const std::string text = text_of(random() % 25);
    bool found = false;
    const std::string whole = expected(text, stops, found);
    StopStrings matcher(stops);
    std::string out;
    for (size_t at = 0; at < text.size() && !matcher.found();) {
      const size_t size = std::min<size_t>(1 + random() % 4, text.size() - at);
      out += matcher.push(text.substr(at, size));
      at += size;
      ASSERT_TRUE(whole.starts_with(out)) << "what came out cannot be taken back";
      // What is held back could become a stop string.
      if (!matcher.found()) {
        const std::string held = text.substr(out.size(), at - out.size());
        ASSERT_TRUE(held.empty() || std::ranges::any_of(stops, [&](const std::string& stop) {
                      return stop.starts_with(held);
                    }));
      }
    }
    if (!matcher.found()) out += matcher.finish();
    ASSERT_EQ(out, whole);
    ASSERT_EQ(matcher.found(), found);
  }
}

TEST(StopStrings, AreBounded) {
  test::expect_error(ErrorCode::invalid_argument, "is empty", [] {
    StopStrings::check({"a", ""});
  });
  test::expect_error(ErrorCode::invalid_argument, "65 stop strings",
                     [] { StopStrings::check(Strings(65, "a")); });
  test::expect_error(ErrorCode::invalid_argument, "4097 bytes",
                     [] { StopStrings::check({std::string(4097, 'a')}); });
}

}  // namespace
}  // namespace linnet::engine
