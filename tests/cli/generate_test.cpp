// linnet generate with token ids: what it writes, and that options reach the sampler.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/checkpoints.hpp"
#include "cli/process.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

/// generate --json with more arguments, on a tiny checkpoint; 12 tokens unless they say otherwise.
Json generate(const std::string& family, const std::vector<std::string>& more,
              const ProcessOptions& options = {}) {
  std::vector<std::string> arguments{"generate", "-m",    tiny_checkpoint(family).string(),
                                     "--ids",    "5,6,7", "--json"};
  if (std::find(more.begin(), more.end(), "-n") == more.end())
    arguments.insert(arguments.end(), {"-n", "12"});
  arguments.insert(arguments.end(), more.begin(), more.end());
  const ProcessResult result = run_linnet(arguments, options);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1) << "one line of JSON";
  return Json::parse(result.out);
}

std::vector<int32_t> ids_of(const Json& answer) {
  return answer["ids"].get<std::vector<int32_t>>();
}

TEST(CliGenerate, JsonHasTheDocumentedMembersAndNoTextWithoutTokenizer) {
  const Json answer = generate("gemma3", {});
  std::vector<std::string> names;
  for (const auto& [name, value] : answer.items()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"finish_reason", "ids", "logprobs", "metrics", "model",
                                             "prompt_ids"}));
  EXPECT_EQ(answer["model"], tiny_checkpoint("gemma3").string());
  EXPECT_EQ(answer["prompt_ids"], Json({5, 6, 7}));
  EXPECT_EQ(answer["ids"].size(), 12U);
  EXPECT_EQ(answer["finish_reason"], "length");
  ASSERT_EQ(answer["logprobs"].size(), 12U);
  for (const Json& logprob : answer["logprobs"]) {
    EXPECT_LE(logprob.get<double>(), 0.0);
    // Greedy: no token can be less likely than one in 512.
    EXPECT_GE(logprob.get<double>(), -std::log(512.0) - 1e-3);
  }
}

TEST(CliGenerate, MetricsBelongToTheRequest) {
  const Json metrics = generate("llama3", {})["metrics"];
  EXPECT_EQ(metrics["prompt_tokens"], 3);
  EXPECT_EQ(metrics["generated_tokens"], 12);
  for (const char* name : {"time_to_first_token_seconds", "prefill_seconds", "decode_seconds",
                           "prefill_tokens_per_second", "decode_tokens_per_second"})
    EXPECT_GT(metrics[name].get<double>(), 0.0) << name;
  EXPECT_GT(metrics["active_bytes"].get<int64_t>(), 0);
  EXPECT_GE(metrics["peak_bytes"].get<int64_t>(), metrics["active_bytes"].get<int64_t>());
}

TEST(CliGenerate, StreamIsTheIdsWhereThereIsNoTokenizer) {
  const Json answer = generate("qwen3", {});
  const ProcessResult stream = run_linnet({"generate", "-m", tiny_checkpoint("qwen3").string(),
                                           "--ids", "5, 6, 7", "--max-tokens", "12"});
  EXPECT_EQ(stream.status, 0) << stream.err;
  std::string expected = answer["ids"].dump();  // [1,2,3]
  expected = expected.substr(1, expected.size() - 2) + "\n";
  EXPECT_EQ(stream.out, expected);
}

TEST(CliGenerate, ContinuesItsOwnOutput) {
  const std::vector<int32_t> ids = ids_of(generate("qwen2", {}));
  std::string longer = "5,6,7";
  for (size_t i = 0; i < 6; ++i) longer += "," + std::to_string(ids[i]);
  const ProcessResult rest = run_linnet(
      {"generate", "-m", tiny_checkpoint("qwen2").string(), "--ids", longer, "--json", "-n", "6"});
  ASSERT_EQ(rest.status, 0) << rest.err;
  EXPECT_EQ(ids_of(Json::parse(rest.out)), std::vector<int32_t>(ids.begin() + 6, ids.end()));
}

TEST(CliGenerate, ZeroTokensIsAnEmptyAnswer) {
  const Json answer = generate("llama3", {"-n", "0"});
  EXPECT_EQ(answer["ids"], Json::array());
  EXPECT_EQ(answer["finish_reason"], "length");
}

TEST(CliGenerate, SeedDecidesASample) {
  const std::vector<std::string> sample{"--temperature", "1.5", "--seed", "42"};
  const std::vector<int32_t> first = ids_of(generate("gemma3", sample));
  EXPECT_EQ(ids_of(generate("gemma3", sample)), first);
  EXPECT_NE(ids_of(generate("gemma3", {"--temperature", "1.5", "--seed", "43"})), first);
  EXPECT_NE(ids_of(generate("gemma3", {})), first);
}

TEST(CliGenerate, FiltersThatKeepOneTokenAreGreedy) {
  const std::vector<int32_t> greedy = ids_of(generate("gemma3", {}));
  for (const std::vector<std::string>& filter :
       {std::vector<std::string>{"--top-k", "1"}, {"--top-p", "1e-6"}, {"--min-p", "1"}}) {
    std::vector<std::string> arguments{"--temperature", "2", "--seed", "7"};
    arguments.insert(arguments.end(), filter.begin(), filter.end());
    EXPECT_EQ(ids_of(generate("gemma3", arguments)), greedy) << filter.front();
  }
}

TEST(CliGenerate, LogitBiasForbidsAndForces) {
  const std::vector<int32_t> greedy = ids_of(generate("llama3", {}));
  const std::string first = std::to_string(greedy.front());
  EXPECT_NE(ids_of(generate("llama3", {"--logit-bias", first + ":-inf"})).front(), greedy.front());
  const std::vector<int32_t> forced = ids_of(
      generate("llama3", {"--logit-bias", "77:1e4", "--logit-bias", first + ":-1e4", "-n", "3"}));
  EXPECT_EQ(forced, (std::vector<int32_t>{77, 77, 77}));
}

TEST(CliGenerate, PenaltiesStopRepetition) {
  const std::vector<std::string> forced{"--logit-bias", "77:50", "-n", "2"};
  for (const std::vector<std::string>& penalty :
       {std::vector<std::string>{"--presence-penalty", "1000"}, {"--frequency-penalty", "1000"}}) {
    std::vector<std::string> arguments = forced;
    arguments.insert(arguments.end(), penalty.begin(), penalty.end());
    const std::vector<int32_t> ids = ids_of(generate("llama3", arguments));
    EXPECT_EQ(ids[0], 77) << penalty.front();
    EXPECT_NE(ids[1], 77) << penalty.front();
  }
  EXPECT_NE(ids_of(generate("llama3", {"--repetition-penalty", "100"})),
            ids_of(generate("llama3", {})));
}

TEST(CliGenerate, StopIdEndsTheTextAndIsNoPartOfIt) {
  const std::vector<int32_t> greedy = ids_of(generate("gemma3", {}));
  const int32_t stop = greedy[2];
  const auto length = std::find(greedy.begin(), greedy.end(), stop) - greedy.begin();
  const Json answer = generate("gemma3", {"--stop-id", std::to_string(stop), "--stop-id", "511"});
  EXPECT_EQ(answer["finish_reason"], "stop");
  EXPECT_EQ(ids_of(answer), std::vector<int32_t>(greedy.begin(), greedy.begin() + length));
}

TEST(CliGenerate, AFullContextEndsWithLength) {
  const Json answer = generate("llama3", {"--context", "8", "-n", "100"});
  EXPECT_EQ(answer["finish_reason"], "length");
  EXPECT_EQ(answer["ids"].size(), 5U) << "3 of the prompt and 5 more fill 8";
}

TEST(CliGenerate, ThreadsAndInstructionSetsGiveTheSameBits) {
  for (const char* compute : {"bf16", "f32"}) {
    const Json alone = generate("gemma3", {"--compute", compute, "--threads", "1"});
    const Json together = generate("gemma3", {"--compute", compute, "--threads", "2"});
    EXPECT_EQ(together["ids"], alone["ids"]);
    EXPECT_EQ(together["logprobs"], alone["logprobs"]);
    for (const char* isa : {"scalar", "avx2", "avx512f", "avx512", "amx", "amx_emulated", "neon"}) {
      const std::vector<std::string> arguments{
          "generate", "-m",    tiny_checkpoint("gemma3").string(),
          "--ids",    "5,6,7", "--json",
          "-n",       "12",    "--compute",
          compute};
      const ProcessResult forced = run_linnet(arguments, {.environment = {{"LINNET_ISA", isa}}});
      if (forced.status != 0) {
        EXPECT_NE(forced.err.find("(device)"), std::string::npos) << forced.err;
        std::printf("not on this machine: LINNET_ISA=%s\n", isa);
        continue;
      }
      const Json answer = Json::parse(forced.out);
      EXPECT_EQ(answer["ids"], alone["ids"]) << isa;
      EXPECT_EQ(answer["logprobs"], alone["logprobs"]) << isa;
    }
  }
}

TEST(CliGenerate, StatsAreOneLineOnStandardError) {
  const ProcessResult result = run_linnet({"generate", "-m", tiny_checkpoint("llama3").string(),
                                           "--ids", "5,6,7", "-n", "4", "--stats"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err.find("linnet: 3 prompt tokens ("), 0U) << result.err;
  EXPECT_NE(result.err.find("/s), 4 generated ("), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("peak memory"), std::string::npos) << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
}

}  // namespace
}  // namespace linnet::test
