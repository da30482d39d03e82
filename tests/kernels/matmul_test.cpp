// The dot-product contract, checked against a plain loop that follows its definition word by word.
#include "kernels/matmul.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "base/half.hpp"

namespace linnet::kernels {
namespace {

/// The contract with std::fma, one output.
float contract(const std::vector<float>& x, const std::vector<float>& w) {
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

struct Case {
  DType weights;
  bool round_x;
  int64_t rows, n, k;
};

class LinearContract : public testing::TestWithParam<Case> {};

TEST_P(LinearContract, HoldsOnEveryInstructionSetAndThreadCount) {
  const Case& c = GetParam();
  std::mt19937 random(static_cast<unsigned>(c.rows * 7919 + c.n * 131 + c.k));
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(c.rows * c.k));
  std::vector<float> w(static_cast<size_t>(c.n * c.k));
  std::vector<float> bias(static_cast<size_t>(c.n));
  for (float& v : x) v = normal(random);
  for (float& v : w)
    v = c.weights == DType::bf16 ? to_float(to_bf16(normal(random))) : normal(random);
  for (float& v : bias) v = normal(random);

  std::vector<float> expected(static_cast<size_t>(c.rows * c.n));
  for (int64_t t = 0; t < c.rows; ++t)
    for (int64_t o = 0; o < c.n; ++o) {
      std::vector<float> row(x.begin() + t * c.k, x.begin() + (t + 1) * c.k);
      if (c.round_x)
        for (float& v : row) v = to_float(to_bf16(v));
      const std::vector<float> column(w.begin() + o * c.k, w.begin() + (o + 1) * c.k);
      expected[static_cast<size_t>(t * c.n + o)] =
          contract(row, column) + bias[static_cast<size_t>(o)];
    }

  std::vector<std::byte> packed(static_cast<size_t>(packed_bytes(c.weights, c.n, c.k)));
  std::vector<float> workspace(static_cast<size_t>(c.rows * round_up(c.k, kBlockK)));
  for (const cpu::Isa isa : cpu::testable_isas())
    for (const int threads : {1, 2, 3}) {
      ThreadPool pool(threads);
      const cpu::Context context{pool, isa};
      cpu::pack_weights({.weights = {w.data(), DType::f32, {c.n, c.k}, {c.k, 1}},
                         .dtype = c.weights,
                         .packed = packed.data()},
                        context);
      constexpr float kSentinel = 12345.0F;
      std::vector<float> y(static_cast<size_t>(c.rows * c.n + 2), kSentinel);
      cpu::linear({.x = {x.data(), DType::f32, {c.rows, c.k}, {c.k, 1}},
                   .weights = {packed.data(), c.weights, c.n, c.k},
                   .bias = bias.data(),
                   .y = y.data() + 1,
                   .y_stride = c.n,
                   .workspace = workspace.data(),
                   .round_x = c.round_x},
                  context);
      EXPECT_EQ(y.front(), kSentinel);
      EXPECT_EQ(y.back(), kSentinel);
      for (size_t i = 0; i < expected.size(); ++i)
        ASSERT_EQ(std::bit_cast<uint32_t>(y[i + 1]), std::bit_cast<uint32_t>(expected[i]))
            << to_string(isa) << ", " << threads << " threads, output " << i;
    }
}

std::vector<Case> cases() {
  std::vector<Case> result;
  for (const DType dtype : {DType::bf16, DType::f32})
    for (const int64_t rows : {1, 2, 3, 5, 33})
      for (const auto& [n, k] : {std::pair<int64_t, int64_t>{1, 1}, {16, 32}, {17, 31}, {70, 129}})
        result.push_back({dtype, dtype == DType::bf16, rows, n, k});
  result.push_back({DType::bf16, false, 70, 48, 256});  // f32 compute over a bf16 checkpoint
  result.push_back({DType::f32, false, 0, 8, 8});
  return result;
}

INSTANTIATE_TEST_SUITE_P(Sweep, LinearContract, testing::ValuesIn(cases()), [](const auto& info) {
  return std::string(to_string(info.param.weights)) + (info.param.round_x ? "_rounded_" : "_") +
         std::to_string(info.param.rows) + "x" + std::to_string(info.param.n) + "x" +
         std::to_string(info.param.k);
});

TEST(LinearContract, SubnormalProductsAreFlushedEverywhere) {
  // 2^-70 * 2^-70 is far below the smallest float; 1e-30 * 1e-10 is subnormal.
  std::vector<float> x(32, 1e-30F);
  std::vector<float> w(32, 1e-10F);
  std::vector<float> packed(static_cast<size_t>(packed_bytes(DType::f32, 1, 32)) / 4);
  std::vector<float> workspace(32);
  for (const cpu::Isa isa : cpu::testable_isas()) {
    ThreadPool pool(1);
    float y = 1;
    cpu::pack_weights({.weights = {w.data(), DType::f32, {1, 32}, {32, 1}},
                       .dtype = DType::f32,
                       .packed = packed.data()},
                      {pool, isa});
    cpu::linear({.x = {x.data(), DType::f32, {1, 32}, {32, 1}},
                 .weights = {packed.data(), DType::f32, 1, 32},
                 .y = &y,
                 .y_stride = 1,
                 .workspace = workspace.data()},
                {pool, isa});
    EXPECT_EQ(std::bit_cast<uint32_t>(y), 0U) << to_string(isa);
  }
}

}  // namespace
}  // namespace linnet::kernels
