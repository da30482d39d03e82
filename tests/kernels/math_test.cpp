// The errors of our float functions against the C library in double, over the whole range of
// floats, and their bits on every instruction set.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/thread_pool.hpp"
#include "kernels/elementwise.hpp"
#include "support/sanitized.hpp"

namespace linnet::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kSmallestNormal = std::numeric_limits<float>::min();

std::vector<float> evaluate(UnaryOp op, const std::vector<float>& x, cpu::Isa isa) {
  static ThreadPool pool(2);
  const Shape shape = {static_cast<int64_t>(x.size())};
  std::vector<float> y(x.size());
  cpu::unary({.op = op,
              .x = {x.data(), DType::f32, shape, {1}},
              .y = {.data = y.data(), .dtype = DType::f32, .shape = shape, .strides = {1}}},
             {pool, isa});
  return y;
}

/// y on the best instruction set, after checking that all others give the same bits.
std::vector<float> evaluate(UnaryOp op, const std::vector<float>& x) {
  const auto isas = cpu::available_isas();
  const std::vector<float> y = evaluate(op, x, isas.front());
  for (size_t other = 1; other < isas.size(); ++other) {
    const std::vector<float> z = evaluate(op, x, isas[other]);
    for (size_t i = 0; i < y.size(); ++i) {
      if (std::isnan(y[i]) && std::isnan(z[i])) continue;
      if (std::bit_cast<uint32_t>(y[i]) == std::bit_cast<uint32_t>(z[i])) continue;
      ADD_FAILURE() << to_string(op) << " of " << x[i] << " is " << y[i] << " with "
                    << to_string(isas.front()) << " and " << z[i] << " with "
                    << to_string(isas[other]);
      break;
    }
  }
  return y;
}

/// Every 1999th float between low and high, of both signs where the range has both.
std::vector<float> floats_between(float low, float high) {
  std::vector<float> result;
  for (uint32_t bits = 0; bits < 0x7f800000U; bits += test::rounds(1999, 39983))
    for (const float x : {std::bit_cast<float>(bits), -std::bit_cast<float>(bits)})
      if (x >= low && x <= high) result.push_back(x);
  // And evenly, since half of all floats are below 1.
  const int steps = test::rounds(200000, 10000);
  for (int i = 0; i <= steps; ++i)
    result.push_back(static_cast<float>(static_cast<double>(low) +
                                        (static_cast<double>(high) - low) * i / steps));
  return result;
}

double ulp(double exact) {
  return std::exp2(std::max(std::floor(std::log2(std::fabs(exact))), -126.0) - 23);
}

struct Error {
  double ulps = 0;
  float at = 0;
};

/// The largest error in ulps of the exact result. Subnormal arguments count as zero, subnormal
/// results may be anything from 0 to the smallest normal float.
template <class Function>
Error worst_error(UnaryOp op, float low, float high, const Function& function) {
  const std::vector<float> x = floats_between(low, high);
  const std::vector<float> y = evaluate(op, x);
  Error worst;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool subnormal = std::fabs(x[i]) < kSmallestNormal;
    const double exact = function(subnormal ? std::copysign(0.0, static_cast<double>(x[i]))
                                            : static_cast<double>(x[i]));
    double ulps = 0;
    if (std::fabs(exact) < static_cast<double>(kSmallestNormal))
      ulps = std::fabs(y[i]) <= kSmallestNormal ? 0 : kInfinity;
    else if (std::isinf(exact) || std::fabs(exact) > 0x1.ffffffp127)
      ulps = std::isinf(y[i]) && std::signbit(y[i]) == std::signbit(exact) ? 0 : kInfinity;
    else
      ulps = std::fabs(static_cast<double>(y[i]) - exact) / ulp(exact);
    if (!(ulps <= worst.ulps)) worst = {ulps, x[i]};
  }
  return worst;
}

struct Bound {
  UnaryOp op;
  float low;
  float high;
  double (*function)(double);
  double ulps;  // what the header promises
};

TEST(Math, ErrorsInUlps) {
  constexpr float all = std::numeric_limits<float>::max();
  const std::vector<Bound> bounds = {
      {UnaryOp::exp, -all, all, [](double x) { return std::exp(x); }, 1},
      {UnaryOp::exp, -90, 90, [](double x) { return std::exp(x); }, 1},
      {UnaryOp::log, 0, all, [](double x) { return std::log(x); }, 1},
      {UnaryOp::log, 0.25F, 4, [](double x) { return std::log(x); }, 1},
      {UnaryOp::tanh, -all, all, [](double x) { return std::tanh(x); }, 1.25},
      {UnaryOp::tanh, -10, 10, [](double x) { return std::tanh(x); }, 1.25},
      {UnaryOp::erf, -all, all, [](double x) { return std::erf(x); }, 1},
      {UnaryOp::erf, -5, 5, [](double x) { return std::erf(x); }, 1},
      {UnaryOp::sigmoid, -all, all, [](double x) { return 1 / (1 + std::exp(-x)); }, 2.5},
      {UnaryOp::sigmoid, -90, 90, [](double x) { return 1 / (1 + std::exp(-x)); }, 2.5},
      {UnaryOp::silu, -80, 80, [](double x) { return x / (1 + std::exp(-x)); }, 2.5},
      {UnaryOp::sqrt, 0, all, [](double x) { return std::sqrt(x); }, 0.5},
      {UnaryOp::rsqrt, 0, all, [](double x) { return 1 / std::sqrt(x); }, 1.5},
  };
  for (const Bound& bound : bounds) {
    const Error error = worst_error(bound.op, bound.low, bound.high, bound.function);
    EXPECT_LE(error.ulps, bound.ulps)
        << to_string(bound.op) << " at " << error.at << " in " << bound.low << ".." << bound.high;
    RecordProperty(std::string(to_string(bound.op)), std::to_string(error.ulps));
  }
}

TEST(Math, GeluErrorsAreRelativeToTheArgument) {
  // The sum 1 + erf cancels on the left, so the error is a share of |x|, not of the result.
  const auto check = [](UnaryOp op, double (*function)(double)) {
    const std::vector<float> x = floats_between(-30, 30);
    const std::vector<float> y = evaluate(op, x);
    double worst = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double magnitude = std::fabs(static_cast<double>(x[i]));
      if (magnitude < 1e-30) continue;
      worst = std::max(
          worst,
          std::fabs(static_cast<double>(y[i]) - function(static_cast<double>(x[i]))) / magnitude);
    }
    EXPECT_LE(worst, 0x1p-23) << to_string(op);
    ::testing::Test::RecordProperty(std::string(to_string(op)), std::to_string(worst * 0x1p24));
  };
  check(UnaryOp::gelu, [](double x) { return x / 2 * std::erfc(-x / std::sqrt(2.0)); });
  check(UnaryOp::gelu_tanh, [](double x) {
    const double inner = std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x);
    return x / (1 + std::exp(-2 * inner));
  });
}

TEST(Math, NeighboursFallByOneRoundingAtMost) {
  // Softmax and sampling compare values of exp.
  std::vector<float> x;
  for (int i = 0; i < 400000; ++i) x.push_back(-100.0F + 0.0005F * static_cast<float>(i));
  for (const UnaryOp op : {UnaryOp::exp, UnaryOp::tanh, UnaryOp::sigmoid}) {
    const std::vector<float> y = evaluate(op, x);
    for (size_t i = 1; i < y.size(); ++i) {
      if (std::isinf(y[i])) continue;
      ASSERT_GE(y[i], y[i - 1] - std::fabs(y[i - 1]) * 0x1p-22F) << to_string(op) << " at " << x[i];
    }
  }
}

TEST(Math, SpecialValues) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x = {0.0F, -0.0F, kInfinity, -kInfinity, nan, 1e-40F, -1e-40F, -1.0F};
  const auto check = [&](UnaryOp op, const std::vector<float>& expected) {
    const std::vector<float> y = evaluate(op, x);
    for (size_t i = 0; i < expected.size(); ++i) {
      if (std::isnan(expected[i])) {
        EXPECT_TRUE(std::isnan(y[i])) << to_string(op) << " of " << x[i];
      } else {
        EXPECT_EQ(std::bit_cast<uint32_t>(y[i]), std::bit_cast<uint32_t>(expected[i]))
            << to_string(op) << " of " << x[i] << " is " << y[i];
      }
    }
  };
  check(UnaryOp::exp, {1, 1, kInfinity, 0, nan, 1, 1});
  check(UnaryOp::log, {-kInfinity, -kInfinity, kInfinity, nan, nan, -kInfinity, -kInfinity, nan});
  check(UnaryOp::tanh, {0.0F, -0.0F, 1, -1, nan, 0.0F, -0.0F});
  check(UnaryOp::erf, {0.0F, -0.0F, 1, -1, nan, 0.0F, -0.0F});
  check(UnaryOp::sigmoid, {0.5F, 0.5F, 1, 0, nan, 0.5F, 0.5F, 0.26894143F});
  check(UnaryOp::silu, {0.0F, -0.0F, kInfinity, nan, nan, 0.0F, -0.0F});
  check(UnaryOp::gelu, {0.0F, -0.0F, kInfinity, nan, nan, 0.0F, -0.0F});
  check(UnaryOp::gelu_tanh, {0.0F, -0.0F, kInfinity, nan, nan, 0.0F, -0.0F});
  check(UnaryOp::sqrt, {0.0F, -0.0F, kInfinity, nan, nan, 0.0F, -0.0F, nan});
  check(UnaryOp::rsqrt, {kInfinity, -kInfinity, 0, nan, nan, kInfinity, -kInfinity, nan});
  check(UnaryOp::square, {0, 0, kInfinity, kInfinity, nan, 0, 0, 1});
}

TEST(Math, EndsOfTheRangeOfExp) {
  const std::vector<float> x = {88.72283F, 88.72284F, 89.0F, -87.33654F, -87.33655F, -100.0F};
  const std::vector<float> y = evaluate(UnaryOp::exp, x);
  EXPECT_NEAR(y[0] / 3.4027e38F, 1, 1e-4);
  EXPECT_EQ(y[1], kInfinity);
  EXPECT_EQ(y[2], kInfinity);
  EXPECT_GE(y[3], kSmallestNormal);
  EXPECT_EQ(y[4], 0.0F);
  EXPECT_EQ(y[5], 0.0F);
}

TEST(Kernels, WriteTheirElementsOnly) {
  ThreadPool pool(2);
  for (const cpu::Isa isa : cpu::available_isas())
    for (const int64_t n : {1, 15, 16, 17, 255, 256, 257, 513})
      for (const int64_t step : {1, 2})
        for (const DType dtype : {DType::f32, DType::bf16}) {
          const std::vector<float> x(static_cast<size_t>(n), 2.0F);
          const Shape shape = {n};
          const ConstView in(x.data(), DType::f32, shape, {1});
          std::vector<uint16_t> buffer(static_cast<size_t>(4 * n * step) + 32, 0xabcd);
          const View out{buffer.data() + 8, dtype, shape, {step}};
          const auto changed = [&] {
            int64_t count = 0;
            for (uint16_t& value : buffer) {
              count += value != 0xabcd ? 1 : 0;
              value = 0xabcd;
            }
            return count;
          };
          const int64_t expected = n * size_of(dtype) / 2;
          cpu::unary({.op = UnaryOp::exp, .x = in, .y = out}, {pool, isa});
          ASSERT_EQ(changed(), expected);
          cpu::binary({.op = BinaryOp::add, .a = in, .b = in, .y = out}, {pool, isa});
          ASSERT_EQ(changed(), expected);
          cpu::where({.condition = in, .a = in, .b = in, .y = out}, {pool, isa});
          ASSERT_EQ(changed(), expected);
          if (step != 1) continue;
          const View flags{buffer.data() + 8, DType::boolean, shape, {1}};
          cpu::compare({.op = CompareOp::less_equal, .a = in, .b = in, .y = flags}, {pool, isa});
          ASSERT_EQ(changed(), (n + 1) / 2);
        }
}

TEST(Isa, TheScalarVersionIsAlwaysThere) {
  const auto isas = cpu::available_isas();
  ASSERT_FALSE(isas.empty());
#if defined(__x86_64__)
  EXPECT_EQ(isas.back(), cpu::Isa::scalar);
#endif
}

}  // namespace
}  // namespace linnet::kernels
