// linnet generate and chat: flags that say where a text ends and what it may be, and guesses.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/checkpoints.hpp"
#include "cli/process.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

/// What the built-in model makes of a beginning.
Json tell(const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"generate", "Once upon a time", "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const ProcessResult result = run_linnet(arguments);
  EXPECT_EQ(result.status, 0) << result.err;
  return result.status == 0 ? Json::parse(result.out) : Json();
}

std::string text_of(const std::vector<std::string>& more) { return tell(more).at("text"); }

class CliShaping : public testing::Test {
 protected:
  std::string file(const std::string& content) {
    const auto path = folder_.path() / "file";
    std::ofstream(path) << content;
    return path.string();
  }

  TemporaryFolder folder_;
};

TEST_F(CliShaping, StopTextsEndIt) {
  const std::string whole = text_of({"-n", "100"});
  const size_t line = whole.find("\n\n");
  ASSERT_NE(line, std::string::npos) << whole;
  const Json stopped = tell({"-n", "100", "--stop", "\\n\\n", "--stop", "not there"});
  EXPECT_EQ(stopped["text"], whole.substr(0, line));
  EXPECT_EQ(stopped["finish_reason"], "stop");
}

TEST_F(CliShaping, TheModelsOwnEndCanBeIgnoredOrPutOff) {
  const Json whole = tell({"-n", "1000"});
  ASSERT_EQ(whole["finish_reason"], "stop");
  const auto length = static_cast<int>(whole["ids"].size());
  const std::string beyond = std::to_string(length + 5);
  EXPECT_EQ(tell({"-n", beyond, "--ignore-eos"})["ids"].size(), length + 5U);
  EXPECT_EQ(tell({"-n", beyond, "--min-tokens", beyond})["ids"].size(), length + 5U);
}

TEST_F(CliShaping, BadWordsAreNotWritten) {
  const std::string whole = text_of({"-n", "40"});
  const size_t begin = whole.find(' ') + 1;
  const std::string word = whole.substr(begin, whole.find(' ', begin) - begin);
  EXPECT_EQ(text_of({"-n", "40", "--bad-word", word}).find(" " + word + " "), std::string::npos);
}

TEST_F(CliShaping, TheTextHasTheFormThatIsAskedFor) {
  const std::string schema = file(
      R"({"type": "object", "properties": {"name": {"enum": ["Tom", "Ann"]}}, "required": ["name"]})");
  const Json object = Json::parse(text_of({"-n", "60", "--json-schema", schema}));
  EXPECT_TRUE(object["name"] == "Tom" || object["name"] == "Ann") << object;
  EXPECT_EQ(text_of({"-n", "60", "--json-object", "--temperature", "1"}).substr(0, 1), "{");
  EXPECT_EQ(text_of({"-n", "60", "--regex", "[0-9]{4}-[0-9]{2}"}).size(), 7U);
  const std::string rules = file("root ::= \"left\" | \"right\"\n");
  const std::string side = text_of({"--grammar", rules});
  EXPECT_TRUE(side == "left" || side == "right") << side;
}

TEST_F(CliShaping, WhatIsNoFormIsRefused) {
  const auto refused = [](const std::vector<std::string>& more, std::string_view part) {
    std::vector<std::string> arguments{"generate", "Once"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProcessResult result = run_linnet(arguments);
    EXPECT_NE(result.status, 0);
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  refused({"--regex", "a(b"}, "regex: a ( without its )");
  refused({"--json-schema", file(R"({"type": "array", "uniqueItems": true})")}, "uniqueItems");
  refused({"--json-schema", "not/there"}, "not/there");
  refused({"--regex", "a", "--json-object"}, "one form");
}

TEST_F(CliShaping, TopLogprobsBeginWithTheChosenToken) {
  const Json answer = tell({"-n", "5", "--top-logprobs", "3"});
  ASSERT_EQ(answer["top_logprobs"].size(), 5U);
  for (size_t i = 0; i < 5; ++i) {
    ASSERT_EQ(answer["top_logprobs"][i].size(), 3U);
    EXPECT_EQ(answer["top_logprobs"][i][0]["id"], answer["ids"][i]);
    EXPECT_EQ(answer["top_logprobs"][i][0]["logprob"], answer["logprobs"][i]);
  }
}

TEST_F(CliShaping, GuessesChangeNothing) {
  const std::vector<std::string> base{
      "generate", "-m", tiny_checkpoint("llama3").string(), "--ids", "5,6,7", "-n", "40", "--json"};
  const auto run = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = base;
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProcessResult result = run_linnet(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::parse(result.out);
  };
  const Json plain = run({});
  EXPECT_EQ(plain["metrics"]["drafted_tokens"], 0);
  const Json guessed = run({"--speculate", "4", "--draft", tiny_checkpoint("llama3").string()});
  EXPECT_EQ(guessed["ids"], plain["ids"]);
  EXPECT_EQ(guessed["logprobs"], plain["logprobs"]);
  EXPECT_GT(guessed["metrics"]["accepted_tokens"], 0) << "the model guesses for itself";
  EXPECT_EQ(run({"--speculate", "4"})["ids"], plain["ids"]);
}

}  // namespace
}  // namespace linnet::test
