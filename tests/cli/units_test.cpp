#include "cli/units.hpp"

#include <gtest/gtest.h>

namespace linnet::cli {
namespace {

TEST(CliUnits, ReadsSizesAsPeopleWriteThem) {
  EXPECT_EQ(parse_bytes("0"), 0);
  EXPECT_EQ(parse_bytes("1048576"), 1048576);
  EXPECT_EQ(parse_bytes("17B"), 17);
  EXPECT_EQ(parse_bytes("4GiB"), int64_t{4} << 30);
  EXPECT_EQ(parse_bytes("4 gib"), int64_t{4} << 30);
  EXPECT_EQ(parse_bytes("1.5KiB"), 1536);
  EXPECT_EQ(parse_bytes("0.5MiB"), 1 << 19);
  EXPECT_EQ(parse_bytes("8GB"), 8000000000);
  EXPECT_EQ(parse_bytes("2TB"), 2000000000000);
  EXPECT_EQ(parse_bytes("1TiB"), int64_t{1} << 40);
  EXPECT_EQ(parse_bytes("3kB"), 3000);
}

TEST(CliUnits, RefusesEverythingElse) {
  for (const char* text : {"", " ", "GiB", "-1", "-1GiB", "4G", "4GiB ", "4GiBs", "4 elephants",
                           "nan", "inf", "1e3", "0x10", "9999999TiB", "4,5GiB"})
    EXPECT_FALSE(parse_bytes(text).has_value()) << text;
}

TEST(CliUnits, WritesThreeDigitsOrMore) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1536), "1.50 KiB");
  EXPECT_EQ(format_bytes(8 << 20), "8.00 MiB");
  EXPECT_EQ(format_bytes(int64_t{3} << 40), "3.00 TiB");
}

}  // namespace
}  // namespace linnet::cli
