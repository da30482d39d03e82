// linnet logits against the values of Hugging Face transformers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "cli/checkpoints.hpp"
#include "cli/process.hpp"
#include "io/safetensors.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::test {
namespace {

template <class Value>
std::vector<Value> values_of(const io::SafetensorsFile& file, std::string_view name) {
  const Bytes bytes = file.bytes(name);
  std::vector<Value> values(static_cast<size_t>(bytes.size()) / sizeof(Value));
  std::memcpy(values.data(), bytes.view.data(), values.size() * sizeof(Value));
  return values;
}

TEST(CliLogits, AreTheReferenceAtEveryPosition) {
  const TemporaryFolder folder;
  const std::string out = (folder.path() / "logits.safetensors").string();
  for (const char* family : {"gemma3", "qwen3", "qwen2", "llama3"}) {
    const auto golden = io::SafetensorsFile::open(tiny_checkpoint(family) / "golden.safetensors");
    std::string ids;
    for (const int32_t id : values_of<int32_t>(golden, "p24.ids"))
      ids += (ids.empty() ? "" : ",") + std::to_string(id);
    const ProcessResult result = run_linnet({"logits", "-m", tiny_checkpoint(family).string(),
                                             "--ids", ids, "--out", out, "--compute", "f32"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out + result.err, "");

    const auto file = io::SafetensorsFile::open(out);
    ASSERT_EQ(file.tensors().size(), 1U);
    EXPECT_EQ(file.tensors()[0].name, "logits");
    EXPECT_EQ(file.tensors()[0].dtype, io::StoredDType::f32);
    EXPECT_EQ(file.tensors()[0].shape, (std::vector<int64_t>{24, 512}));
    const auto actual = values_of<float>(file, "logits");
    const auto expected = values_of<float>(golden, "p24.logits");
    ASSERT_EQ(actual.size(), expected.size());
    float largest = 0;
    float error = 0;
    for (size_t i = 0; i < actual.size(); ++i) {
      largest = std::max(largest, std::abs(expected[i]));
      error = std::max(error, std::abs(actual[i] - expected[i]));
    }
    EXPECT_LE(error, 1e-4F * largest) << family;
  }
  // Nothing but the last result: the file is replaced, and temporary files are gone.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(CliLogits, ComputeDecidesTheRounding) {
  const TemporaryFolder folder;
  const auto logits = [&](const std::string& compute) {
    const std::filesystem::path out = folder.path() / compute;
    const ProcessResult result =
        run_linnet({"logits", "-m", tiny_checkpoint("llama3").string(), "--ids", "5,6,7", "--out",
                    out.string(), "--compute", compute});
    EXPECT_EQ(result.status, 0) << result.err;
    return values_of<float>(io::SafetensorsFile::open(out), "logits");
  };
  const auto exact = logits("f32");
  const auto rounded = logits("bf16");
  ASSERT_EQ(exact.size(), rounded.size());
  EXPECT_NE(exact, rounded);
  for (size_t i = 0; i < exact.size(); ++i) EXPECT_NEAR(exact[i], rounded[i], 0.2F);
}

}  // namespace
}  // namespace linnet::test
