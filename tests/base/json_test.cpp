#include "base/json.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <string>

#include "support/expect_error.hpp"
#include "support/temporary_folder.hpp"

namespace linnet {
namespace {

using test::expect_error;

Json parse(std::string_view text) { return Json::parse(text, "c.json"); }

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, ReadsEveryType) {
  const Json json =
      parse(R"({"b":true,"i":-7,"d":1.5,"s":"ä\n","a":[1,"x"],"o":{"k":2},"n":null})");
  EXPECT_TRUE(json.is_object());
  EXPECT_TRUE(json.at("b").is_bool());
  EXPECT_TRUE(json.at("b").as_bool());
  EXPECT_TRUE(json.at("i").is_integer());
  EXPECT_EQ(json.at("i").as_integer(), -7);
  EXPECT_EQ(json.at("i").as_number(), -7.0);
  EXPECT_TRUE(json.at("d").is_number());
  EXPECT_FALSE(json.at("d").is_integer());
  EXPECT_EQ(json.at("d").as_number(), 1.5);
  EXPECT_EQ(json.at("s").as_string(), "\xc3\xa4\n");
  const auto elements = json.at("a").elements();
  ASSERT_EQ(elements.size(), 2U);
  EXPECT_EQ(elements[1].as_string(), "x");
  EXPECT_EQ(json.at("o").at("k").as_integer(), 2);
  EXPECT_FALSE(json.find("n").has_value());
  EXPECT_FALSE(json.find("absent").has_value());
  EXPECT_TRUE(json.members().back().second.is_null());
  EXPECT_EQ(json_type_name(json.at("a").element()), "an array");
}

TEST(Json, KeepsTheOrderAndTheDoublesOfMembers) {
  std::string keys;
  for (const auto& [key, value] : parse(R"({"z":1,"a":2,"z":3})").members())
    keys += key + std::to_string(value.as_integer()) + " ";
  EXPECT_EQ(keys, "z1 a2 z3 ");
}

TEST(Json, TakesIntegersWrittenAsNumbers) {
  const auto integer = [](std::string_view text) { return parse(text).as_integer(); };
  EXPECT_EQ(integer("1e6"), 1'000'000);
  EXPECT_EQ(integer("16.0"), 16);
  EXPECT_EQ(integer("-0.0"), 0);
  EXPECT_EQ(integer("9223372036854775807"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(integer("-9223372036854775808"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(integer("9007199254740992.0"), int64_t{1} << 53);
  for (const char* text : {"1.5", "1e300", "9223372036854775808", "-1e19", "9007199254740994.0"})
    expect_error(ErrorCode::malformed_file, "c.json is a number, expected an integer",
                 [&] { (void)integer(text); });
}

TEST(Json, FallsBackWhereAMemberIsAbsent) {
  const Json json = parse(R"({"b":true,"i":3,"d":0.5,"s":"x","n":null})");
  EXPECT_TRUE(json.get("b", false));
  EXPECT_FALSE(json.get("n", false));
  EXPECT_EQ(json.get("i", int64_t{9}), 3);
  EXPECT_EQ(json.get("absent", int64_t{9}), 9);
  EXPECT_EQ(json.get("d", 2.0), 0.5);
  EXPECT_EQ(json.get("i", 2.0), 3.0);
  EXPECT_EQ(json.get("absent", 2.0), 2.0);
  EXPECT_EQ(json.get("s", "y"), "x");
  EXPECT_EQ(json.get("n", "y"), "y");
  expect_error(ErrorCode::malformed_file, "c.json: s is a string, expected an integer",
               [&] { (void)json.get("s", int64_t{1}); });
  expect_error(ErrorCode::malformed_file, "c.json: i is a number, expected a boolean",
               [&] { (void)json.get("i", false); });
}

TEST(Json, SaysWhereATypeIsWrong) {
  const Json json = parse(R"({"rope":{"factor":"8","list":[1,{"x":null}]}})");
  const auto expect = [](std::string_view part, const auto& body) {
    expect_error(ErrorCode::malformed_file, part, body);
  };
  const Json rope = json.at("rope");
  expect("c.json: rope.factor is a string, expected a number",
         [&] { (void)rope.at("factor").as_number(); });
  expect("c.json: rope.factor is a string, expected a boolean",
         [&] { (void)rope.at("factor").as_bool(); });
  expect("c.json: rope.factor is a string, expected an integer",
         [&] { (void)rope.at("factor").as_integer(); });
  expect("c.json: rope.factor is a string, expected an array",
         [&] { (void)rope.at("factor").elements(); });
  expect("c.json: rope.factor is a string, expected an object",
         [&] { (void)rope.at("factor").members(); });
  expect("c.json: rope.list is an array, expected an object",
         [&] { (void)rope.at("list").find("x"); });
  expect("c.json: rope is an object, expected a string", [&] { (void)rope.as_string(); });
  expect("c.json: rope.list.0 is a number, expected a string",
         [&] { (void)rope.at("list").elements()[0].as_string(); });
  expect("c.json: rope has no entry \"theta\"", [&] { (void)rope.at("theta"); });
  expect("c.json: rope.list.1 has no entry \"x\"",
         [&] { (void)rope.at("list").elements()[1].at("x"); });
  expect("c.json is an object, expected an array", [&] { (void)json.elements(); });
  EXPECT_EQ(rope.at("factor").where(), "c.json: rope.factor");
}

TEST(Json, ValuesKeepTheDocument) {
  std::optional<Json> value;
  {
    std::string text = R"({"a":{"b":["kept"]}})";
    value = parse(text).at("a").at("b").elements()[0];
    text.assign(text.size(), '!');
  }
  EXPECT_EQ(value->as_string(), "kept");
}

TEST(Json, RefusesWhatIsNoJson) {
  for (const std::string text : {"",
                                 " ",
                                 "{",
                                 "}",
                                 "[1,]",
                                 "{\"a\":}",
                                 "{\"a\" 1}",
                                 "{'a':1}",
                                 "nul",
                                 "truex",
                                 "01",
                                 "+1",
                                 "1.",
                                 ".5",
                                 "NaN",
                                 "Infinity",
                                 "\"\n\"",
                                 "\"\\x\"",
                                 "\"\\ud800\"",
                                 "\"open",
                                 "{} {}",
                                 "[1] x",
                                 "{a:1}",
                                 "/*c*/1",
                                 "1e400",
                                 "\xef\xbb\xbf{}"})
    expect_error(ErrorCode::malformed_file, "c.json is not valid JSON", [&] { (void)parse(text); });
  for (const std::string text : {"\"\xff\"", "\"\xc3\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\""})
    expect_error(ErrorCode::malformed_file, "c.json is not valid JSON", [&] { (void)parse(text); });
  expect_error(ErrorCode::malformed_file, "c.json is not valid JSON",
               [] { (void)parse(std::string_view("[\0]", 3)); });
}

TEST(Json, BoundsTheDepth) {
  EXPECT_TRUE(parse(nested(64)).is_array());
  for (const size_t depth : {65U, 1000U, 1'000'000U})
    expect_error(ErrorCode::malformed_file, "c.json is not valid JSON",
                 [&] { (void)parse(nested(depth)); });
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  expect_error(ErrorCode::malformed_file, "c.json is not valid JSON",
               [&] { (void)parse(objects); });
}

TEST(Json, ReadsAFile) {
  const test::TemporaryFolder folder;
  std::ofstream(folder.path() / "a.json") << R"({"x":[]})";
  expect_error(ErrorCode::malformed_file, "a.json: x is an array, expected a number",
               [&] { (void)Json::parse_file(folder.path() / "a.json").at("x").as_number(); });
  expect_error(ErrorCode::not_found, "absent.json",
               [&] { (void)Json::parse_file(folder.path() / "absent.json"); });
}

TEST(Json, ReadsIntegersPast64BitsAsDoubles) {
  const Json json = Json::parse(
      R"({"a\\": "12345678901234567890123 \" 1", "b": 1000000000000000019884624838656, "c": [-98765432109876543210],
          "d": 18446744073709551615, "e": 7})",
      "t.json");
  EXPECT_EQ(json.at("a\\").as_string(), "12345678901234567890123 \" 1");
  EXPECT_EQ(json.at("b").as_number(), 1e30);
  EXPECT_EQ(json.at("c").elements()[0].as_number(), -98765432109876543210.0);
  EXPECT_EQ(json.at("d").as_number(), 18446744073709551615.0);
  EXPECT_EQ(json.at("e").as_integer(), 7);
  EXPECT_THROW((void)Json::parse("[000000000000000000000001]", "t.json"), Error);
  EXPECT_EQ(Json::parse_exactly("[9223372036854775807]", "t.json").elements()[0].as_integer(),
            9223372036854775807);
  expect_error(ErrorCode::malformed_file, "an integer past 64 bits",
               [] { (void)Json::parse_exactly("[98765432109876543210]", "t.json"); });
}

}  // namespace
}  // namespace linnet
