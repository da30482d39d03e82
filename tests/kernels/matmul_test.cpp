// The dot-product contract, checked against a plain loop that follows its definition word by word.
#include "kernels/matmul.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "base/half.hpp"
#include "support/sanitized.hpp"

namespace linnet::kernels {
namespace {

/// The contract with std::fma, one output.
float contract(std::span<const float> x, std::span<const float> w) {
  float sum = 0;
  for (size_t start = 0; start < x.size(); start += 32) {
    float even = 0;
    float odd = 0;
    for (size_t i = start; i < start + 32; i += 2) {
      even = std::fma(i < x.size() ? x[i] : 0.0F, i < x.size() ? w[i] : 0.0F, even);
      odd = std::fma(i + 1 < x.size() ? x[i + 1] : 0.0F, i + 1 < x.size() ? w[i + 1] : 0.0F, odd);
    }
    sum += even + odd;
  }
  return sum;
}

/// Sixteen lanes, then the tree.
float lane_sum(std::span<const float> x) {
  float lanes[16] = {};
  for (size_t i = 0; i < x.size(); ++i) lanes[i % 16] = i < 16 ? x[i] : lanes[i % 16] + x[i];
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

struct Case {
  DType weights;  // or of the scales
  bool round_x;
  int64_t rows, n, k;
  Quantization quantization = {};
};

std::string name_of(const Case& c) {
  std::string name(to_string(c.weights));
  if (c.quantization)
    name += "_" + std::to_string(c.quantization.bits) + "bit" +
            std::to_string(c.quantization.group_size);
  if (c.round_x) name += "_rounded";
  return name + "_" + std::to_string(c.rows) + "x" + std::to_string(c.n) + "x" +
         std::to_string(c.k);
}

/// A product with everything it is made of, and what it must give.
struct Problem {
  explicit Problem(const Case& c) : c(c) {
    std::mt19937 random(static_cast<unsigned>(c.rows * 7919 + c.n * 131 + c.k));
    std::normal_distribution<float> normal;
    const auto fill = [&](std::vector<float>& v, int64_t count, bool narrow) {
      v.resize(static_cast<size_t>(count));
      for (float& value : v) value = narrow ? to_float(to_bf16(normal(random))) : normal(random);
    };
    const bool narrow = c.weights == DType::bf16;
    fill(x, c.rows * c.k, false);
    fill(bias, c.n, false);
    if (!c.quantization) {
      fill(w, c.n * c.k, narrow);
    } else {
      fill(scales, c.n * c.k / c.quantization.group_size, narrow);
      fill(biases, c.n * c.k / c.quantization.group_size, narrow);
      w.resize(static_cast<size_t>(c.n * c.k));
      const int bits = c.quantization.bits;
      words.resize(static_cast<size_t>(c.n * c.k * bits / 32));
      for (int64_t i = 0; i < c.n * c.k; ++i) {
        const uint64_t q = random() & ((1U << bits) - 1);
        w[static_cast<size_t>(i)] = static_cast<float>(q);
        const int64_t bit = i % c.k * bits;
        const auto word = static_cast<size_t>(i / c.k * (c.k * bits / 32) + bit / 32);
        const uint64_t shifted = q << (bit % 32);
        words[word] |= static_cast<uint32_t>(shifted);
        if (shifted >> 32 != 0) words[word + 1] |= static_cast<uint32_t>(shifted >> 32);
      }
    }
    packed.resize(static_cast<size_t>(packed_bytes(c.weights, c.n, c.k, c.quantization)));
  }

  [[nodiscard]] float expected(int64_t row, int64_t output) const {
    std::vector<float> a(x.begin() + row * c.k, x.begin() + (row + 1) * c.k);
    if (c.round_x)
      for (float& v : a) v = to_float(to_bf16(v));
    const std::span<const float> columns(w.data() + output * c.k, static_cast<size_t>(c.k));
    if (!c.quantization) return contract(a, columns);
    const auto size = static_cast<size_t>(c.quantization.group_size);
    float s = 0;
    float b = 0;
    for (size_t g = 0; g < a.size() / size; ++g) {
      const size_t at = static_cast<size_t>(output) * (a.size() / size) + g;
      const std::span<const float> part = std::span(a).subspan(g * size, size);
      s = std::fma(scales[at], contract(part, columns.subspan(g * size, size)), s);
      b = std::fma(biases[at], lane_sum(part), b);
    }
    return s + b;
  }

  void pack(const cpu::Context& context) {
    if (!c.quantization)
      return cpu::pack_weights({.weights = {w.data(), DType::f32, {c.n, c.k}, {c.k, 1}},
                                .dtype = c.weights,
                                .packed = packed.data()},
                               context);
    const int64_t groups = c.k / c.quantization.group_size;
    std::vector<BF16> narrow_scales;
    std::vector<BF16> narrow_biases;
    for (const float v : scales) narrow_scales.push_back(to_bf16(v));
    for (const float v : biases) narrow_biases.push_back(to_bf16(v));
    const bool narrow = c.weights == DType::bf16;
    const auto view = [&](const std::vector<float>& wide, const std::vector<BF16>& bf16) {
      return ConstView(narrow ? static_cast<const void*>(bf16.data()) : wide.data(), c.weights,
                       {c.n, groups}, {groups, 1});
    };
    const int64_t row_words = c.k * c.quantization.bits / 32;
    cpu::pack_quantized({.words = {words.data(), DType::u32, {c.n, row_words}, {row_words, 1}},
                         .scales = view(scales, narrow_scales),
                         .biases = view(biases, narrow_biases),
                         .packed = weights()},
                        context);
  }

  [[nodiscard]] PackedWeights weights() const {
    return {packed.data(), c.weights, c.n, c.k, c.quantization};
  }

  const Case& c;
  std::vector<float> x, w, bias, scales, biases;
  std::vector<uint32_t> words;
  std::vector<std::byte> packed;
};

struct alignas(64) Line {
  std::byte bytes[64];
};
using Workspace = std::vector<Line>;

Workspace workspace_for(const Case& c, const cpu::Context& context) {
  return Workspace(static_cast<size_t>(
      cpu::linear_workspace(c.rows, c.k, c.quantization.group_size, context.pool.size()) / 64 + 1));
}

class LinearContract : public testing::TestWithParam<Case> {};

TEST_P(LinearContract, HoldsOnEveryInstructionSetAndThreadCount) {
  const Case& c = GetParam();
  Problem problem(c);
  std::vector<float> expected;
  for (int64_t t = 0; t < c.rows; ++t)
    for (int64_t o = 0; o < c.n; ++o)
      expected.push_back(problem.expected(t, o) + problem.bias[static_cast<size_t>(o)]);

  for (const cpu::Isa isa : cpu::testable_isas())
    for (const int threads : {1, 2, 3}) {
      ThreadPool pool(threads);
      const cpu::Context context{pool, isa};
      problem.pack(context);
      Workspace workspace = workspace_for(c, context);
      constexpr float kSentinel = 12345.0F;
      std::vector<float> y(static_cast<size_t>(c.rows * c.n + 2), kSentinel);
      // Twice the same matrix, once without its bias: parts must not disturb each other.
      std::vector<float> plain(static_cast<size_t>(c.rows * c.n + 1));
      const LinearPart parts[] = {
          {.weights = problem.weights(), .y = plain.data(), .y_stride = c.n},
          {.weights = problem.weights(),
           .bias = problem.bias.data(),
           .y = y.data() + 1,
           .y_stride = c.n}};
      cpu::linear({.x = {problem.x.data(), DType::f32, {c.rows, c.k}, {c.k, 1}},
                   .parts = parts,
                   .round_x = c.round_x,
                   .workspace = workspace.front().bytes},
                  context);
      EXPECT_EQ(y.front(), kSentinel);
      EXPECT_EQ(y.back(), kSentinel);
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(std::bit_cast<uint32_t>(y[i + 1]), std::bit_cast<uint32_t>(expected[i]))
            << to_string(isa) << ", " << threads << " threads, output " << i << ": " << y[i + 1]
            << " " << expected[i];
        ASSERT_EQ(plain[i] + problem.bias[i % static_cast<size_t>(c.n)], expected[i]);
      }
    }
}

std::vector<Case> cases() {
  std::vector<Case> result;
  for (const DType dtype : {DType::bf16, DType::f32})
    for (const int64_t rows : {1, 2, 3, 4, 5, 33})
      for (const auto& [n, k] :
           {std::pair<int64_t, int64_t>{1, 1}, {16, 32}, {17, 31}, {70, 129}, {40, 600}})
        result.push_back({dtype, dtype == DType::bf16, rows, n, k});
  result.push_back({DType::bf16, false, 70, 48, 256});  // f32 compute over a bf16 checkpoint
  result.push_back({DType::bf16, true, 530, 20, 64});   // more than one chunk of rows
  result.push_back({DType::f32, false, 0, 8, 8});
  for (const int bits : {2, 3, 4, 5, 6, 8})
    for (const int group : {32, 64, 128})
      for (const int64_t rows : {1, 21}) {
        result.push_back({DType::bf16, true, rows, 50, 384, {bits, group}});
        result.push_back({DType::f32, false, rows, 20, 128, {bits, group}});
      }
  // Odd numbers of groups, more than one chunk of k, more than one block of rows.
  for (const int bits : {4, 8})
    for (const int group : {32, 64, 128})
      result.push_back({DType::bf16, true, 70, 33, 5 * group + 256, {bits, group}});
  return result;
}

INSTANTIATE_TEST_SUITE_P(Sweep, LinearContract, testing::ValuesIn(cases()),
                         [](const auto& info) { return name_of(info.param); });

TEST(LinearContract, EveryNumberOfRowsGivesTheSameBits) {
  for (const Quantization q : {Quantization{}, Quantization{4, 64}, Quantization{8, 64}}) {
    const Case c{DType::bf16, true, 70, 40, 320, q};
    Problem problem(c);
    std::vector<float> alone;  // one row at a time
    for (const cpu::Isa isa : cpu::testable_isas())
      for (const int threads : {1, 2}) {
        ThreadPool pool(threads);
        const cpu::Context context{pool, isa};
        problem.pack(context);
        Workspace workspace = workspace_for(c, context);
        const auto product = [&](int64_t first, int64_t rows, float* y) {
          const LinearPart part{.weights = problem.weights(), .y = y, .y_stride = c.n};
          cpu::linear({.x = {problem.x.data() + first * c.k, DType::f32, {rows, c.k}, {c.k, 1}},
                       .parts = {&part, 1},
                       .round_x = true,
                       .workspace = workspace.front().bytes},
                      context);
        };
        if (alone.empty()) {
          alone.resize(static_cast<size_t>(c.rows * c.n));
          for (int64_t row = 0; row < c.rows; ++row) product(row, 1, alone.data() + row * c.n);
        }
        for (int64_t rows = 1; rows <= c.rows; rows += rows < 10 ? 1 : test::rounds(1, 7)) {
          std::vector<float> y(static_cast<size_t>(rows * c.n));
          product(c.rows - rows, rows, y.data());
          for (size_t i = 0; i < y.size(); ++i)
            ASSERT_EQ(std::bit_cast<uint32_t>(y[i]),
                      std::bit_cast<uint32_t>(alone[alone.size() - y.size() + i]))
                << to_string(isa) << ", " << rows << " rows, output " << i;
        }
      }
  }
}

TEST(LinearContract, SubnormalProductsAreFlushedEverywhere) {
  // 1e-30 * 1e-10 is subnormal; in the bf16 paths too, with enough rows to reach them.
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const int64_t rows : {1, 6}) {
      const Case c{dtype, dtype == DType::bf16, rows, 1, 32};
      Problem problem(c);
      std::fill(problem.x.begin(), problem.x.end(), 1e-30F);
      std::fill(problem.w.begin(), problem.w.end(), 1e-10F);
      for (const cpu::Isa isa : cpu::testable_isas()) {
        ThreadPool pool(1);
        const cpu::Context context{pool, isa};
        problem.pack(context);
        Workspace workspace = workspace_for(c, context);
        std::vector<float> y(static_cast<size_t>(rows), 1.0F);
        const LinearPart part{.weights = problem.weights(), .y = y.data(), .y_stride = 1};
        cpu::linear({.x = {problem.x.data(), DType::f32, {rows, 32}, {32, 1}},
                     .parts = {&part, 1},
                     .round_x = c.round_x,
                     .workspace = workspace.front().bytes},
                    context);
        for (const float v : y) EXPECT_EQ(std::bit_cast<uint32_t>(v), 0U) << to_string(isa);
      }
    }
}

}  // namespace
}  // namespace linnet::kernels
