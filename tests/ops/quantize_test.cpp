// Quantisation against a plain loop over every type, width, group and kind of values, and back
// again. (MLX's own files are compared in tests/nn/quantize_reference_test.cpp.)
#include "ops/quantize.hpp"

#include <cmath>
#include <limits>

#include "base/fp_mode.hpp"
#include "ops/view.hpp"
#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet {
namespace {

using test::device;

std::vector<Quantization> all_quantizations() {
  std::vector<Quantization> result;
  for (const int bits : {2, 3, 4, 5, 6, 8})
    for (const int group : {32, 64, 128}) result.push_back({.bits = bits, .group_size = group});
  return result;
}

float rounded_to(DType dtype, float value) {
  if (dtype == DType::bf16) return to_float(to_bf16(value));
  if (dtype == DType::f16) return to_float(to_f16(value));
  return value;
}

struct Expected {
  std::vector<uint8_t> bytes;
  std::vector<float> scales;
  std::vector<float> biases;
};

/// The formula of kernels/quantize.hpp, one weight and one bit at a time.
Expected plain_loop(const std::vector<float>& w, DType dtype, const Quantization& q) {
  Expected result;
  result.bytes.assign(w.size() * static_cast<size_t>(q.bits) / 8, 0);
  const auto size = static_cast<size_t>(q.group_size);
  const auto n = static_cast<float>((1 << q.bits) - 1);
  for (size_t g = 0; g < w.size(); g += size) {
    const float lo = *std::min_element(w.begin() + g, w.begin() + g + size);
    const float hi = *std::max_element(w.begin() + g, w.begin() + g + size);
    const bool from_lo = std::abs(lo) > std::abs(hi);
    float scale = std::max((hi - lo) / n, 1e-7F);
    if (!from_lo) scale = -scale;
    const float edge = from_lo ? lo : hi;
    const float q0 = std::nearbyint(edge / scale);
    float bias = 0;
    if (q0 != 0) {
      scale = edge / q0;
      bias = edge;
    }
    for (size_t i = 0; i < size; ++i) {
      const float level = std::clamp(std::nearbyint((w[g + i] - bias) / scale), 0.0F, n);
      const auto code = static_cast<unsigned>(level);
      for (int bit = 0; bit < q.bits; ++bit) {
        const size_t at = (g + i) * static_cast<size_t>(q.bits) + static_cast<size_t>(bit);
        if ((code >> bit & 1U) != 0) result.bytes[at / 8] |= static_cast<uint8_t>(1U << at % 8);
      }
    }
    result.scales.push_back(rounded_to(dtype, scale));
    result.biases.push_back(rounded_to(dtype, bias));
  }
  return result;
}

std::vector<uint8_t> bytes_of(const Array& words) {
  std::vector<uint8_t> result;
  for (const uint32_t word : words.to_vector<uint32_t>())
    for (int i = 0; i < 4; ++i) result.push_back(static_cast<uint8_t>(word >> 8 * i));
  return result;
}

/// Rows of different character: noise, one sign, equal values, zeros, tiny, large, an outlier,
/// halves of a step.
Array weights_of(int64_t rows, int64_t k, DType dtype, const DevicePtr& on) {
  test::Numbers numbers(static_cast<uint64_t>(rows * 1000 + k));
  std::vector<long double> values;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < k; ++i) {
      const double u = numbers.uniform(-1, 1);
      double value = u * 0.05;
      switch (row % 10) {
        case 1: value = 0.1 + u * 0.01; break;
        case 2: value = -0.1 - u * 0.01; break;
        case 3: value = 0.375; break;
        case 4: value = i % 2 == 0 ? 0.0 : -0.0; break;
        case 5: value = u * 1e-7; break;
        case 6: value = u * 3e4; break;
        case 7: value = i % 32 == 5 ? 100 : u; break;
        case 8: value = std::round(u * 30) / 2; break;
        case 9: value = -2.0 + static_cast<double>(i % 3) * 1e-3; break;
        default: break;
      }
      values.push_back(value);
    }
  return test::from_values(values, {rows, k}, dtype, on);
}

TEST(Quantize, MatchesAPlainLoopOnEveryInstructionSet) {
  for (const Quantization& q : all_quantizations())
    for (const DType dtype : test::floating_dtypes())
      for (const DevicePtr& on : test::all_devices()) {
        SCOPED_TRACE(fmt::format("{} bits, group {}, {}, {}", q.bits, q.group_size,
                                 to_string(dtype), test::name(on)));
        const Array w = weights_of(31, 3 * int64_t{q.group_size}, dtype, on);
        const ops::QuantizedRows found = ops::quantize(w, q);
        const FlushSubnormals as_the_kernel;
        const Expected expected = plain_loop(w.to_floats(), dtype, q);
        EXPECT_EQ(found.words.shape(), (Shape{31, 3 * q.group_size * q.bits / 32}));
        EXPECT_EQ(found.scales.shape(), (Shape{31, 3}));
        EXPECT_EQ(found.scales.dtype(), dtype);
        EXPECT_EQ(found.biases.dtype(), dtype);
        ASSERT_EQ(bytes_of(found.words), expected.bytes);
        ASSERT_EQ(found.scales.to_floats(), expected.scales);
        ASSERT_EQ(found.biases.to_floats(), expected.biases);
      }
}

TEST(Quantize, ManyRowsAreSharedByThreadsWithoutATrace) {
  const Quantization q{.bits = 4, .group_size = 64};
  std::vector<uint8_t> expected;
  for (const DevicePtr& on : test::all_devices()) {
    const ops::QuantizedRows found = ops::quantize(weights_of(700, 256, DType::bf16, on), q);
    if (expected.empty()) expected = bytes_of(found.words);
    EXPECT_TRUE(bytes_of(found.words) == expected) << test::name(on);
  }
}

TEST(Quantize, TakesViews) {
  const Quantization q{.bits = 5, .group_size = 32};
  const Array w = weights_of(64, 128, DType::f32, device());
  const std::vector<float> all = w.to_floats();
  // Rows 3, 6, 9 and columns 64..127; then the transpose.
  const Array rows = w.with_layout({3, 64}, {3 * 128, 1}, 3 * 128 + 64);
  const Array turned = ops::transpose(w, {1, 0});
  for (const Array& view : {rows, turned}) {
    const Expected expected = plain_loop(view.to_floats(), DType::f32, q);
    const ops::QuantizedRows found = ops::quantize(view, q);
    EXPECT_EQ(bytes_of(found.words), expected.bytes);
    EXPECT_EQ(found.scales.to_floats(), expected.scales);
  }
}

TEST(Quantize, EmptyMatrices) {
  const Quantization q{.bits = 4, .group_size = 64};
  for (const Shape& shape : {Shape{0, 64}, Shape{5, 0}}) {
    const ops::QuantizedRows found = ops::quantize(Array::zeros(shape, DType::bf16, device()), q);
    EXPECT_EQ(found.words.size(), 0);
    EXPECT_EQ(ops::dequantize(found, q).shape(), shape);
  }
}

TEST(Dequantize, IsScaleTimesLevelPlusBias) {
  for (const Quantization& q : all_quantizations())
    for (const DType stored : test::floating_dtypes())
      for (const DType wanted : test::floating_dtypes())
        for (const DevicePtr& on : test::all_devices()) {
          SCOPED_TRACE(fmt::format("{} bits, group {}, {} as {}, {}", q.bits, q.group_size,
                                   to_string(stored), to_string(wanted), test::name(on)));
          const Array w = weights_of(10, 2 * int64_t{q.group_size}, stored, on);
          const ops::QuantizedRows quantized = ops::quantize(w, q);
          const std::vector<uint8_t> bytes = bytes_of(quantized.words);
          const std::vector<float> scales = quantized.scales.to_floats();
          const std::vector<float> biases = quantized.biases.to_floats();
          const Array found = ops::dequantize(quantized, q, wanted);
          ASSERT_EQ(found.dtype(), wanted);
          ASSERT_EQ(found.shape(), w.shape());
          const FlushSubnormals as_the_kernel;
          const std::vector<float> values = found.to_floats();
          for (size_t i = 0; i < values.size(); ++i) {
            unsigned code = 0;
            for (int bit = 0; bit < q.bits; ++bit) {
              const size_t at = i * static_cast<size_t>(q.bits) + static_cast<size_t>(bit);
              code |= (bytes[at / 8] >> at % 8 & 1U) << bit;
            }
            const size_t g = i / static_cast<size_t>(q.group_size);
            const float product = scales[g] * static_cast<float>(code);
            ASSERT_EQ(values[i], rounded_to(wanted, product + biases[g])) << i;
          }
        }
}

// Half a step, and what the step gave way for the edge to be met: up to another half at the far
// end.
TEST(Dequantize, StaysWithinAStep) {
  const Quantization q{.bits = 8, .group_size = 64};
  const Array w = weights_of(1, 6400, DType::f32, device());
  const ops::QuantizedRows quantized = ops::quantize(w, q);
  const std::vector<float> before = w.to_floats();
  const std::vector<float> after = ops::dequantize(quantized, q).to_floats();
  const std::vector<float> scales = quantized.scales.to_floats();
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_LE(std::abs(before[i] - after[i]), 1.001F * std::abs(scales[i / 64])) << i;
}

TEST(Quantize, RefusesWhatHasNoScale) {
  const Quantization q{.bits = 4, .group_size = 32};
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()})
    for (const DevicePtr& on : test::all_devices()) {
      std::vector<float> values(900 * 64, 0.5F);
      values[700 * 64 + 33] = bad;
      values[877 * 64] = bad;
      test::expect_error(ErrorCode::invalid_argument, "row 700 of w [900, 64]", [&] {
        ops::quantize(Array::from(values, {900, 64}, on), q);
      });
    }
  const std::vector<float> apart{-3e38F, 3e38F};
  std::vector<float> values(32, 0.0F);
  values[1] = apart[0];
  values[2] = apart[1];
  test::expect_error(ErrorCode::invalid_argument, "row 0 of w [1, 32]", [&] {
    ops::quantize(Array::from(values, {1, 32}, device()), q);
  });
}

TEST(Quantize, RefusesArgumentsThatDoNotFit) {
  const Array w = Array::zeros({4, 96}, DType::f32, device());
  const auto refused = [](std::string_view part, const auto& body) {
    test::expect_error(ErrorCode::invalid_argument, part, body);
  };
  refused("7", [&] { ops::quantize(w, {.bits = 7, .group_size = 32}); });
  refused("48", [&] { ops::quantize(w, {.bits = 4, .group_size = 48}); });
  refused("0 bits", [&] { ops::quantize(w, {}); });
  refused("the 96 inputs of w [4, 96] are no multiple of the group size 64",
          [&] { ops::quantize(w, {.bits = 4, .group_size = 64}); });
  refused("w is u32 [4, 96]", [&] {
    ops::quantize(Array::zeros({4, 96}, DType::u32, device()), {.bits = 4, .group_size = 32});
  });
  refused("w is f32 [96]", [&] {
    ops::quantize(Array::zeros({96}, DType::f32, device()), {.bits = 4, .group_size = 32});
  });

  const Quantization q{.bits = 4, .group_size = 32};
  const ops::QuantizedRows good = ops::quantize(w, q);
  const auto broken = [&](std::string_view part, const auto& change) {
    ops::QuantizedRows bad = good;
    change(bad);
    refused(part, [&] { ops::dequantize(bad, q); });
  };
  broken("words are f32", [&](auto& bad) { bad.words = w; });
  broken("words [4, 11]",
         [&](auto& bad) { bad.words = ops::slice_axis(bad.words, 1, {.stop = 11}); });
  broken("scales are f32 [4, 2]",
         [&](auto& bad) { bad.scales = ops::slice_axis(bad.scales, 1, {.stop = 2}); });
  broken("biases are f32 [3, 3]",
         [&](auto& bad) { bad.biases = ops::slice_axis(bad.biases, 0, {.stop = 3}); });
  refused("u32 is no floating type", [&] { ops::dequantize(good, q, DType::u32); });
}

}  // namespace
}  // namespace linnet
