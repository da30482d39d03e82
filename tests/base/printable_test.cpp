#include "base/printable.hpp"

#include <gtest/gtest.h>

namespace linnet {
namespace {

TEST(Printable, KeepsTextAndEscapesControls) {
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable("model.layers.0 \xc3\xa4"), "model.layers.0 \xc3\xa4");
  EXPECT_EQ(printable(std::string_view("a\0\n\x1b[2J\x7f", 8)), "a\\x00\\x0a\\x1b[2J\\x7f");
}

TEST(Printable, CutsBetweenCharacters) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdef", 5), "abcde...");
  EXPECT_EQ(printable("a\xe2\x82\xac", 4), "a\xe2\x82\xac");  // a, euro sign
  EXPECT_EQ(printable("a\xe2\x82\xac!", 4), "a\xe2\x82\xac...");
  EXPECT_EQ(printable("a\xe2\x82\xac", 3), "a...");
  EXPECT_EQ(printable("a\xe2\x82\xac", 2), "a...");
  EXPECT_EQ(printable("\x80\x80\x80", 2), "...");
  EXPECT_EQ(printable(std::string(1000, 'x')).size(), 203U);
}

}  // namespace
}  // namespace linnet
