// merge_adapter: PEFT's logits from merged weights, quantised bases, and what writes nothing.
#include <gtest/gtest.h>
#include <linnet/train.hpp>

#include <cmath>
#include <cstring>
#include <set>

#include "base/file.hpp"
#include "base/quantization.hpp"
#include "io/adapter_file.hpp"
#include "io/checkpoint_writer.hpp"
#include "nn/adapter_load.hpp"
#include "ops/cast.hpp"
#include "ops/elementwise.hpp"
#include "ops/matmul.hpp"
#include "ops/quantize.hpp"
#include "support/expect_error.hpp"
#include "support/reference.hpp"
#include "support/temporary_folder.hpp"

namespace linnet {
namespace {

namespace fs = std::filesystem;
using test::reference_folder;

const DevicePtr& device() {
  static const DevicePtr one = Device::cpu({.threads = 2});
  return one;
}

Array as_array(const io::StoredTensor& tensor) {
  Shape shape;
  for (const int64_t extent : tensor.shape) shape.push_back(extent);
  return Array::over(io::aligned_bytes(tensor.bytes, tensor.dtype), shape,
                     *io::to_dtype(tensor.dtype), device());
}

std::span<const std::byte> bytes_of(const Array& x) {
  return {static_cast<const std::byte*>(x.view().data), static_cast<size_t>(x.nbytes())};
}

/// The same checkpoint with float32 weights.
void write_float(const io::Checkpoint& from, const fs::path& to) {
  std::vector<io::TensorSpec> specs;
  for (const std::string_view name : from.tensor_names()) {
    const auto shape = from.find(name)->shape;
    specs.push_back({std::string(name), io::StoredDType::f32, {shape.begin(), shape.end()}});
  }
  io::CheckpointWriter writer(to, specs);
  for (const std::string_view name : from.tensor_names())
    writer.write(name, bytes_of(ops::astype(as_array(*from.find(name)), DType::f32)));
  writer.add_file("config.json", from.file("config.json")->text());
  writer.commit();
}

template <class T>
std::vector<T> values(const io::SafetensorsFile& file, const char* name) {
  const Bytes bytes = file.bytes(name);
  std::vector<T> result(bytes.view.size() / sizeof(T));
  std::memcpy(result.data(), bytes.view.data(), bytes.view.size());
  return result;
}

std::string bytes_of_file(const fs::path& path) { return std::string(map_file(path).text()); }

std::string identity(const char* name) {
  return nn::base_identity(
      models::load(io::Checkpoint::open(reference_folder(name)), device(), {.plan_only = true})
          .tensors);
}

class Merge : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, Merge, ::testing::Values("gemma3", "qwen3"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(Merge, FloatWeightsGivePeftsLogits) {
  const test::TemporaryFolder folder;
  const fs::path base = folder.path() / "base";
  const fs::path merged = folder.path() / "merged";
  const fs::path adapter = reference_folder(std::string(GetParam()) + "-peft-lora");
  write_float(io::Checkpoint::open(reference_folder(GetParam())), base);
  const std::string before = bytes_of_file(base / "model.safetensors");
  merge_adapter(base, adapter, merged, {.threads = 2});
  EXPECT_TRUE(bytes_of_file(base / "model.safetensors") == before);
  const auto loaded =
      models::load(io::Checkpoint::open(merged), device(), {.compute = Compute::f32});
  const auto golden = io::SafetensorsFile::open(adapter / "golden.safetensors");
  nn::Batch batch{.ids = values<int32_t>(golden, "ids")};
  batch.lengths = {static_cast<int64_t>(batch.ids.size())};
  for (size_t t = 0; t < batch.ids.size(); ++t) {
    batch.positions.push_back(static_cast<int64_t>(t));
    batch.logit_rows.push_back(static_cast<int32_t>(t));
  }
  const auto expected = values<float>(golden, "logits");
  const auto logits = loaded.model->forward(batch).to_vector<float>();
  ASSERT_EQ(logits.size(), expected.size());
  double largest = 0;
  for (const float value : expected) largest = std::max(largest, std::fabs(double{value}));
  for (size_t i = 0; i < logits.size(); ++i)
    ASSERT_NEAR(logits[i], expected[i], 1e-4 * largest) << i;
}

TEST(MergeQuantized, KeepsBitsAndGroups) {
  const test::TemporaryFolder folder;
  const fs::path out = folder.path() / "out";
  const fs::path adapter = reference_folder("qwen3-peft-lora");
  merge_adapter(reference_folder("qwen3-4-64"), adapter, out, {.threads = 2});
  const auto before = io::Checkpoint::open(reference_folder("qwen3-4-64"));
  const auto after = io::Checkpoint::open(out);
  EXPECT_EQ(after.file("config.json")->text(), before.file("config.json")->text());
  const auto rows = [](const io::Checkpoint& from, const std::string& module) {
    return ops::QuantizedRows{as_array(*from.find(module + ".weight")),
                              as_array(*from.find(module + ".scales")),
                              as_array(*from.find(module + ".biases"))};
  };
  const Quantization q{.bits = 4, .group_size = 64};
  std::set<std::string> adapted;
  for (const io::AdapterModule& m : io::AdapterFile::open(adapter).modules) {
    const std::string name = "model." + m.name;
    for (const char* end : {".weight", ".scales", ".biases"}) adapted.insert(name + end);
    const ops::QuantizedRows old = rows(before, name);
    const Array product = ops::matmul(Array::from(m.b, {m.outputs, m.rank}, device()),
                                      Array::from(m.a, {m.rank, m.inputs}, device()));
    const Array sum = ops::add(ops::dequantize(old, q), ops::mul(product, m.scale));
    const ops::QuantizedRows wanted = ops::quantize(ops::astype(sum, old.scales.dtype()), q);
    const ops::QuantizedRows found = rows(after, name);
    EXPECT_TRUE(std::ranges::equal(bytes_of(found.words), bytes_of(wanted.words))) << name;
    EXPECT_TRUE(std::ranges::equal(bytes_of(found.scales), bytes_of(wanted.scales))) << name;
    EXPECT_TRUE(std::ranges::equal(bytes_of(found.biases), bytes_of(wanted.biases))) << name;
  }
  ASSERT_EQ(after.tensor_count(), before.tensor_count());
  for (const std::string_view name : before.tensor_names()) {
    const bool same = after.find(name)->bytes.text() == before.find(name)->bytes.text();
    const bool merged = adapted.contains(std::string(name)) && name.ends_with(".weight");
    if (!adapted.contains(std::string(name)) || merged) {
      EXPECT_NE(same, merged) << name;
    }
  }
  models::load(after, device(), {});
}

TEST(MergeRefuses, WhatDoesNotFitAndWritesNothing) {
  const test::TemporaryFolder folder;
  const fs::path out = folder.path() / "out";
  const auto refused = [&](ErrorCode code, const std::string& part, const fs::path& base,
                           const fs::path& adapter) {
    test::expect_error(code, part, [&] { merge_adapter(base, adapter, out, {.threads = 1}); });
    EXPECT_FALSE(fs::exists(out));
  };
  refused(ErrorCode::invalid_argument, "layers.", reference_folder("llama3"),
          reference_folder("gemma3-peft-lora"));
  io::AdapterFile adapter = io::AdapterFile::open(reference_folder("qwen3-peft-lora"));
  adapter.base_checksum = identity("gemma3");
  const fs::path other = folder.path() / "other";
  io::write_adapter(other, io::AdapterFormat::peft, adapter);
  refused(ErrorCode::invalid_argument, "another model", reference_folder("qwen3"), other);
  fs::resize_file(other / "adapter_model.safetensors", 5000);
  refused(ErrorCode::malformed_file, "adapter_model", reference_folder("qwen3"), other);
  // Beside the dense model or its quantised copy is the same.
  adapter.base_checksum = identity("qwen3-4-64");
  io::write_adapter(other, io::AdapterFormat::peft, adapter);
  merge_adapter(reference_folder("qwen3"), other, out, {.threads = 1});
  EXPECT_TRUE(fs::exists(out / "config.json"));
}

}  // namespace
}  // namespace linnet
