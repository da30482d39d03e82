// linnet quantize, and quantised models in the other commands.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/checkpoints.hpp"
#include "cli/process.hpp"
#include "io/checkpoint.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

TEST(CliQuantize, WritesMlxsTensorsToTheBit) {
  for (const auto& [family, bits, group] : {std::tuple{"gemma3", "4", "64"},
                                            {"gemma3", "8", "32"},
                                            {"qwen3", "4", "64"},
                                            {"qwen2", "8", "64"},
                                            {"llama3", "4", "32"},
                                            {"llama3", "6", "64"}}) {
    const std::string reference = std::string(family) + "-" + bits + "-" + group;
    SCOPED_TRACE(reference);
    const TemporaryFolder folder;
    const auto out = folder.path() / "out";
    const ProcessResult result =
        run_linnet({"quantize", tiny_checkpoint(family).string(), out.string(), "--bits", bits,
                    "--group-size", group, "--threads", "2"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.err, "");
    EXPECT_NE(result.out.find(std::string(bits) + " bits in groups of " + group), std::string::npos)
        << result.out;
    const io::Checkpoint found = io::Checkpoint::open(out);
    const io::Checkpoint wanted = io::Checkpoint::open(tiny_checkpoint(reference));
    EXPECT_EQ(found.tensor_count(), wanted.tensor_count());
    for (const std::string_view name : wanted.tensor_names()) {
      ASSERT_TRUE(found.find(name)) << name;
      EXPECT_TRUE(found.find(name)->bytes.text() == wanted.find(name)->bytes.text()) << name;
    }
  }
}

TEST(CliQuantize, FourBitsInGroupsOf64AreTheDefault) {
  const TemporaryFolder folder;
  const std::string out = (folder.path() / "out").string();
  const std::string in = tiny_checkpoint("qwen3").string();
  ASSERT_EQ(run_linnet({"quantize", in, out}).status, 0);
  const ProcessResult again = run_linnet({"quantize", in, out});
  EXPECT_EQ(again.status, 1);
  EXPECT_NE(again.err.find("exists already"), std::string::npos) << again.err;
  EXPECT_EQ(run_linnet({"quantize", in, out, "--force"}).status, 0);
  const ProcessResult info = run_linnet({"info", "-m", out, "--json"});
  EXPECT_EQ(Json::parse(info.out)["quantization"], "4 bits in groups of 64");
  const ProcessResult twice = run_linnet({"quantize", out, out + "2"});
  EXPECT_EQ(twice.status, 1);
  EXPECT_NE(twice.err.find("quantised already"), std::string::npos) << twice.err;
}

TEST(CliQuantize, SaysWhatStaysDense) {
  const TemporaryFolder folder;
  const std::string in = tiny_checkpoint("qwen3").string();
  const std::string dense =
      "dense: 4 matrices, 163,840 weights "
      "(model.layers.0.mlp.down_proj.weight, ...)";
  const ProcessResult written = run_linnet(
      {"quantize", in, (folder.path() / "out").string(), "--bits", "3", "--group-size", "128"});
  const ProcessResult plan = run_linnet({"plan", "-m", in, "--quantize", "3:128"});
  const ProcessResult info = run_linnet({"info", "-m", (folder.path() / "out").string()});
  for (const ProcessResult& result : {written, plan, info}) {
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_NE(result.out.find(dense), std::string::npos) << result.out;
  }
}

TEST(CliQuantize, AtLoadIsTheSameModel) {
  const std::vector<std::string> ids{"generate", "--ids", "5,6,7", "-n", "24", "--json"};
  const auto generated = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = ids;
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProcessResult result = run_linnet(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    const Json answer = Json::parse(result.out);
    return std::pair(answer["ids"], answer["logprobs"]);
  };
  const auto files = generated({"-m", tiny_checkpoint("gemma3-4-64").string()});
  EXPECT_EQ(files, generated({"-m", tiny_checkpoint("gemma3").string(), "--quantize", "4"}));
  EXPECT_EQ(files, generated({"-m", tiny_checkpoint("gemma3").string(), "--quantize", "4:64"}));
  EXPECT_NE(files, generated({"-m", tiny_checkpoint("gemma3").string(), "--quantize", "4:32"}));
}

TEST(CliQuantize, WrongUsage) {
  const std::string in = tiny_checkpoint("qwen3").string();
  const auto wrong = [&](std::vector<std::string> arguments, std::string_view part) {
    const ProcessResult result = run_linnet(std::move(arguments));
    EXPECT_EQ(result.status, 2) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  wrong({"quantize", in}, "out");
  wrong({"quantize", in, "/tmp/x", "--bits", "7"}, "7 bits in groups of 64 do not exist");
  wrong({"quantize", in, "/tmp/x", "--bits", "0"}, "0 bits");
  wrong({"quantize", in, "/tmp/x", "--group-size", "48"}, "groups of 48");
  wrong({"quantize", in, "/tmp/x", "--bits", "four"}, "\"four\" is not a whole number");
  for (const char* text : {"", "4:", ":64", "x", "4:64:2", "4.5", " 4"})
    wrong({"plan", "-m", in, "--quantize", text}, "is not BITS or BITS:GROUP");
  wrong({"plan", "-m", in, "--quantize", "16"}, "16 bits in groups of 64 do not exist");
}

}  // namespace
}  // namespace linnet::test
