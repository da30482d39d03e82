// The built-in model: text in, text out, without any file.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/process.hpp"
#include "text/unicode.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

Json json_of(const std::vector<std::string>& arguments, const std::string& input = {}) {
  const ProcessResult result = run_linnet(arguments, {.input = input});
  EXPECT_EQ(result.status, 0) << result.err;
  return Json::parse(result.out);
}

const std::vector<std::string> kStory{"generate", "Once upon a time", "--json", "-n", "40"};

TEST(CliBuiltin, StreamsTheTextOfItsJson) {
  const Json answer = json_of(kStory);
  EXPECT_EQ(answer["model"], "built-in");
  EXPECT_EQ(answer["ids"].size(), 40U);
  EXPECT_GT(answer["text"].get<std::string>().size(), 40U);
  const ProcessResult stream = run_linnet({"generate", "Once upon a time", "-n", "40"});
  EXPECT_EQ(stream.status, 0);
  EXPECT_EQ(stream.err, "");
  EXPECT_EQ(stream.out, answer["text"].get<std::string>() + "\n");
}

TEST(CliBuiltin, IsAModelByName) {
  const std::vector<std::string> named{"generate", "-m", "builtin", "Once", "--json", "-n", "3"};
  EXPECT_EQ(json_of(named)["model"], "built-in");
  EXPECT_EQ(run_linnet({"info", "-m", "builtin"}).out, run_linnet({"info"}).out);
}

TEST(CliBuiltin, ReadsThePromptFromStandardInput) {
  const Json answer = json_of(kStory);
  const std::vector<std::string> from_input{"generate", "-", "--json", "-n", "40"};
  EXPECT_EQ(json_of(from_input, "Once upon a time")["text"], answer["text"]);
  const Json with_newline = json_of(from_input, "Once upon a time\n");
  EXPECT_EQ(with_newline["prompt_ids"], answer["prompt_ids"]) << "as echo writes it";
  EXPECT_NE(json_of(from_input, "Once upon a time\n\n")["prompt_ids"], answer["prompt_ids"]);
}

TEST(CliBuiltin, ALongPromptFromStandardInputIsRead) {
  std::string story;
  for (int i = 0; i < 100; ++i) story += "The little bird sang a song in the garden.\n";
  const Json answer = json_of({"generate", "-", "--json", "-n", "1"}, story);
  EXPECT_GT(answer["prompt_ids"].size(), 600U) << "more than one chunk";
}

TEST(CliBuiltin, ArbitraryBytesAreAPrompt) {
  EXPECT_FALSE(json_of({"generate", "-", "--json", "-n", "1"}, "caf\xC3\xA9 \xFF\xFE")["prompt_ids"]
                   .empty());
}

TEST(CliBuiltin, ItsIdsAreAPromptToo) {
  const Json answer = json_of(kStory);
  std::string ids;
  for (const Json& id : answer["prompt_ids"]) ids += (ids.empty() ? "" : ",") + id.dump();
  const Json again = json_of({"generate", "--ids", ids, "--json", "-n", "40"});
  EXPECT_EQ(again["ids"], answer["ids"]);
  EXPECT_EQ(again["text"], answer["text"]);
}

TEST(CliBuiltin, SpecialTokensCanBeLeftOut) {
  const Json with = json_of({"generate", "Hello", "--json", "-n", "0"});
  const Json without = json_of({"generate", "Hello", "--json", "-n", "0", "--no-special-tokens"});
  ASSERT_EQ(with["prompt_ids"].size(), without["prompt_ids"].size() + 1);
  EXPECT_EQ(with["prompt_ids"][1], without["prompt_ids"][0]);
}

TEST(CliBuiltin, NoPromptIsAnError) {
  const ProcessResult result = run_linnet({"generate", "-", "--no-special-tokens"});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("(invalid_argument)"), std::string::npos) << result.err;
}

// The first of the three bytes of a snowman, by byte fallback: half a character, which no text may
// end in.
TEST(CliBuiltin, HalfACharacterNeverShows) {
  const Json snowman =
      json_of({"generate", "\u2603", "--json", "-n", "0", "--no-special-tokens"})["prompt_ids"];
  ASSERT_GE(snowman.size(), 3U);
  const std::string first_byte = snowman[snowman.size() - 3].dump();

  const Json full =
      json_of({"generate", "A", "--json", "-n", "3", "--logit-bias", first_byte + ":1e4"});
  EXPECT_EQ(full["finish_reason"], "length");
  EXPECT_EQ(full["text"], "\uFFFD\uFFFD\uFFFD");

  // Once that byte, then something else; which is then made the end.
  const std::vector<std::string> once{
      "generate",           "A",   "--json", "-n", "2", "--logit-bias", first_byte + ":1000",
      "--presence-penalty", "2000"};
  const Json two = json_of(once);
  ASSERT_EQ(two["ids"].size(), 2U);
  std::vector<std::string> stopped = once;
  stopped.insert(stopped.end(), {"--stop-id", two["ids"][1].dump()});
  const Json one = json_of(stopped);
  EXPECT_EQ(one["finish_reason"], "stop");
  EXPECT_EQ(one["ids"], Json({two["ids"][0]}));
  EXPECT_EQ(one["logprobs"].size(), 1U);
  EXPECT_EQ(one["metrics"]["generated_tokens"], 1);
  EXPECT_EQ(one["text"], "\uFFFD");
}

TEST(CliBuiltin, InterruptedTextIsWholeAndTheStartOfAllOfIt) {
  const std::string whole = json_of({"generate", "Once upon a time", "--json"})["text"];
  // The slowest kernels, so that the interrupt comes before the end.
  Process process(linnet_command({"generate", "Once upon a time"}),
                  {.environment = {{"LINNET_ISA", "scalar"}}});
  process.read_out(20);
  process.signal(SIGINT);
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.status, 130);
  EXPECT_FALSE(result.killed);
  EXPECT_EQ(result.err, "");
  ASSERT_TRUE(result.out.ends_with('\n'));
  const std::string text = result.out.substr(0, result.out.size() - 1);
  EXPECT_TRUE(text::is_valid_utf8(text));
  EXPECT_LT(text.size(), whole.size());
  EXPECT_EQ(text, whole.substr(0, text.size()));
}

TEST(CliBuiltin, InfoAndPlanKnowIt) {
  const Json info = json_of({"info", "--json"});
  EXPECT_EQ(info["name"], "built-in");
  EXPECT_EQ(info["architecture"], "Gemma3ForCausalLM");
  EXPECT_EQ(info["has_tokenizer"], true);
  EXPECT_LE(info["parameters"].get<int64_t>(), 4'000'000);
  EXPECT_LE(info["stored_bytes"].get<int64_t>(), 8'000'000);
  const Json plan = json_of({"plan", "--json"});
  EXPECT_EQ(plan["context_length"], info["max_context_length"]);
  EXPECT_GE(plan["weight_bytes"].get<int64_t>(), info["stored_bytes"].get<int64_t>());
  const Json answer = json_of(kStory);
  EXPECT_LE(answer["metrics"]["peak_bytes"].get<int64_t>(), plan["total_bytes"].get<int64_t>());
}

}  // namespace
}  // namespace linnet::test
