#include "base/math.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "base/error.hpp"
#include "base/fp_mode.hpp"

namespace linnet {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

uint64_t bits(double x) { return std::bit_cast<uint64_t>(x); }

/// The distance between a result and the exact value, in units of the result's last place.
double ulps(double result, long double exact) {
  const auto rounded = static_cast<double>(exact);
  const double unit = std::nextafter(std::fabs(rounded), kInfinity) - std::fabs(rounded);
  return static_cast<double>(std::fabs(static_cast<long double>(result) - exact) / unit);
}

/// Numbers whose logarithms are spread evenly between those of low and high, of both signs.
class Spread {
 public:
  Spread(double low, double high) : exponent_(std::log2(low), std::log2(high)) {}
  double operator()() { return std::exp2(exponent_(random_)) * (random_() % 2 == 0 ? 1 : -1); }

 private:
  std::mt19937_64 random_{7};
  std::uniform_real_distribution<double> exponent_;
};

constexpr int kRounds = 200000;

TEST(PortableMath, ExpIsWithinOneUlp) {
  Spread numbers(1e-9, 707);
  double worst = 0;
  for (int i = 0; i < kRounds; ++i) {
    const double x = numbers();
    worst = std::max(worst, ulps(portable::exp(x), std::exp(static_cast<long double>(x))));
  }
  RecordProperty("worst_ulps", std::to_string(worst));
  EXPECT_LT(worst, 1.0);
}

TEST(PortableMath, LogIsWithinOneUlp) {
  Spread wide(1e-300, 1e300);
  Spread close(0.5, 2.0);
  double worst = 0;
  for (int i = 0; i < kRounds; ++i) {
    const double x = std::fabs(i % 2 == 0 ? wide() : close());
    worst = std::max(worst, ulps(portable::log(x), std::log(static_cast<long double>(x))));
  }
  RecordProperty("worst_ulps", std::to_string(worst));
  EXPECT_LT(worst, 1.0);
}

TEST(PortableMath, PowIsWithinOneUlp) {
  Spread bases(1e-20, 1e20);
  Spread exponents(1e-3, 15);
  double worst = 0;
  for (int i = 0; i < kRounds / 4; ++i) {
    const double x = std::fabs(bases());
    const double y = exponents();
    const long double exact = std::pow(static_cast<long double>(x), static_cast<long double>(y));
    worst = std::max(worst, ulps(portable::pow(x, y), exact));
  }
  // What rope asks for: theta^(-2 i / D).
  for (double theta : {1e4, 5e5, 1e6})
    for (int i = 0; i < 64; ++i) {
      const double y = -2.0 * i / 128;
      const long double exact =
          std::pow(static_cast<long double>(theta), static_cast<long double>(y));
      worst = std::max(worst, ulps(portable::pow(theta, y), exact));
    }
  RecordProperty("worst_ulps", std::to_string(worst));
  EXPECT_LT(worst, 1.0);
}

TEST(PortableMath, SinAndCosAreWithinOneUlp) {
  Spread numbers(1e-9, portable::kMaxAngle);
  double worst = 0;
  const auto check = [&worst](double x) {
    worst = std::max(worst, ulps(portable::sin(x), std::sin(static_cast<long double>(x))));
    worst = std::max(worst, ulps(portable::cos(x), std::cos(static_cast<long double>(x))));
  };
  for (int i = 0; i < kRounds; ++i) check(numbers());
  // The hard ones: next to multiples of pi / 2, where the result is the rounding error of x.
  const long double half_pi = std::acos(-1.0L) / 2;
  for (int n = 1; n < 2670176; n += n < 5000 ? 1 : 97) check(static_cast<double>(half_pi * n));
  check(portable::kMaxAngle);
  check(-portable::kMaxAngle);
  RecordProperty("worst_ulps", std::to_string(worst));
  EXPECT_LT(worst, 1.0);
}

TEST(PortableMath, SpecialValues) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(portable::exp(0), 1);
  EXPECT_EQ(portable::exp(-kInfinity), 0);
  EXPECT_EQ(portable::exp(-708.5), 0);
  EXPECT_GT(portable::exp(-708.39), 0);
  EXPECT_LT(portable::exp(709.78), kInfinity);
  EXPECT_EQ(portable::exp(709.79), kInfinity);
  EXPECT_EQ(portable::exp(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(portable::exp(nan)));
  EXPECT_EQ(portable::log(1), 0);
  EXPECT_EQ(portable::log(0), -kInfinity);
  EXPECT_EQ(portable::log(-0.0), -kInfinity);
  EXPECT_EQ(portable::log(1e-310), -kInfinity);
  EXPECT_EQ(portable::log(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(portable::log(-1)));
  EXPECT_TRUE(std::isnan(portable::log(nan)));
  EXPECT_EQ(bits(portable::sin(-0.0)), bits(-0.0));
  EXPECT_EQ(portable::cos(0), 1);
  EXPECT_TRUE(std::isnan(portable::sin(nan)));
  EXPECT_THROW(portable::sin(5e6), Error);
  EXPECT_THROW(portable::cos(-kInfinity), Error);
}

TEST(PortableMath, PowHasTheSpecialValuesOfStdPow) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double values[] = {0.0,  -0.0, 1.0,  -1.0, 0.5,   -0.5,   2.0,       -2.0,       3.0,
                           -3.0, 2.5,  -2.5, 1e18, -1e18, 1e-300, kInfinity, -kInfinity, nan};
  for (double x : values)
    for (double y : values) {
      const double expected = std::pow(x, y);
      const double result = portable::pow(x, y);
      if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(result)) << x << " ^ " << y;
      else if (std::isinf(expected) || expected == 0 || std::fabs(expected) == 1)
        EXPECT_EQ(bits(result), bits(expected)) << x << " ^ " << y;
      else
        EXPECT_NEAR(result / expected, 1, 1e-15) << x << " ^ " << y;
    }
}

/// A hash over many results, so that another compiler or processor that differs in one bit fails.
TEST(PortableMath, BitsAreTheSameEverywhere) {
  const auto hash = [] {
    uint64_t h = 14695981039346656037U;
    const auto add = [&h](double value) { h = (h ^ bits(value)) * 1099511628211U; };
    for (int i = 1; i <= 20000; ++i) {
      const double x = i * 0.37;
      add(portable::exp(x * 0.09 - 300));
      add(portable::log(x * x));
      add(portable::pow(x, -x * 0.01));
      add(portable::sin(x * 500));
      add(portable::cos(x * 0.1));
    }
    return h;
  };
  EXPECT_EQ(hash(), 18196372563528135273U);
  const FlushSubnormals flush;
  EXPECT_EQ(hash(), 18196372563528135273U);
}

}  // namespace
}  // namespace linnet
