// The binary as it is built starts on old processors and gives the same bits there. qemu emulates
// them: a Nehalem has no AVX (scalar kernels), a Haswell has AVX2 and no AVX-512.
#include <gtest/gtest.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/checkpoints.hpp"
#include "cli/process.hpp"

namespace linnet::test {
namespace {

using Json = nlohmann::json;

struct Emulator {
  std::string program;
  std::string absent;  // why there is none, or empty
};

Emulator emulator() {
  if (std::string_view(LINNET_SANITIZED) != "")
    return {"", std::string("a build without sanitizers (this one has ") + LINNET_SANITIZED + ")"};
#if !defined(__x86_64__)
  return {"", "an x86-64 machine"};
#else
  const std::string program = find_program("qemu-x86_64");
  return {program, program.empty() ? "qemu-x86_64 (Debian package qemu-user)" : ""};
#endif
}

/// Runs on the emulated processor what native ran, and compares.
void expect_same_bits(const std::string& processor, const std::string& isa) {
  const Emulator qemu = emulator();
  if (!qemu.absent.empty()) {
    std::printf("NOT TESTED, absent here: %s\n", qemu.absent.c_str());
    return;
  }
  const std::vector<std::string> emulated{qemu.program, "-cpu", processor};
  const auto on_processor = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> command = emulated;
    for (const std::string& part : linnet_command(arguments)) command.push_back(part);
    return run_process(command);
  };
  const ProcessResult version = on_processor({"--version"});
  ASSERT_EQ(version.status, 0) << version.err;
  EXPECT_NE(version.out.find("(" + isa + ","), std::string::npos) << version.out;

  for (const char* family : {"gemma3", "llama3"}) {
    for (const char* compute : {"bf16", "f32"}) {
      const std::vector<std::string> arguments{
          "generate", "-m",        tiny_checkpoint(family).string(),
          "--ids",    "5,6,7,8,9", "-n",
          "3",        "--threads", "2",
          "--json",   "--compute", compute};
      const ProcessResult native = run_linnet(arguments);
      ASSERT_EQ(native.status, 0) << native.err;
      const ProcessResult old = on_processor(arguments);
      ASSERT_EQ(old.status, 0) << old.err;
      const Json expected = Json::parse(native.out);
      const Json actual = Json::parse(old.out);
      EXPECT_EQ(actual["ids"], expected["ids"]) << processor << " " << family << " " << compute;
      EXPECT_EQ(actual["logprobs"], expected["logprobs"])
          << processor << " " << family << " " << compute;
    }
  }
}

TEST(CliProcessors, NehalemRunsScalarKernelsWithTheSameBits) {
  expect_same_bits("Nehalem", "scalar");
}

TEST(CliProcessors, HaswellRunsAvx2KernelsWithTheSameBits) { expect_same_bits("Haswell", "avx2"); }

}  // namespace
}  // namespace linnet::test
