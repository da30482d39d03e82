// linnet batch: many requests together, answers in order.
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/checkpoints.hpp"
#include "cli/jsonl_files.hpp"
#include "cli/process.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

ProcessResult batch(const std::string& input, std::vector<std::string> more = {"--quiet"}) {
  more.insert(more.begin(), "batch");
  return run_linnet(more, {.input = input});
}

/// Requests of all kinds and lengths.
std::string requests(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    Json request{{"id", i}, {"max_tokens", 5 + i * 7 % 60}, {"seed", i}};
    if (i % 3 == 0) request["temperature"] = 0.9;
    if (i % 5 == 4)
      request["messages"] = {
          {{"role", "user"}, {"content", "Tell me about number " + std::to_string(i)}}};
    else
      request["prompt"] = "Once upon a time there were " + std::to_string(i % 4) + " birds";
    text += request.dump() + "\n";
    if (i % 11 == 10) text += "{\"id\": \"bad\", \"prompt\": 5}\n";
  }
  return text;
}

TEST(CliBatch, AnswersAsGenerateDoes) {
  const ProcessResult result = batch(
      "{\"id\": \"one\", \"prompt\": \"Once upon a time\", \"max_tokens\": 20}\n\n"
      "{\"id\": 2, \"ids\": [5, 6, 7], \"max_tokens\": 8, \"temperature\": 0.8, \"seed\": 3}\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  const std::vector<Json> answers = json_lines(result.out);
  ASSERT_EQ(answers.size(), 2U);
  const auto same = [](const Json& answer, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "generate");
    arguments.emplace_back("--json");
    const Json expected = Json::parse(run_linnet(arguments).out);
    for (const char* member : {"text", "ids", "finish_reason"})
      EXPECT_EQ(answer[member], expected[member]);
    for (const char* member : {"prompt_tokens", "generated_tokens"})
      EXPECT_EQ(answer["metrics"][member], expected["metrics"][member]);
  };
  EXPECT_EQ(answers[0]["id"], "one");
  EXPECT_EQ(answers[1]["id"], 2);
  same(answers[0], {"Once upon a time", "-n", "20"});
  same(answers[1], {"--ids", "5,6,7", "-n", "8", "--temperature", "0.8", "--seed", "3"});
}

TEST(CliBatch, OneAtATimeOrTogetherIsTheSame) {
  const std::string input = requests(rounds(40, 12));
  const ProcessResult one = batch(input, {"--concurrency", "1", "--quiet"});
  EXPECT_EQ(one.status, 0) << one.err;
  EXPECT_EQ(json_lines(one.out).size(), rounds(40, 12) + size_t{rounds(3, 1)});
  for (const char* count : {"2", "8", "64"})
    EXPECT_EQ(batch(input, {"--concurrency", count, "--quiet"}).out, one.out) << count;
}

TEST(CliBatch, FlagsAreDefaults) {
  const std::string input =
      "{\"prompt\": \"A bird\"}\n{\"prompt\": \"A bird\", \"max_tokens\": 3}\n";
  const std::vector<Json> answers =
      json_lines(batch(input, {"-n", "6", "--temperature", "1.5", "--seed", "9", "--logprobs",
                               "--logit-bias", "1:-inf", "--quiet"})
                     .out);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0]["ids"].size(), 6U);
  EXPECT_EQ(answers[0]["logprobs"].size(), 6U);
  EXPECT_EQ(answers[1]["ids"].size(), 3U);
  EXPECT_TRUE(answers[0]["id"].is_null());
  EXPECT_EQ(answers[1]["metrics"].size(), 2U);
  EXPECT_GT(json_lines(batch(input, {"--timings", "--quiet"}).out)[0]["metrics"].size(), 8U);
}

TEST(CliBatch, MembersAreHonouredOrRefused) {
  const auto answer = [](const std::string& members) {
    const ProcessResult result =
        batch("{\"id\": 1, \"prompt\": \"A bird\", \"max_tokens\": 4}\n{\"id\": \"x\", " + members +
              "}\n");
    EXPECT_EQ(result.status, 0) << result.err;
    const std::vector<Json> lines = json_lines(result.out);
    EXPECT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[1]["id"], "x");
    return std::pair(lines[0], lines[1]);
  };
  const std::string id = answer("\"prompt\": \"x\"").first["ids"][0].dump();
  for (const std::string& bias :
       {"{\"" + id + "\": -1e9}", "{\"" + id + "\": \"-inf\"}", "[[" + id + ", -1e9]]"}) {
    const auto [free, biased] =
        answer("\"prompt\": \"A bird\", \"max_tokens\": 4, \"logit_bias\": " + bias);
    EXPECT_NE(free["ids"][0], biased["ids"][0]) << bias;
  }
  const auto [free, stopped] =
      answer("\"prompt\": \"A bird\", \"max_tokens\": 4, \"stop_ids\": [" + id + "]");
  EXPECT_EQ(stopped["finish_reason"], "stop");
  EXPECT_EQ(stopped["ids"].size(), 0U);
  EXPECT_EQ(answer("\"prompt\": \"A bird\", \"max_tokens\": 4, \"add_special_tokens\": false, "
                   "\"priority\": 3, \"top_k\": null")
                .second["metrics"]["prompt_tokens"],
            free["metrics"]["prompt_tokens"].get<int>() - 1);
  const Json shaped =
      answer("\"prompt\": \"A bird\", \"regex\": \" (yes|no)\", \"top_logprobs\": 2").second;
  EXPECT_TRUE(shaped["text"] == " yes" || shaped["text"] == " no") << shaped;
  EXPECT_EQ(shaped["top_logprobs"].size(), shaped["ids"].size());
  EXPECT_EQ(shaped["top_logprobs"][0].size(), 2U);
  const Json object =
      answer(
          "\"prompt\": \"A bird\", \"max_tokens\": 90, \"json_schema\": {\"type\": \"array\", "
          "\"items\": {\"enum\": [3, 5]}, \"maxItems\": 2}")
          .second;
  EXPECT_TRUE(Json::parse(object["text"].get<std::string>()).is_array()) << object;
  const std::string text = free["text"];
  const Json cut = answer("\"prompt\": \"A bird\", \"max_tokens\": 4, \"stop_strings\": [" +
                          Json(text.substr(1, 3)).dump() + "], \"min_tokens\": 0")
                       .second;
  EXPECT_EQ(cut["text"], text.substr(0, 1));
  EXPECT_NE(answer("\"prompt\": \"A bird\", \"max_tokens\": 4, \"bad_words\": [" +
                   Json(free["text"]).dump() + "], \"ignore_eos\": true")
                .second["text"],
            text);

  const auto refused = [&](const std::string& members, std::string_view part) {
    const Json error = answer(members).second["error"];
    EXPECT_NE(error["message"].get<std::string>().find(part), std::string::npos) << error;
    EXPECT_TRUE(error["code"] == "invalid_argument" || error["code"] == "malformed_file") << error;
  };
  refused("\"prompt\": \"x\", \"frobnicate\": 1", "there is no member \"frobnicate\"");
  refused("\"prompt\": \"x\", \"max-tokens\": 1", "there is no member \"max-tokens\"");
  refused("\"prompt\": \"x\", \"max_tokens\": \"5\"", "max_tokens is a string, not a number");
  refused("\"prompt\": \"x\", \"max_tokens\": 1.5", "max_tokens is 1.5");
  refused("\"prompt\": \"x\", \"max_tokens\": -1", "max_tokens");
  refused("\"prompt\": \"x\", \"seed\": -1", "seed is -1");
  refused("\"prompt\": \"x\", \"top_p\": 2", "top_p");
  refused("\"prompt\": \"x\", \"ids\": [5]", "this one has 2");
  refused("\"max_tokens\": 5", "this one has 0");
  refused("\"prompt\": 5", "prompt is a number");
  refused("\"ids\": [99999999]", "99999999");
  refused("\"ids\": [99999999999]", "no token id");
  refused("\"prompt\": \"x\", \"logit_bias\": {\"a\": 1}", "\"a\" in the request: logit_bias");
  refused("\"prompt\": \"x\", \"tools\": []", "\"tools\" is for \"messages\"");
  refused("\"messages\": [{\"role\": \"robot\", \"content\": \"x\"}]", "robot");
  refused("\"messages\": []", "messages");
}

TEST(CliBatch, BadLinesAreAnsweredInTheirPlace) {
  const ProcessResult result = batch(
      "nonsense\n{\"id\": {}, \"prompt\": \"x\"}\n{\"id\": 3, \"prompt\": \"x\", "
      "\"max_tokens\": 2}\n",
      {});
  EXPECT_EQ(result.status, 0);
  const std::vector<Json> answers = json_lines(result.out);
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0]["error"]["code"], "malformed_file");
  EXPECT_TRUE(answers[1].contains("error"));
  EXPECT_EQ(answers[2]["ids"].size(), 2U);
  EXPECT_NE(result.err.find("2 failed"), std::string::npos) << result.err;
  EXPECT_EQ(batch("nonsense\n").status, 1) << "all failed";
  EXPECT_EQ(batch("").status, 0);
  EXPECT_EQ(batch("").out, "");
}

TEST(CliBatch, WorksWithoutATokenizer) {
  const ProcessResult result = batch("{\"ids\": [5, 6], \"max_tokens\": 3}\n{\"prompt\": \"x\"}\n",
                                     {"-m", tiny_checkpoint("qwen3").string(), "--quiet"});
  const std::vector<Json> answers = json_lines(result.out);
  ASSERT_EQ(answers.size(), 2U) << result.err;
  EXPECT_EQ(answers[0]["ids"].size(), 3U);
  EXPECT_FALSE(answers[0].contains("text"));
  EXPECT_EQ(answers[1]["error"]["code"], "invalid_argument");
}

TEST(CliBatch, AnswersBeforeMoreInputComes) {
  Process process(
      linnet_command({"batch", "--quiet"}),
      {.input = "{\"id\": 1, \"prompt\": \"A bird\", \"max_tokens\": 4}\n", .hold_input = true});
  process.read_out(60);
  process.signal(SIGINT);
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.status, 130);
  EXPECT_EQ(json_lines(result.out).size(), 1U);
}

TEST(CliBatch, InterruptedAndResumedIsTheSameFile) {
  const TemporaryFolder folder;
  const std::filesystem::path input = folder.path() / "in.jsonl";
  const std::filesystem::path output = folder.path() / "out.jsonl";
  const std::string text = requests(rounds(150, 40));
  write_text(input, text);
  const std::string whole = run_linnet({"batch", "--input", input, "--quiet"}).out;
  const std::vector<std::string> unfinished{"batch", "--output", output, "--resume", "--quiet"};
  std::vector<std::string> resume = unfinished;
  resume.insert(resume.end(), {"--input", input});
  for (const int signal : {SIGINT, SIGKILL}) {
    for (size_t part = 1; part <= size_t{rounds(3, 1)}; ++part)
      EXPECT_EQ(run_and_signal(unfinished, text, signal, output, whole.size() * part / 4),
                128 + signal);
    std::vector<std::string> other = resume;
    other.insert(other.end(), {"--temperature", "1"});
    const ProcessResult refused = run_linnet(other);
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.err.find("temperature was \"0\" and is \"1\""), std::string::npos)
        << refused.err;
    const ProcessResult end = run_linnet(resume);
    EXPECT_EQ(end.status, 0) << end.err;
    EXPECT_EQ(read_text(output), whole);
    std::filesystem::remove(output);
  }
}

TEST(CliBatch, WrongUsage) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--frob"}, {"--concurrency", "x"}, {"--resume"}, {"file"}})
    EXPECT_EQ(batch("", arguments).status, 2) << arguments.front();
  EXPECT_EQ(batch("", {"--concurrency", "0"}).status, 1);
  EXPECT_EQ(batch("", {"--concurrency", "1000"}).status, 1);
}

}  // namespace
}  // namespace linnet::test
