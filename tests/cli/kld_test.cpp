// linnet kld: what it prints, and what it does not take.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/checkpoints.hpp"
#include "cli/process.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

Json kld(std::vector<std::string> arguments, const ProcessOptions& options = {}) {
  arguments.insert(arguments.begin(), "kld");
  arguments.emplace_back("--json");
  const ProcessResult result = run_linnet(arguments, options);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  return Json::parse(result.out);
}

TEST(CliKld, AModelIsItself) {
  const std::string tiny = tiny_checkpoint("gemma3").string();
  const Json found = kld({tiny, tiny, "--ids", "5,6,7,8,9"});
  EXPECT_EQ(found["a"]["model"], tiny);
  EXPECT_EQ(found["b"]["quantization"], "none");
  EXPECT_EQ(found["tokens"], 4);
  for (const char* zero : {"mean_kl", "error_kl", "median_kl", "p99_kl", "max_kl"})
    EXPECT_EQ(found[zero], 0.0) << zero;
  EXPECT_EQ(found["same_top"], 1.0);
  EXPECT_EQ(found["perplexity_a"], found["perplexity_b"]);
}

TEST(CliKld, ComparesFilesFormsAndArithmetics) {
  const std::string dense = tiny_checkpoint("gemma3").string();
  const std::string ids = "5,60,170,28,319,411,500,3,77,12,5,200";
  const Json files = kld({dense, tiny_checkpoint("gemma3-4-64").string(), "--ids", ids});
  EXPECT_EQ(files["a"]["quantization"], "none");
  EXPECT_EQ(files["b"]["quantization"], "4 bits in groups of 64");
  EXPECT_GT(files["mean_kl"], 1e-4);
  EXPECT_LT(files["mean_kl"], 1.0);
  Json at_load = kld({dense, dense, "--quantize-b", "4", "--ids", ids, "--threads", "2"});
  at_load["b"] = files["b"];
  EXPECT_EQ(at_load, files);
  const Json both = kld({dense, dense, "--quantize-a", "4", "--quantize-b", "4:64", "--ids", ids});
  EXPECT_EQ(both["mean_kl"], 0.0);
  const Json compute = kld({dense, dense, "--compute-a", "f32", "--ids", ids});
  EXPECT_GT(compute["mean_kl"], 0.0);
  EXPECT_LT(compute["mean_kl"], 1e-3);
  EXPECT_EQ(kld({dense, dense, "--ids", ids, "--window", "4"})["tokens"], 9);
  EXPECT_EQ(kld({dense, dense, "--ids", ids, "--tokens", "7"})["tokens"], 6);
}

TEST(CliKld, ReadsATextFromAFileOrStandardInput) {
  const TemporaryFolder folder;
  const std::string text = "Once upon a time there was a little girl who liked to sing.";
  const std::string file = (folder.path() / "text").string();
  std::ofstream(file) << text;
  const Json found = kld({"builtin", "builtin", "--quantize-b", "4:32", "--text", file});
  EXPECT_EQ(found["a"]["model"], "built-in");
  EXPECT_GT(found["tokens"], 10);
  EXPECT_GT(found["mean_kl"], 0.0);
  EXPECT_EQ(kld({"builtin", "builtin", "--quantize-b", "4:32", "--text", "-"}, {.input = text}),
            found);

  const ProcessResult table =
      run_linnet({"kld", "builtin", "builtin", "--quantize-b", "4:32", "--text", file});
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_EQ(table.err, "");
  for (const std::string part :
       {"built-in, quantization: none\n", "built-in, quantization: 4 bits in groups of 32\n",
        "mean KL(A || B)", "median KL", "same likeliest token", "perplexity"})
    EXPECT_NE(table.out.find(part), std::string::npos) << part << " is not in\n" << table.out;
}

TEST(CliKld, WrongUsageIs2AndFailedWork1) {
  const std::string tiny = tiny_checkpoint("llama3").string();
  const TemporaryFolder folder;
  const std::string empty = (folder.path() / "empty").string();
  std::ofstream(empty).close();
  const auto fails = [&](int status, std::vector<std::string> arguments, std::string_view part) {
    arguments.insert(arguments.begin(), "kld");
    const ProcessResult result = run_linnet(arguments);
    EXPECT_EQ(result.status, status) << part;
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  fails(2, {}, "a is required");
  fails(2, {tiny, "--text", empty}, "b is required");
  fails(2, {tiny, tiny}, "--text or --ids");
  fails(2, {tiny, tiny, "--text", empty, "--ids", "5"}, "excludes");
  fails(2, {tiny, tiny, "--ids", "5,x"}, "\"x\" is no token id");
  fails(2, {tiny, tiny, "--ids", "5,6", "--quantize-b", "7"}, "--quantize-b: 7 bits");
  fails(2, {tiny, tiny, "--ids", "5,6", "--quantize-a", "x"}, "--quantize-a");
  fails(2, {tiny, tiny, "--ids", "5,6", "--compute-b", "f64"}, "f64");
  fails(2, {tiny, tiny, "--ids", "5,6", "--window", "many"}, "--window");

  const std::string missing = (folder.path() / "missing").string();
  fails(1, {"builtin", "builtin", "--text", missing}, missing);
  fails(1, {missing, "builtin", "--text", empty}, "(not_found)");
  fails(1, {"builtin", missing, "--text", empty}, "(not_found)");
  fails(1, {"builtin", "builtin", "--text", empty}, "a text of 0 tokens has nothing to predict");
  fails(1, {tiny, tiny, "--text", empty}, "has no tokenizer.json");
  fails(1, {tiny, "builtin", "--ids", "5,6"}, "a vocabulary of 512");
  fails(1, {tiny, tiny, "--ids", "5"}, "nothing to predict");
  fails(1, {tiny, tiny, "--ids", "5,512"}, "512");
  fails(1, {tiny, tiny, "--ids", "5,6", "--window", "1"}, "a window of 1 tokens");
  fails(1, {tiny, tiny, "--ids", "5,6", "--tokens", "-1"}, "(invalid_argument)");
  fails(1, {tiny, tiny_checkpoint("llama3-4-32").string(), "--ids", "5,6", "--quantize-b", "4"},
        "quantised already");
}

}  // namespace
}  // namespace linnet::test
