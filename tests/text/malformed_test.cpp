// Broken tokenizer files: each gives an error that names what is wrong.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/error.hpp"
#include "support/expect_error.hpp"
#include "text/small_tokenizers.hpp"
#include "text/tokenizer.hpp"

namespace linnet::text {
namespace {

using nlohmann::json;
using test::expect_error;
using test::Numbers;
using test::small_tokenizer_json;

struct Mutation {
  const char* message;  // part of the error's
  std::function<void(json&)> apply;
  ErrorCode code = ErrorCode::malformed_file;
};

void expect_errors(const std::string& base, const std::vector<Mutation>& mutations) {
  for (const Mutation& mutation : mutations) {
    SCOPED_TRACE(mutation.message);
    json file = small_tokenizer_json(base);
    mutation.apply(file);
    const std::string text = file.dump();
    expect_error(mutation.code, mutation.message, [&] { (void)Tokenizer::parse(text); });
  }
}

constexpr auto kUnsupported = ErrorCode::unsupported;

json split_at(const char* regex) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", regex}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

TEST(MalformedTokenizer, Model) {
  expect_errors(
      "byte_level",
      {
          {"no entry \"model\"", [](json& f) { f.erase("model"); }},
          {"model is a string", [](json& f) { f["model"] = "BPE"; }},
          {"\"Unigram\"", [](json& f) { f["model"]["type"] = "Unigram"; }, kUnsupported},
          {"\"WordPiece\"", [](json& f) { f["model"]["type"] = "WordPiece"; }, kUnsupported},
          {"dropout is 0.1", [](json& f) { f["model"]["dropout"] = 0.1; }, kUnsupported},
          {"no entry \"vocab\"", [](json& f) { f["model"].erase("vocab"); }},
          {"vocab is not an object", [](json& f) { f["model"]["vocab"] = json::array({"a"}); }},
          {"the id of \"the\" is not an integer",
           [](json& f) { f["model"]["vocab"]["the"] = "7"; }},
          {"the id of \"the\" is not an integer",
           [](json& f) { f["model"]["vocab"]["the"] = 7.5; }},
          {"\"the\" has the id -1", [](json& f) { f["model"]["vocab"]["the"] = -1; }},
          {"\"the\" has the id 1000000000000",
           [](json& f) { f["model"]["vocab"]["the"] = 1000000000000; }},
          {"\"the\" has the id 2147483647",
           [](json& f) { f["model"]["vocab"]["the"] = 2147483647; }},
          {"both have the id 0", [](json& f) { f["model"]["vocab"]["the"] = 0; }},
          {"no entry \"merges\"", [](json& f) { f["model"].erase("merges"); }},
          {"merges is not an array", [](json& f) { f["model"]["merges"] = "a b"; }},
          {"merges.3: \"zq\" + \"t\": \"zq\"", [](json& f) { f["model"]["merges"][3] = "zq t"; }},
          {"merges.0: \"t\" + \"zq\": \"zq\"", [](json& f) { f["model"]["merges"][0] = "t zq"; }},
          {"merges.5: \"t\" + \"!\": \"t!\"",
           [](json& f) {
             f["model"]["merges"][5] = json{"t", "!"};
           }},
          {"merges.1: \"th\" is not two tokens", [](json& f) { f["model"]["merges"][1] = "th"; }},
          {"merges.1: \"t h e\" is not two tokens",
           [](json& f) { f["model"]["merges"][1] = "t h e"; }},
          {"merges.2 is neither",
           [](json& f) {
             f["model"]["merges"][2] = json{"t", "h", "e"};
           }},
          {"merges.2 is neither", [](json& f) { f["model"]["merges"][2] = 7; }},
          {"merges.2 is neither",
           [](json& f) {
             f["model"]["merges"][2] = json{"t", 1};
           }},
          {"unk_token \"<none>\"", [](json& f) { f["model"]["unk_token"] = "<none>"; }},
          {"byte_fallback is a string", [](json& f) { f["model"]["byte_fallback"] = "yes"; }},
      });
}

TEST(MalformedTokenizer, RepeatedTokens) {
  // nlohmann's objects keep one of two equal keys, so this file is put together by hand.
  const std::string text = small_tokenizer_json("byte_level").dump();
  std::string twice = text;
  twice.insert(twice.find("\"he\":"), "\"he\":353,");
  expect_error(ErrorCode::malformed_file, "\"he\" appears twice",
               [&] { (void)Tokenizer::parse(twice); });
}

TEST(MalformedTokenizer, AddedTokens) {
  expect_errors(
      "byte_level",
      {
          {"added_tokens is an object", [](json& f) { f["added_tokens"] = json::object(); }},
          {"added_tokens.0 has no entry \"content\"",
           [](json& f) { f["added_tokens"][0].erase("content"); }},
          {"added_tokens.0 has no entry \"id\"", [](json& f) { f["added_tokens"][0].erase("id"); }},
          {"empty \"content\"", [](json& f) { f["added_tokens"][1]["content"] = ""; }},
          {"\"<|end|>\" has the id -4", [](json& f) { f["added_tokens"][1]["id"] = -4; }},
          {"\"<|end|>\" has the id 99999999999",
           [](json& f) { f["added_tokens"][1]["id"] = 99999999999; }},
          {"both have the id",
           [](json& f) { f["added_tokens"][1]["id"] = f["added_tokens"][0]["id"]; }},
          {"\"<|begin|>\" appears twice",
           [](json& f) { f["added_tokens"][1]["content"] = "<|begin|>"; }},
          {"\"he\" has the id", [](json& f) { f["added_tokens"][1]["content"] = "he"; }},
          {"\"<|end|>\" has the id 5, which is", [](json& f) { f["added_tokens"][1]["id"] = 5; }},
          {"none with the id", [](json& f) { f["added_tokens"][3]["id"] = 5000; }},
          {"none with the id", [](json& f) { f["added_tokens"].erase(1); }},
          {"special is a number", [](json& f) { f["added_tokens"][3]["special"] = 1; }},
          {"nothing is left of the added token \"   \"",
           [](json& f) {
             f["normalizer"] = {{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}};
             f["added_tokens"][3]["content"] = "   ";
             f["added_tokens"][3]["normalized"] = true;
           }},
      });
}

TEST(MalformedTokenizer, Normalizer) {
  const auto normalizer = [](json value) { return [value](json& f) { f["normalizer"] = value; }; };
  expect_errors(
      "byte_level",
      {
          {"normalizer is a string", normalizer("NFC")},
          {"normalizer has no entry \"type\"", normalizer(json::object())},
          {"\"Precompiled\"", normalizer({{"type", "Precompiled"}}), kUnsupported},
          {"normalizer.normalizers.1: the normalizer type \"Nmt\"",
           normalizer(
               {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "Nmt"}}}}}),
           kUnsupported},
          {"neither an entry \"String\" nor \"Regex\"",
           normalizer({{"type", "Replace"}, {"pattern", json::object()}, {"content", ""}})},
          {"no entry \"content\"",
           normalizer({{"type", "Replace"}, {"pattern", {{"String", "a"}}}})},
          {"no entry \"strip_left\"", normalizer({{"type", "Strip"}})},
          {"prepend is a number", normalizer({{"type", "Prepend"}, {"prepend", 1}})},
      });
}

TEST(MalformedTokenizer, PreTokenizer) {
  const auto pre = [](json value) { return [value](json& f) { f["pre_tokenizer"] = value; }; };
  json many = json::array();
  for (int i = 0; i < 1000; ++i) many.push_back({{"type", "WhitespaceSplit"}});
  json deep = {{"type", "Whitespace"}};
  for (int i = 0; i < 100; ++i)
    deep = {{"type", "Sequence"}, {"pretokenizers", json::array({deep})}};
  expect_errors(
      "byte_level",
      {
          {"\"UnicodeScripts\"", pre({{"type", "UnicodeScripts"}}), kUnsupported},
          {"behavior \"Sideways\"",
           pre({{"type", "Split"}, {"pattern", {{"String", "a"}}}, {"behavior", "Sideways"}}),
           kUnsupported},
          {"expected one character", pre({{"type", "Metaspace"}, {"replacement", "ab"}})},
          {"expected one character", pre({{"type", "CharDelimiterSplit"}, {"delimiter", ""}})},
          {"prepend_scheme \"last\"",
           pre({{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "last"}}),
           kUnsupported},
          {"contradicts", pre({{"type", "Metaspace"},
                               {"replacement", "_"},
                               {"prepend_scheme", "always"},
                               {"add_prefix_space", false}})},
          {"1000 steps", pre({{"type", "Sequence"}, {"pretokenizers", many}}), kUnsupported},
          {"not valid JSON", pre(deep)},
          {"does not compile", pre(split_at("(a"))},
          {"does not compile", pre(split_at("[z-a]"))},
          {"does not compile", pre(split_at("\\p{Nonsense}"))},
          {"does not compile",
           pre(split_at((std::string(1000, '(') + std::string(1000, ')')).c_str()))},
          {"does not compile", pre(split_at("(?:(?:(?:a{1000}){1000}){1000}){1000}"))},
          {"does not compile", pre(split_at(std::string(100'000, 'a').c_str()))},
          {"intersection", pre(split_at("[\\p{L}&&[^a]]")), kUnsupported},
          {"a set inside a set", pre(split_at("[a[bc]]")), kUnsupported},
          {"a verb", pre(split_at("(*ACCEPT)")), kUnsupported},
          {"\\K", pre(split_at("a\\Kb")), kUnsupported},
      });
}

TEST(MalformedTokenizer, PostProcessorAndDecoder) {
  const auto post = [](json value) { return [value](json& f) { f["post_processor"] = value; }; };
  const auto single = [&](json value, json tokens) {
    return post({{"type", "TemplateProcessing"}, {"single", value}, {"special_tokens", tokens}});
  };
  const json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const json bos = {{"SpecialToken", {{"id", "B"}, {"type_id", 0}}}};
  const auto ids = [](json value) { return json{{"B", {{"id", "B"}, {"ids", value}}}}; };
  const auto decoder = [](json value) { return [value](json& f) { f["decoder"] = value; }; };
  expect_errors(
      "byte_level",
      {
          {"\"BertProcessing\"", post({{"type", "BertProcessing"}}), kUnsupported},
          {"the text would be lost", single(json::array({bos}), ids(json::array({1})))},
          {"no entry \"B\"", single(json::array({bos, text}), json::object())},
          {"is -1, no token's id", single(json::array({bos, text}), ids(json::array({-1})))},
          {"adds the id 100000", single(json::array({bos, text}), ids(json::array({100000})))},
          {"not one text", single(json::array({text, text}), ids(json::array({1}))), kUnsupported},
          {"no entry \"SpecialToken\"",
           single(json::array({json{{"Other", 1}}, text}), ids(json::array({1})))},
          {"\"CTC\"", decoder({{"type", "CTC"}}), kUnsupported},
          {"\"WordPiece\"",
           decoder(
               {{"type", "Sequence"}, {"decoders", json::array({json{{"type", "WordPiece"}}})}}),
           kUnsupported},
          {"expected one character",
           decoder({{"type", "Strip"}, {"content", ""}, {"start", 1}, {"stop", 0}})},
          {"start is -1",
           decoder({{"type", "Strip"}, {"content", " "}, {"start", -1}, {"stop", 0}})},
      });
}

TEST(MalformedTokenizer, FileAndConfiguration) {
  for (const std::string text : {"", "{", "[]", "null", "{\"model\": \xFF}"})
    EXPECT_THROW((void)Tokenizer::parse(text), Error) << text;
  const std::string good = small_tokenizer_json("byte_level").dump();
  for (const std::string config : {"", "[]", R"({"bos_token": 7})", R"({"bos_token": {}})",
                                   R"({"eos_token": "<none>"})", R"({"add_bos_token": "yes"})"})
    expect_error(ErrorCode::malformed_file, "tokenizer_config.json",
                 [&] { (void)Tokenizer::parse(good, config); });
}

TEST(MalformedTokenizer, ARegexWithoutEndIsStopped) {
  json file = small_tokenizer_json("byte_level");
  file["pre_tokenizer"] = split_at("(x+x+)+[yz]");
  const Tokenizer tokenizer = Tokenizer::parse(file.dump());
  expect_error(ErrorCode::unsupported, "(x+x+)+[yz]",
               [&] { (void)tokenizer.encode(std::string(5000, 'x')); });
}

// Whatever a few changed bytes make of a file: an Error or a tokenizer that works.
TEST(MalformedTokenizer, ChangedBytes) {
  Numbers numbers(9);
  for (const auto* name : {"byte_level", "sentencepiece", "marked"}) {
    const std::string good = small_tokenizer_json(name).dump();
    int errors = 0;
    for (int round = 0; round < 600; ++round) {
      std::string bad = good;
      for (uint32_t i = 1 + numbers.below(3); i > 0; --i) {
        const size_t at = numbers.below(static_cast<uint32_t>(bad.size()));
        switch (numbers.below(3)) {
          case 0: bad[at] = static_cast<char>(numbers.below(256)); break;
          case 1: bad.erase(at, 1 + numbers.below(8)); break;
          default:
            bad.insert(at, good.substr(numbers.below(static_cast<uint32_t>(good.size())), 8));
            break;
        }
      }
      try {
        const Tokenizer tokenizer = Tokenizer::parse(bad);
        (void)tokenizer.decode(
            tokenizer.encode("The keeper's 12 ships, <|end|> 灯台 🙂 abcde"));
      } catch (const Error&) {
        ++errors;
      }
    }
    EXPECT_GT(errors, 100) << name;
  }
}

}  // namespace
}  // namespace linnet::text
