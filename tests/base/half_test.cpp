#include "base/half.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "base/fp_mode.hpp"

namespace linnet {
namespace {

// A 16-bit float format by its fields: slow, and as the standard has it.
struct Format {
  int exponent_bits;
  int mantissa_bits;

  [[nodiscard]] int largest_exponent() const { return (1 << exponent_bits) - 1; }
  [[nodiscard]] int bias() const { return (1 << (exponent_bits - 1)) - 1; }

  [[nodiscard]] double value(uint16_t bits) const {
    const int exponent = (bits >> mantissa_bits) & largest_exponent();
    const int mantissa = bits & ((1 << mantissa_bits) - 1);
    const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
    if (exponent == largest_exponent())
      return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                           : sign * std::numeric_limits<double>::infinity();
    if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias() - mantissa_bits);
    return sign * std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias() - mantissa_bits);
  }

  [[nodiscard]] uint16_t infinity() const {
    return static_cast<uint16_t>(largest_exponent() << mantissa_bits);
  }

  // Nearest, ties to an even last bit; the number behind the largest one, where the exponent would
  // go on, stands for infinity. Magnitudes of patterns 0, 1, 2, ... rise, so that a search finds
  // the two neighbours.
  [[nodiscard]] uint16_t nearest(double x) const {
    const double magnitude = std::abs(x);
    const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
    const auto value_or_beyond = [&](uint16_t bits) {
      return bits == infinity() ? std::ldexp(1.0, largest_exponent() - bias()) : value(bits);
    };
    uint16_t low = 0;
    uint16_t high = infinity();
    if (magnitude >= value_or_beyond(high)) return static_cast<uint16_t>(sign | high);
    while (high - low > 1) {
      const auto middle = static_cast<uint16_t>((low + high) / 2);
      (value_or_beyond(middle) <= magnitude ? low : high) = middle;
    }
    const double to_low = magnitude - value_or_beyond(low);
    const double to_high = value_or_beyond(high) - magnitude;
    const bool up = to_high < to_low || (to_high == to_low && low % 2 == 1);
    return static_cast<uint16_t>(sign | (up ? high : low));
  }
};

constexpr Format kF16{5, 10};
constexpr Format kBF16{8, 7};

bool same(float a, double b) {
  if (std::isnan(b)) return std::isnan(a);
  return static_cast<double>(a) == b && std::signbit(a) == std::signbit(b);
}

// to_half(x) against the slow rule, and both signs of it.
template <class Convert>
void expect_nearest(const Format& format, float magnitude, const Convert& to_half) {
  for (const float x : {magnitude, -magnitude})
    ASSERT_EQ(to_half(x).bits, format.nearest(static_cast<double>(x)))
        << x << " = " << std::bit_cast<uint32_t>(x);
}

TEST(Half, EveryPatternConvertsToItsValueAndBack) {
  for (int pattern = 0; pattern < 65536; ++pattern) {
    const auto bits = static_cast<uint16_t>(pattern);
    const float half = to_float(F16{bits});
    ASSERT_TRUE(same(half, kF16.value(bits))) << pattern;
    const float brain = to_float(BF16{bits});
    ASSERT_TRUE(same(brain, kBF16.value(bits))) << pattern;
    if (std::isnan(half))
      ASSERT_TRUE(std::isnan(to_float(to_f16(half)))) << pattern;
    else
      ASSERT_EQ(to_f16(half).bits, bits);
    if (std::isnan(brain))
      ASSERT_TRUE(std::isnan(to_float(to_bf16(brain)))) << pattern;
    else
      ASSERT_EQ(to_bf16(brain).bits, bits);
  }
}

TEST(Half, RoundsToNearestEvenAroundEveryMidpoint) {
  for (const Format& format : {kF16, kBF16}) {
    const bool is_f16 = format.exponent_bits == kF16.exponent_bits;
    for (int pattern = 0; pattern < format.infinity(); ++pattern) {
      // Exact in double and in float: one bit more than the format has. Behind the largest value
      // comes 2^largest_exponent, so that its midpoint is where infinity begins.
      const double here = format.value(static_cast<uint16_t>(pattern));
      const double next = pattern + 1 == format.infinity()
                              ? std::ldexp(1.0, format.largest_exponent() - format.bias())
                              : format.value(static_cast<uint16_t>(pattern + 1));
      const auto middle = static_cast<float>(here + (next - here) / 2);
      for (const float x : {middle, std::nextafter(middle, 0.0F),
                            std::nextafter(middle, std::numeric_limits<float>::infinity())}) {
        if (is_f16)
          expect_nearest(format, x, [](float value) { return to_f16(value); });
        else
          expect_nearest(format, x, [](float value) { return to_bf16(value); });
      }
    }
  }
}

TEST(Half, RoundsAnyFloat) {
  std::mt19937 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const auto x = std::bit_cast<float>(static_cast<uint32_t>(random()) & 0x7fffffffU);
    if (std::isnan(x)) continue;
    expect_nearest(kF16, x, [](float value) { return to_f16(value); });
    expect_nearest(kBF16, x, [](float value) { return to_bf16(value); });
  }
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(to_f16(infinity).bits, 0x7c00);
  EXPECT_EQ(to_bf16(-infinity).bits, 0xff80);
  EXPECT_EQ(to_f16(65519.996F).bits, 0x7bff);
  EXPECT_EQ(to_f16(65520.0F).bits, 0x7c00);
  EXPECT_EQ(to_bf16(std::numeric_limits<float>::max()).bits, 0x7f80);
}

TEST(Half, NoNanBecomesInfinity) {
  for (int shift = 0; shift < 23; ++shift) {
    for (const uint32_t sign : {0U, 0x80000000U}) {
      const auto nan = std::bit_cast<float>(sign | 0x7f800000U | (1U << shift));
      EXPECT_TRUE(std::isnan(to_float(to_f16(nan)))) << shift;
      EXPECT_TRUE(std::isnan(to_float(to_bf16(nan)))) << shift;
    }
  }
}

// Kernels convert with subnormals flushed; numbers that are subnormal in f16 only must not notice.
TEST(Half, ConvertsF16SubnormalsWhileSubnormalsAreFlushed) {
  std::vector<float> wide(2048);
  std::vector<uint16_t> back(2048);
  {
    const FlushSubnormals flush;
    for (uint16_t bits = 0; bits < 2048; ++bits) {
      wide[bits] = to_float(F16{bits});
      back[bits] = to_f16(wide[bits]).bits;
    }
  }
  for (uint16_t bits = 0; bits < 2048; ++bits) {
    EXPECT_TRUE(same(wide[bits], kF16.value(bits))) << bits;
    EXPECT_EQ(back[bits], bits);
  }
}

}  // namespace
}  // namespace linnet
