// Ctrl-C and closed pipes while text is written.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "cli/checkpoints.hpp"
#include "cli/process.hpp"

namespace linnet::test {
namespace {

/// A generation that takes far longer than the tests wait: the slowest kernels, and the ids that
/// would end the text forbidden.
std::vector<std::string> endless(const EndlessCheckpoint& checkpoint,
                                 const std::vector<std::string>& more = {}) {
  std::vector<std::string> command =
      linnet_command({"generate", "-m", checkpoint.path(), "--ids", "5,6,7", "-n", "50000",
                      "--context", "60000", "--logit-bias", "1:-inf", "--logit-bias", "3:-inf"});
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

ProcessOptions slow() { return {.environment = {{"LINNET_ISA", "scalar"}}}; }

TEST(CliSignals, InterruptEndsTheStreamCleanly) {
  const EndlessCheckpoint checkpoint;
  Process process(endless(checkpoint), slow());
  process.read_out(20);
  process.signal(SIGINT);
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.status, 130);
  EXPECT_FALSE(result.killed);
  EXPECT_EQ(result.err, "");
  ASSERT_TRUE(result.out.ends_with('\n'));
  EXPECT_NE(result.out[result.out.size() - 2], ',') << "ends with a whole id";
}

TEST(CliSignals, InterruptedJsonIsStillJson) {
  const EndlessCheckpoint checkpoint;
  Process process(endless(checkpoint, {"--json"}), slow());
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  process.signal(SIGINT);
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.status, 130);
  EXPECT_FALSE(result.killed);
  // An interrupt that comes before the first token ends the program before there is an answer.
  if (result.out.empty()) return;
  const auto answer = nlohmann::json::parse(result.out);
  EXPECT_EQ(answer["finish_reason"], "cancelled");
  EXPECT_EQ(answer["ids"].size(), answer["metrics"]["generated_tokens"].get<size_t>());
}

TEST(CliSignals, SecondInterruptKills) {
  const EndlessCheckpoint checkpoint;
  // Nobody reads: the pipe fills, and the first interrupt cannot end a write that waits.
  Process process(endless(checkpoint), {.pipe_bytes = 4096});
  // An id and its comma have up to four bytes, so this is full.
  ASSERT_TRUE(process.wait_for_unread(4093));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!process.ended() && std::chrono::steady_clock::now() < end) {
    process.signal(SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const ProcessResult result = process.wait();
  EXPECT_TRUE(result.killed);
  EXPECT_EQ(result.status, 128 + SIGINT);
}

TEST(CliSignals, ClosedPipeEndsQuietly) {
  const EndlessCheckpoint checkpoint;
  Process process(endless(checkpoint), slow());
  process.read_out(20);
  process.close_out();
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.status, 0);
  EXPECT_FALSE(result.killed);
  EXPECT_EQ(result.err, "");
}

TEST(CliSignals, AFullDiskIsAnError) {
  const ProcessResult result =
      run_process({"/bin/sh", "-c", "exec \"$0\" --help >/dev/full", LINNET_CLI});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("standard output"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("(device)"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace linnet::test
