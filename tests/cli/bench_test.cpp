// linnet bench and linnet explain: what they report has every documented member. What the figures
// are is nobody's test.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "cli/checkpoints.hpp"
#include "cli/process.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

Json run_json(const std::vector<std::string>& arguments) {
  const ProcessResult result = run_linnet(arguments);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1) << "one line of JSON";
  return Json::parse(result.out);
}

void expect_positive(const Json& object, const std::vector<const char*>& members) {
  for (const char* member : members) {
    ASSERT_TRUE(object.contains(member)) << member << " in " << object;
    EXPECT_GT(object[member].get<double>(), 0.0) << member;
  }
}

TEST(CliBench, JsonOfTheBuiltInModelHasEveryMember) {
  const Json report = run_json({"bench", "--quick", "--repeat", "2", "--json"});
  EXPECT_EQ(report["model"], "built-in");
  expect_positive(report["machine"], {"read_gbps", "matmul_tflops", "threads"});
  expect_positive(report, {"load_seconds", "first_token_seconds", "start_to_first_token_seconds",
                           "peak_bytes"});
  ASSERT_EQ(report["prefill"].size(), 2U);
  ASSERT_EQ(report["decode"].size(), 2U);
  EXPECT_EQ(report["prefill"][0]["tokens"], 32);
  EXPECT_EQ(report["prefill"][1]["tokens"], 128);
  EXPECT_EQ(report["decode"][0]["context"], 0);
  EXPECT_EQ(report["decode"][1]["context"], 512);
  for (const char* part : {"prefill", "decode"})
    for (const Json& line : report[part]) {
      expect_positive(line, {"tokens_per_second", "share_of_limit", "share_of_matmul",
                             "share_of_read", "flops", "bytes"});
      EXPECT_LE(line["least_tokens_per_second"], line["tokens_per_second"]);
      EXPECT_GE(line["most_tokens_per_second"], line["tokens_per_second"]);
      EXPECT_EQ(line["runs"], 2);
    }
}

TEST(CliBench, TextHasTheTablesThatWereAskedFor) {
  const std::string tiny = tiny_checkpoint("llama3").string();
  const ProcessResult result =
      run_linnet({"bench", tiny, "--prefill", "7,16", "--decode", "0", "--repeat", "1"});
  EXPECT_EQ(result.status, 0) << result.err;
  for (const std::string part :
       {tiny.c_str(), "prefill", "decode", "GB/s", "TFLOP/s", "     7 ", "    16 ", "peak memory"})
    EXPECT_NE(result.out.find(part), std::string::npos) << part << " in\n" << result.out;
}

TEST(CliBench, RefusesContextsByNameAndLeavesOutUsualOnes) {
  const std::string tiny = tiny_checkpoint("llama3").string();
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"--prefill", "513"}, {"--decode", "512"}, {"--decode", "513"}}) {
    std::vector<std::string> arguments{"bench", "-m", tiny};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProcessResult result = run_linnet(arguments);
    EXPECT_EQ(result.status, 1) << more[1];
    const std::string expected = more[0].substr(2) + " " + more[1] + " does not fit the context";
    EXPECT_NE(result.err.find(expected), std::string::npos) << result.err;
  }
  const Json report = run_json({"bench", tiny, "--quick", "--repeat", "1", "--json"});
  EXPECT_EQ(report["left_out"], Json({"decode 512"}));
  EXPECT_EQ(report["decode"].size(), 1U);
}

TEST(CliExplain, ListsTheOpsOfTheBuiltInModel) {
  const Json report = run_json({"explain", "--prefill", "40", "--json"});
  EXPECT_EQ(report["pass"], "prefill");
  EXPECT_EQ(report["tokens"], 40);
  std::set<std::string> ops;
  double milliseconds = report["between_ops_milliseconds"].get<double>();
  for (const Json& op : report["ops"]) {
    ops.insert(op["op"].get<std::string>());
    EXPECT_FALSE(op["kernel"].get<std::string>().empty());
    EXPECT_GE(op["calls"], 1);
    milliseconds += op["milliseconds"].get<double>();
  }
  for (const char* op : {"embedding", "linear", "attention"}) EXPECT_TRUE(ops.contains(op)) << op;
  EXPECT_NEAR(milliseconds, report["milliseconds"].get<double>(), 1e-3) << "nothing is missing";

  const Json decode = run_json({"explain", "--decode", "100", "--json"});
  EXPECT_EQ(decode["pass"], "decode");
  EXPECT_TRUE(
      std::ranges::any_of(decode["ops"], [](const Json& op) { return op["op"] == "sample"; }));
}

TEST(CliExplain, TextNamesKernelsAndRefusesContexts) {
  const std::string tiny = tiny_checkpoint("gemma3").string();
  const ProcessResult result = run_linnet({"explain", tiny, "--decode", "20", "--by-time"});
  EXPECT_EQ(result.status, 0) << result.err;
  for (const char* part : {"decode after 20 tokens", "kernel", "attention", "between ops"})
    EXPECT_NE(result.out.find(part), std::string::npos) << part << " in\n" << result.out;
  const ProcessResult wrong = run_linnet({"explain", tiny, "--prefill", "513"});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_NE(wrong.err.find("513 tokens does not fit the context of 512"), std::string::npos)
      << wrong.err;
}

}  // namespace
}  // namespace linnet::test
