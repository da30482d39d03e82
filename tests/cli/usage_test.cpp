// Exit codes and messages: wrong usage is 2 and does nothing, failed work is 1 with the error's
// code.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/checkpoints.hpp"
#include "cli/process.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::test {
namespace {

struct Case {
  std::vector<std::string> arguments;
  std::string message;
};

void expect_failure(const Case& wrong, int status) {
  const ProcessResult result = run_linnet(wrong.arguments);
  std::string command;
  for (const std::string& argument : wrong.arguments) command += argument + " ";
  EXPECT_EQ(result.status, status) << command;
  EXPECT_EQ(result.out, "") << command;
  EXPECT_EQ(result.err.rfind("linnet: error: ", 0), 0U) << command << result.err;
  EXPECT_NE(result.err.find(wrong.message), std::string::npos) << command << result.err;
}

TEST(CliUsage, WrongCommandLinesAre2) {
  const std::string tiny = tiny_checkpoint("llama3").string();
  const std::vector<Case> cases{
      {{}, "A command is required"},
      {{"sing"}, "sing"},
      {{"generate"}, "a prompt"},
      {{"generate", "a", "b"}, "b"},
      {{"generate", "--ids", "5", "a prompt"}, "excludes"},
      {{"generate", "--ids", "5,six"}, "\"six\" is no token id"},
      {{"generate", "--ids", "5,"}, "\"\" is no token id"},
      {{"generate", "--ids", ""}, "\"\" is no token id"},
      {{"generate", "--ids", "5,99999999999"}, "99999999999"},
      {{"generate", "--ids", "5", "--no-special-tokens"}, "--no-special-tokens"},
      {{"generate", "a", "--temperature", "hot"}, "--temperature"},
      {{"generate", "a", "--seed", "-1"}, "\"-1\" is not a whole number from 0 on"},
      {{"generate", "a", "--seed", "99999999999999999999"}, "is not a whole number"},
      {{"generate", "a", "-n", "99999999999999999999"}, "is not a whole number"},
      {{"generate", "a", "--threads", "5000000000"}, "is not a whole number"},
      {{"generate", "a", "--top-p", "0.5x"}, "\"0.5x\" is not a number"},
      {{"generate", "a", "-n", "4", "-n", "5"}, "--max-tokens"},
      {{"generate", "a", "-n", "1.5"}, "--max-tokens"},
      {{"generate", "a", "--logit-bias", "5"}, "ID:VALUE"},
      {{"generate", "a", "--logit-bias", "5:much"}, "ID:VALUE"},
      {{"generate", "a", "--stop-id", "end"}, "\"end\" is no token id"},
      {{"generate", "a", "--beam", "4"}, "--beam"},
      {{"generate", "a", "--compute", "f64"}, "f64"},
      {{"generate", "a", "--memory-budget", "4 elephants"}, "\"4 elephants\" is no size"},
      {{"generate", "a", "--memory-budget", "-1GiB"}, "is no size"},
      {{"generate", "a", "--memory-budget", "0"}, "is no size"},
      {{"logits", "--ids", "5"}, "--out"},
      {{"bench", "--prefill", "0"}, "\"0\" is not a whole number from 1 on"},
      {{"bench", "--decode", "0,,5"}, "\"\" is not a whole number from 0 on"},
      {{"explain", "--prefill", "5", "--decode", "5"}, "excludes"},
      {{"synth"}, "shape"},
      {{"synth", "gemma3-1b"}, "out"},
      {{"synth", "gemma3-1b", "x", "--bits", "four"}, "\"four\" is not a whole number"},
      {{"logits", "--out", "x.safetensors"}, "--ids"},
      {{"info", "--context", "5"}, "--context"},
      {{"plan", "--context", "many"}, "--context"},
      {{"plan", "--threads", "2"}, "--threads"},
  };
  for (const Case& wrong : cases) {
    expect_failure(wrong, 2);
  }
}

TEST(CliUsage, FailedWorkIs1AndNamesTheCode) {
  const std::string tiny = tiny_checkpoint("llama3").string();
  const TemporaryFolder empty;
  const std::vector<Case> cases{
      {{"generate", "-m", "/nonexistent", "--ids", "5"}, "(not_found)"},
      {{"info", "-m", "/nonexistent"}, "/nonexistent"},
      {{"info", "-m", empty.path().string()}, "has no config.json (not_found)"},
      {{"plan", "-m", empty.path().string()}, "has no config.json (not_found)"},
      {{"generate", "-m", tiny, "a prompt"}, "(invalid_argument)"},
      {{"generate", "-m", tiny, "--ids", "512"}, "512"},
      {{"generate", "-m", tiny, "--ids", "-1"}, "-1"},
      {{"generate", "-m", tiny, "--ids", "5", "--temperature", "-1"}, "temperature"},
      {{"generate", "-m", tiny, "--ids", "5", "--temperature", "nan"}, "temperature"},
      {{"generate", "-m", tiny, "--ids", "5", "--top-p", "0"}, "top_p"},
      {{"generate", "-m", tiny, "--ids", "5", "--top-p", "1.5"}, "top_p"},
      {{"generate", "-m", tiny, "--ids", "5", "--min-p", "2"}, "min_p"},
      {{"generate", "-m", tiny, "--ids", "5", "--top-k", "-1"}, "top_k"},
      {{"generate", "-m", tiny, "--ids", "5", "-n", "-1"}, "max_tokens"},
      {{"generate", "-m", tiny, "--ids", "5", "--repetition-penalty", "0"}, "repetition_penalty"},
      {{"generate", "-m", tiny, "--ids", "5", "--logit-bias", "600:1"}, "600"},
      {{"generate", "-m", tiny, "--ids", "5", "--threads", "-2"}, "(invalid_argument)"},
      {{"generate", "-m", tiny, "--ids", "5", "--context", "-2"}, "(invalid_argument)"},
      {{"generate", "-m", tiny, "--ids", "5,6,7,8", "--context", "4"}, "(invalid_argument)"},
      {{"generate", "-m", tiny, "--ids", "5", "--memory-budget", "64KiB"}, "(out_of_memory)"},
      {{"logits", "-m", tiny, "--ids", "512", "--out", (empty.path() / "x").string()}, "512"},
      {{"logits", "-m", tiny, "--ids", "5", "--out", "/nonexistent/x"}, "/nonexistent"},
      {{"synth", "gemma4", (empty.path() / "x").string()}, "gemma3-1b, gemma3-4b"},
      {{"synth", "gemma3-1b", (empty.path() / "x").string(), "--bits", "7"}, "to 7 bits"},
      {{"synth", "gemma3-1b", tiny}, "exists already (invalid_argument)"},
  };
  for (const Case& wrong : cases) expect_failure(wrong, 1);
  EXPECT_TRUE(std::filesystem::is_empty(empty.path())) << "a failed command leaves nothing";
}

TEST(CliUsage, UnknownInstructionSetIsAnError) {
  const ProcessResult result =
      run_linnet({"generate", "-m", tiny_checkpoint("llama3").string(), "--ids", "5"},
                 {.environment = {{"LINNET_ISA", "mmx"}}});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("LINNET_ISA=mmx"), std::string::npos) << result.err;
}

TEST(CliUsage, HelpAndVersionAreSuccess) {
  const ProcessResult help = run_linnet({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_EQ(help.err, "");
  for (const char* part : {"generate", "logits", "info", "plan", "--version", "130 interrupted"})
    EXPECT_NE(help.out.find(part), std::string::npos) << part;

  for (const char* command : {"generate", "logits", "info", "plan"}) {
    const ProcessResult sub = run_linnet({command, "--help"});
    EXPECT_EQ(sub.status, 0) << command;
    EXPECT_NE(sub.out.find("--model"), std::string::npos) << command;
    EXPECT_NE(sub.out.find("130 interrupted"), std::string::npos) << command;
  }

  const ProcessResult version = run_linnet({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_EQ(version.out.rfind("linnet 0.", 0), 0U) << version.out;
  EXPECT_NE(version.out.find("core"), std::string::npos) << version.out;
}

}  // namespace
}  // namespace linnet::test
