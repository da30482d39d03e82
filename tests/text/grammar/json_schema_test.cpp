#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/expect_error.hpp"
#include "text/grammar/texts.hpp"

namespace linnet::text {
namespace {

using nlohmann::json;
using test::expect_error;
using test::matches;
using test::Numbers;
using test::random_text;

struct Example {
  const char* schema;
  std::vector<const char*> accepted;
  std::vector<const char*> refused;
};

const std::vector<Example>& examples() {
  static const std::vector<Example> all{
      {R"({"type": "string"})",
       {R"("")", R"("abc é 日本 \n \u00e9 \ud83d\ude00 \/")"},
       {"", "1", "\"\n\"", R"("\x")", R"("\ud83d")", R"("\ude00")", R"("\ud83d\u0041")", "\"\xC3\"",
        "\"\xFF\"", R"("a)", R"("a"b)", R"( "a")", R"("a" )"}},
      {R"({"type": "integer"})",
       {"0", "-1", "123456789012345678901234567890"},
       {"01", "1.0", "+1", "-", "1e3"}},
      {R"({"type": "number"})", {"0", "-0.5", "1e10", "1.25E-3"}, {".5", "1.", "01", "1e", "NaN"}},
      {R"({"type": "boolean"})", {"true", "false"}, {"True", "0", "null"}},
      {R"({"type": "null"})", {"null"}, {"nul", "0"}},
      {R"({"type": ["integer", "null"]})", {"1", "null"}, {"\"1\"", "true"}},
      {R"({"type": ["integer", "number"]})", {"1", "1.5"}, {"true"}},
      {"true", {"{}", "[1, \"a\"]", "null"}, {"{]"}},
      {"{}", {"{\"a\": [{\"b\": 1.5}]}", "true"}, {"", "{a: 1}", "[1,]"}},
      {R"({"type": "object"})",
       {"{}", R"({"a":1,"b":{"c":[]}})", "{\n  \"a\": 1\n}"},
       {"[]", "{,}", R"({"a"})"}},
      {R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}})",
       {"{}", R"({"a": 1})", R"({"b": "x"})", R"({"a": 1, "b": "x"})",
        "{\n\t\"a\": 1,\n\t\"b\": \"\"\n}"},
       {R"({"b": "x", "a": 1})", R"({"a": "x"})", R"({"c": 1})", R"({"a": 1,})", R"({,"b":""})",
        R"({"a" : 1})"}},
      {R"({"properties": {"a": {"type": "integer"}, "b": {"type": "null"}, "c": {"const": 1}}, "required": ["b"]})",
       {R"({"b":null})", R"({"a":1,"b":null})", R"({"b":null,"c":1})", R"({"a":1,"b":null,"c":1})"},
       {"{}", R"({"a":1})", R"({"c":1})", R"({"a":1,"c":1})"}},
      {R"({"type": "object", "required": ["x"], "additionalProperties": {"type": "integer"}})",
       {R"({"x":1})", R"({"x":1, "y":2, "xx":3, "":4})"},
       {"{}", R"({"y":2})", R"({"x":1, "x":2})", R"({"x":"a"})"}},
      {R"({"properties": {"ab": {"const": 1}, "é": {"const": 2}}, "additionalProperties": {"type": "null"}})",
       {"{}", R"({"ab":1,"é":2,"a":null,"abc":null,"b\n":null,"x\u0061":null})", R"({"b":null})",
        R"({"è":null})"},
       {R"({"ab":null})", R"({"é":null})", R"({"a\u0062":null})", R"({"\u0061b":null})",
        R"({"b":1})"}},
      {R"({"properties": {"a": {"const": 1}}, "additionalProperties": false})",
       {"{}", R"({"a":1})"},
       {R"({"b":1})"}},
      {R"({"additionalProperties": {"type": "integer"}})",
       {"{}", R"({"a":1,"b":2})"},
       {R"({"a":"b"})"}},
      {R"({"properties": {"a": false, "b": true}})", {"{}", R"({"b":[]})"}, {R"({"a":1})"}},
      {R"({"type": "array", "items": {"type": "integer"}})",
       {"[]", "[1]", "[1, 2,3]", "[\n  1,\n  2\n]"},
       {"[\"a\"]", "[1,]", "[,1]"}},
      {R"({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3})",
       {"[1,2]", "[1,2,3]"},
       {"[]", "[1]", "[1,2,3,4]"}},
      {R"({"type": "array", "items": {"type": "integer"}, "maxItems": 0})", {"[]"}, {"[1]"}},
      {R"({"type": "array", "minItems": 1})", {"[null]", "[[],{}]"}, {"[]"}},
      {R"({"prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 1})",
       {"[1]", "[1,\"a\"]"},
       {"[]", "[\"a\"]", "[1,2]", "[1,\"a\",2]"}},
      {R"({"prefixItems": [{"type": "integer"}, {"type": "string"}], "items": {"type": "null"}, "maxItems": 4})",
       {"[]", "[1]", "[1,\"a\"]", "[1,\"a\",null]", "[1,\"a\",null,null]"},
       {"[null]", "[1,\"a\",null,null,null]", "[1,\"a\",1]"}},
      {R"({"prefixItems": [{"type": "integer"}, {"type": "string"}], "maxItems": 1})",
       {"[]", "[1]"},
       {"[1,\"a\"]"}},
      {R"({"prefixItems": [{"type": "integer"}], "minItems": 3})",
       {"[1,2,\"x\"]"},
       {"[1,2]", "[1,2,3,4]"}},
      {R"({"prefixItems": [true, true], "items": false})", {"[]", "[1,2]"}, {"[1,2,3]"}},
      {R"({"enum": ["a", "ab", "b\"c", 1, null, {"x": [1, "y"]}]})",
       {"\"a\"", "\"ab\"", R"("b\"c")", "1", "null", R"({"x":[1,"y"]})"},
       {"\"abc\"", "2", "\"\""}},
      {R"({"enum": ["a", 1, 2.0, null], "type": ["integer", "null"]})",
       {"1", "2.0", "null"},
       {"\"a\""}},
      {R"({"const": "é"})", {"\"é\""}, {"\"e\""}},
      {R"({"const": null})", {"null"}, {"0"}},
      {R"({"anyOf": [{"type": "integer"}, {"type": "boolean"}]})", {"1", "true"}, {"\"a\""}},
      {R"({"type": "object", "properties": {"a": {"type": "integer"}},
           "anyOf": [{"required": ["a"]}, {"properties": {"b": {"const": 1}}, "required": ["b"]}]})",
       {R"({"a":1})", R"({"a":1,"b":1})", R"({"b":1})"},
       {"{}"}},
      {R"({"oneOf": [{"type": "integer"}, {"type": "string"}]})", {"1", "\"a\""}, {"null"}},
      {R"({"oneOf": [{"properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}, "required": ["kind", "n"], "type": "object"},
                     {"properties": {"kind": {"enum": ["b", "c"]}}, "required": ["kind"], "type": "object"}]})",
       {R"({"kind":"a","n":1})", R"({"kind":"c"})"},
       {R"({"kind":"a"})", R"({"kind":"d"})"}},
      {R"({"allOf": [{"type": ["string", "null"]}, {"type": ["null", "integer"]}]})",
       {"null"},
       {"\"\"", "1"}},
      {R"({"allOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}, {"properties": {"b": {"const": 2}}}]})",
       {R"({"a":1})", R"({"a":1,"b":2})"},
       {"{}", R"({"b":2})"}},
      {R"({"$defs": {"n": {"type": ["number", "integer"]}}, "allOf": [{"$ref": "#/$defs/n"}], "type": "integer", "minimum": 5, "maximum": 6})",
       {"5", "6"},
       {"4", "5.5"}},
      {R"({"type": "object", "properties": {"v": {"type": "integer"}, "next": {"$ref": "#"}}, "required": ["v"]})",
       {R"({"v":1})", R"({"v":1,"next":{"v":2,"next":{"v":3}}})"},
       {R"({"v":1,"next":{}})", R"({"v":1,"next":1})"}},
      {R"({"$ref": "#/definitions/a~1b%20", "definitions": {"a/b ": {"const": 7}}})", {"7"}, {"8"}},
      {R"({"anyOf": [{"$ref": "#/anyOf/1"}, {"const": 2}]})", {"2"}, {"1"}},
      {R"({"$defs": {"t": {"anyOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#/$defs/t"}}]}}, "$ref": "#/$defs/t"})",
       {"null", "[]", "[null,[[null]]]"},
       {"[1]", "[[null]"}},
      // The left branch never ends, so there is only the right one.
      {R"({"$defs": {"f": {"type": "object", "properties": {"f": {"$ref": "#/$defs/f"}}, "required": ["f"]}}, "anyOf": [{"$ref": "#/$defs/f"}, {"type": "null"}]})",
       {"null"},
       {R"({"f":null})"}},
      {R"({"type": "string", "minLength": 2, "maxLength": 3})",
       {R"("ab")", R"("abc")", R"("日本")", R"("\ud83d\ude00x")", R"("\u0041\n")"},
       {R"("a")", R"("abcd")", R"("日")", R"("\u0041")"}},
      {R"({"type": "string", "maxLength": 0})", {"\"\""}, {"\"a\""}},
      {R"({"minLength": 1})", {"\"a\""}, {"\"\"", "1"}},
      {R"({"type": "string", "pattern": "^[a-c]{2,3}$"})",
       {"\"ab\"", "\"ccc\""},
       {"\"a\"", "\"abca\"", "\"xab\""}},
      {R"({"type": "string", "pattern": "b+"})",
       {"\"b\"", "\"abbc\"", R"("\nb\"")"},
       {"\"ac\"", "\"\""}},
      {R"({"type": "string", "pattern": "^a|b$"})", {"\"ax\"", "\"xb\""}, {"\"xa\"", "\"bx\""}},
      {R"({"type": "string", "pattern": "^[\"\\\\\n/\u00e9]+$"})",
       {R"("\"\\\né/")"},
       {R"("\u00e9")", R"("\/")", "\"\"\""}},
      {R"({"type": "string", "pattern": "^\\u0000\\u001f$"})", {R"("\u0000\u001f")"}, {"\"\""}},
      {R"({"type": "string", "format": "date"})",
       {"\"2024-02-29\"", "\"1999-12-31\"", "\"2000-02-29\""},
       {"\"2023-02-29\"", "\"1900-02-29\"", "\"2024-13-01\"", "\"2024-04-31\"", "\"2024-1-1\"",
        "\"x2024-01-01\""}},
      {R"({"type": "string", "format": "time"})",
       {"\"23:59:59Z\"", "\"00:00:00.123+02:00\""},
       {"\"24:00:00Z\"", "\"10:00:00\""}},
      {R"({"type": "string", "format": "date-time"})",
       {"\"2024-02-29T10:00:00Z\""},
       {"\"2024-02-29\"", "\"2024-02-29 10:00:00Z\""}},
      {R"({"type": "string", "format": "uuid"})",
       {"\"123e4567-e89b-12d3-a456-426614174000\""},
       {"\"123e4567e89b12d3a456426614174000\""}},
      {R"({"type": "integer", "minimum": -5, "exclusiveMaximum": 12})",
       {"-5", "-1", "0", "9", "11"},
       {"-6", "12", "-0", "00", "-10", "100"}},
      {R"({"type": "integer", "exclusiveMinimum": 1.5, "maximum": 2.5})", {"2"}, {"1", "3"}},
      {R"({"type": "integer", "minimum": 1000})",
       {"1000", "98765432109876543210"},
       {"999", "-1000"}},
      {R"({"type": ["integer", "string"], "maximum": -3})", {"-3", "-300", "\"a\""}, {"-2", "3"}},
      {R"({"type": ["null", "boolean", "integer", "number", "string", "array", "object"], "required": ["a"]})",
       {"1", "[]", R"({"a":1})"},
       {"{}"}},
      {R"({"title": "t", "description": "d", "default": 3, "examples": [1], "$schema": "s", "$id": "i", "$comment": "c", "deprecated": true, "type": "null"})",
       {"null"},
       {"1"}},
  };
  return all;
}

TEST(JsonSchema, AcceptsAndRefuses) {
  for (const Example& example : examples()) {
    const Grammar grammar = Grammar::json_schema(example.schema);
    for (const char* text : example.accepted)
      EXPECT_TRUE(matches(grammar, text)) << example.schema << "\n" << text;
    for (const char* text : example.refused)
      EXPECT_FALSE(matches(grammar, text)) << example.schema << "\n" << text;
  }
}

// What masks lead to is JSON, whatever is chosen.
TEST(JsonSchema, RandomTextsAreJson) {
  Numbers numbers(3);
  for (const Example& example : examples())
    for (const JsonWhitespace whitespace : {JsonWhitespace::flexible, JsonWhitespace::none}) {
      const Grammar grammar = Grammar::json_schema(example.schema, whitespace);
      for (int i = 0; i < 4; ++i) {
        const std::string text = random_text(grammar, numbers, 40).value();
        // Its own reader has no numbers past the largest double.
        const size_t exponent = text.find_first_of("eE");
        EXPECT_TRUE(json::accept(text) || (exponent != std::string::npos && exponent > 0 &&
                                           text[exponent - 1] >= '0' && text[exponent - 1] <= '9'))
            << example.schema << "\n"
            << text;
        if (whitespace == JsonWhitespace::none && text.find('"') == std::string::npos) {
          EXPECT_EQ(text.find_first_of(" \n\t"), std::string::npos) << text;
        }
      }
    }
}

// A larger schema, with a reader of its own for what it says.
TEST(JsonSchema, RandomTextsFollowTheSchema) {
  const Grammar grammar = Grammar::json_schema(R"({
    "$defs": {"point": {"type": "object", "properties": {"x": {"type": "integer", "minimum": -20, "maximum": 150},
                        "y": {"type": "number"}}, "required": ["x", "y"], "additionalProperties": false}},
    "type": "object",
    "properties": {
      "name": {"type": "string", "minLength": 1, "maxLength": 5},
      "tags": {"type": "array", "items": {"enum": ["red", "green", "blue"]}, "minItems": 1, "maxItems": 4},
      "at": {"$ref": "#/$defs/point"},
      "more": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["name", "at"], "additionalProperties": false})");
  const std::function<void(const json&)> check = [&](const json& value) {
    ASSERT_TRUE(value.is_object());
    ASSERT_TRUE(value.contains("name") && value.contains("at"));
    for (const auto& [key, part] : value.items()) {
      if (key == "name") {
        ASSERT_TRUE(part.is_string());
        const std::string name = part;
        size_t characters = 0;
        for (const char c : name) characters += (c & 0xC0) != 0x80 ? 1 : 0;
        EXPECT_TRUE(characters >= 1 && characters <= 5) << name;
      } else if (key == "tags") {
        EXPECT_TRUE(part.size() >= 1 && part.size() <= 4);
        for (const json& tag : part) EXPECT_TRUE(tag == "red" || tag == "green" || tag == "blue");
      } else if (key == "at") {
        EXPECT_EQ(part.size(), 2U);
        EXPECT_TRUE(part["x"].is_number_integer() && part["x"] >= -20 && part["x"] <= 150);
        EXPECT_TRUE(part["y"].is_number());
      } else {
        EXPECT_EQ(key, "more");
        for (const json& one : part) check(one);
      }
    }
  };
  Numbers numbers(4);
  for (int i = 0; i < 60; ++i) {
    const std::string text = random_text(grammar, numbers, 60).value();
    if (text.find_first_of("eE") != std::string::npos && !json::accept(text)) continue;
    ASSERT_TRUE(json::accept(text)) << text;
    check(json::parse(text));
  }
}

TEST(JsonSchema, IntegerRangesAreExact) {
  Numbers numbers(5);
  for (int round = 0; round < 40; ++round) {
    const int64_t low = static_cast<int64_t>(numbers.below(2500)) - 1200;
    const int64_t high = low + numbers.below(1500);
    const Grammar grammar =
        Grammar::json_schema(json{{"type", "integer"}, {"minimum", low}, {"maximum", high}}.dump());
    for (int64_t value = -1300; value <= 2900; ++value)
      ASSERT_EQ(matches(grammar, std::to_string(value)), value >= low && value <= high)
          << low << " " << high << " " << value;
  }
  const Grammar large = Grammar::json_schema(
      R"({"type": "integer", "minimum": -4611686018427387904, "maximum": 4611686018427387904})");
  EXPECT_TRUE(matches(large, "4611686018427387904"));
  EXPECT_TRUE(matches(large, "-4611686018427387904"));
  EXPECT_FALSE(matches(large, "4611686018427387905"));
  EXPECT_FALSE(matches(large, "-4611686018427387905"));
  EXPECT_FALSE(matches(large, "46116860184273879040"));
}

TEST(JsonSchema, WhatIsNotSupportedIsNamed) {
  const auto refused = [](const std::string& schema, const std::string& part) {
    expect_error(ErrorCode::unsupported, part, [&] { (void)Grammar::json_schema(schema); });
  };
  for (const char* keyword : {"not",
                              "if",
                              "then",
                              "else",
                              "patternProperties",
                              "propertyNames",
                              "minProperties",
                              "maxProperties",
                              "dependentRequired",
                              "dependentSchemas",
                              "dependencies",
                              "contains",
                              "minContains",
                              "uniqueItems",
                              "multipleOf",
                              "unevaluatedProperties",
                              "unevaluatedItems",
                              "additionalItems",
                              "$anchor",
                              "$dynamicRef",
                              "contentEncoding",
                              "nullable",
                              "madeUp"}) {
    refused(json{{keyword, 1}}.dump(), fmt::format("JSON schema: the keyword \"{}\"", keyword));
    refused(json{{"properties", {{"a", {{"items", {{keyword, 1}}}}}}}}.dump(),
            fmt::format("JSON schema: properties.a.items: the keyword \"{}\"", keyword));
  }
  refused(R"({"type": "string", "format": "email"})", "JSON schema: format: the format \"email\"");
  refused(R"({"type": "number", "minimum": 0})", "JSON schema: minimum: of a \"number\"");
  refused(R"({"minimum": 0})", "JSON schema: minimum");
  refused(R"({"type": "string", "pattern": "a", "maxLength": 3})", "pattern");
  refused(R"({"enum": ["a"], "minLength": 1})", "JSON schema: minLength");
  refused(R"({"const": 1, "properties": {}, "required": ["a"]})", "const");
  refused(R"({"items": [{"type": "null"}]})", "JSON schema: items");
  refused(R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})",
          "JSON schema: oneOf: branches 0 and 1");
  refused(R"({"oneOf": [{"minLength": 3}, {"type": "integer"}]})", "branches 0 and 1");
  refused(R"({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]})", "branches 0 and 1");
  refused(R"({"oneOf": [{"const": 1}, {"const": 1.0}]})", "branches 0 and 1");
  refused(R"({"$ref": "http://example.com/x"})", "JSON schema: $ref: \"http://example.com/x\"");
  refused(R"({"$ref": "#name"})", "#name");
  refused(R"({"properties": {"a": {"$id": "x"}}})", "the keyword \"$id\"");
  refused(R"({"allOf": [{"minLength": 1}, {"minLength": 2}]})", "minLength");
  refused(R"({"allOf": [{"items": true}, {"prefixItems": [true]}]})", "items");
  refused(
      R"({"allOf": [{"properties": {"a": true}, "additionalProperties": false}, {"properties": {"b": true}}]})",
      "additionalProperties");
  refused(R"({"allOf": [{"properties": {"b": true}}, {"additionalProperties": false}]})",
          "additionalProperties");
  refused(
      R"({"allOf": [{"properties": {"a": {"minLength": 1}}}, {"properties": {"a": {"maxLength": 3}}}]})",
      "properties.a");
  refused(R"({"allOf": [{"$ref": "#"}]})", "allOf and $ref");
  refused(R"x({"type": "string", "pattern": "(?=a)"})x", "JSON schema: pattern: a look-around");
  refused(R"({"type": "array", "maxItems": 3000000000})", "JSON schema: maxItems");
}

TEST(JsonSchema, WhatIsWrongIsNamed) {
  const auto wrong = [](const std::string& schema, const std::string& part) {
    expect_error(ErrorCode::invalid_argument, part, [&] { (void)Grammar::json_schema(schema); });
  };
  wrong("", "JSON schema");
  wrong("{", "JSON schema is not valid JSON");
  wrong("3", "JSON schema is a number, expected a schema");
  wrong(R"({"type": "strng"})", "JSON schema: type: there is no type \"strng\"");
  wrong(R"({"type": 3})", "JSON schema: type");
  wrong(R"({"properties": []})", "JSON schema: properties is an array");
  wrong(R"({"properties": {"a": 3}})", "JSON schema: properties.a is a number");
  wrong(R"({"required": "a"})", "JSON schema: required");
  wrong(R"({"type": "string", "minLength": -1})", "JSON schema: minLength is -1");
  wrong(R"({"type": "string", "minLength": "1"})", "JSON schema: minLength");
  wrong(R"({"$ref": "#/$defs/a"})", "JSON schema: $ref: there is no \"#/$defs/a\"");
  wrong(R"({"type": "null", "type": "string"})", "\"type\" appears twice");
  wrong(R"({"properties": {"a": true, "a": true}})", "\"a\" appears twice");
  wrong("false", "no text matches");
  wrong(R"({"type": "string", "minLength": 3, "maxLength": 2})", "no text matches");
  wrong(R"({"type": "integer", "minimum": 3, "maximum": 2})", "no text matches");
  wrong(R"({"properties": {"a": {"$ref": "#"}}, "required": ["a"]})", "never ends");
  wrong(R"({"$ref": "#"})", "never ends");
  wrong(R"({"enum": []})", "no text matches");
  wrong(R"({"allOf": [{"type": "null"}, {"type": "string"}]})", "no text matches");
}

TEST(JsonSchema, AnyObject) {
  const Grammar grammar = Grammar::json_object();
  for (const char* text :
       {"{}", "{\"a\": 1}", "{\n  \"a\": [1, 2, {\"b\": null}],\n  \"c\": \"\"\n}"})
    EXPECT_TRUE(matches(grammar, text)) << text;
  for (const char* text : {"", "[]", "1", "{\"a\" 1}", "{\"a\": 1}}", " {}", "{} ", "{'a': 1}"})
    EXPECT_FALSE(matches(grammar, text)) << text;
  EXPECT_FALSE(matches(Grammar::json_object(JsonWhitespace::none), "{\"a\": 1}"));
  EXPECT_TRUE(matches(Grammar::json_object(JsonWhitespace::none), "{\"a\":1}"));
  std::string deep;
  for (int i = 0; i < 3000; ++i) deep += "{\"a\":[";
  GrammarMatcher matcher = test::matcher_of(grammar);
  EXPECT_TRUE(matcher.accept_bytes(deep));
  EXPECT_TRUE(matcher.mask().allows(']'));
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(matcher.accept_bytes("]}"));
  EXPECT_TRUE(matcher.must_end());
}

}  // namespace
}  // namespace linnet::text
