// Quantisation against MLX's own files: the same words, scales and biases to the bit from the same
// bf16 weights, on every instruction set and any number of threads.
#include <gtest/gtest.h>

#include "ops/quantize.hpp"
#include "support/reference.hpp"

namespace linnet {
namespace {

struct Reference {
  std::string family;
  Quantization quantization;

  [[nodiscard]] std::string folder() const {
    return fmt::format("{}-{}-{}", family, quantization.bits, quantization.group_size);
  }
};

std::vector<Reference> references() {
  return {{"gemma3", {4, 64}}, {"gemma3", {8, 32}}, {"qwen3", {4, 64}},
          {"qwen2", {8, 64}},  {"llama3", {4, 32}}, {"llama3", {6, 64}}};
}

Array array_of(const io::StoredTensor& tensor, const DevicePtr& device) {
  Shape shape;
  for (const int64_t extent : tensor.shape) shape.push_back(extent);
  return Array::over(io::aligned_bytes(tensor.bytes, tensor.dtype), shape,
                     *io::to_dtype(tensor.dtype), device);
}

std::string_view bytes_of(const Array& x) {
  return {reinterpret_cast<const char*>(x.view().data), static_cast<size_t>(x.nbytes())};
}

class QuantizeReference : public testing::TestWithParam<Reference> {};

TEST_P(QuantizeReference, EveryTensorIsEqualToMlxsToTheBit) {
  const auto dense = io::Checkpoint::open(test::reference_folder(GetParam().family));
  const auto mlx = io::Checkpoint::open(test::reference_folder(GetParam().folder()));
  const std::vector<std::string_view> names = mlx.tensor_names();
  for (const kernels::cpu::Isa isa : kernels::cpu::testable_isas())
    for (const int threads : {1, 2}) {
      const DevicePtr device = Device::cpu({.threads = threads}, isa);
      int quantised = 0;
      for (const std::string_view name : names) {
        if (!name.ends_with(".scales")) continue;
        const std::string module(name.substr(0, name.size() - std::string_view(".scales").size()));
        SCOPED_TRACE(module + " on " + std::string(kernels::cpu::to_string(isa)));
        const auto result = ops::quantize(array_of(*dense.find(module + ".weight"), device),
                                          GetParam().quantization);
        EXPECT_TRUE(bytes_of(result.words) == mlx.find(module + ".weight")->bytes.text());
        EXPECT_TRUE(bytes_of(result.scales) == mlx.find(module + ".scales")->bytes.text());
        EXPECT_TRUE(bytes_of(result.biases) == mlx.find(module + ".biases")->bytes.text());
        ++quantised;
      }
      EXPECT_GT(quantised, 20);
    }
}

INSTANTIATE_TEST_SUITE_P(Folders, QuantizeReference, testing::ValuesIn(references()),
                         [](const auto& info) {
                           std::string name = info.param.folder();
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace linnet
