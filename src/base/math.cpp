#include "base/math.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/error.hpp"

namespace linnet::portable {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr uint64_t kExponent = 0x7ff0000000000000U;

bool is_zero(double x) { return (std::bit_cast<uint64_t>(x) & kExponent) == 0; }
bool is_negative(double x) { return (std::bit_cast<uint64_t>(x) >> 63) != 0; }
double magnitude(double x) { return std::bit_cast<double>(std::bit_cast<uint64_t>(x) << 1 >> 1); }

/// 2^n for n in -1022..1023.
double power_of_two(int64_t n) {
  return std::bit_cast<double>(static_cast<uint64_t>(n + 1023) << 52);
}

/// The nearest integer, halves upwards.
double nearest(double x) { return std::floor(x + 0.5); }

/// c[0] + c[1] x + c[2] x^2 ...
template <size_t N>
double polynomial(const std::array<double, N>& c, double x) {
  double sum = c[N - 1];
  for (size_t i = N - 1; i-- > 0;) sum = sum * x + c[i];
  return sum;
}

/// Taylor coefficients of an alternating or plain series: sign^i / (first + step i)!
template <size_t N>
constexpr std::array<double, N> inverse_factorials(int first, int step, double sign) {
  std::array<double, N> result{};
  for (size_t i = 0; i < N; ++i) {
    double factorial = 1;  // exact up to 22!
    for (int f = 2; f <= first + step * static_cast<int>(i); ++f) factorial *= f;
    result[i] = (sign < 0 && i % 2 == 1 ? -1.0 : 1.0) / factorial;
  }
  return result;
}

constexpr double kLn2High = 0x1.62e42feep-1;  // 32 bits: times an exponent it is exact
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;

/// e^(x + tail) for a tail far below x.
double exp_with_tail(double x, double tail) {
  if (x > 710) return kInfinity;
  if (x < -746) return 0;
  // x = n ln 2 + r with |r| <= ln 2 / 2; r is high - low, and rest is what its rounding lost.
  const double n = nearest(x * 0x1.71547652b82fep+0);
  const double high = x - n * kLn2High;
  const double low = n * kLn2Low - tail;
  const double r = high - low;
  const double rest = (high - r) - low;
  constexpr auto series = inverse_factorials<13>(2, 1, 1);  // the next term is below 2^-63
  const double y = 1.0 + (r + (rest + r * r * polynomial(series, r)));
  const auto exponent = static_cast<int64_t>(n);
  if (exponent + (y < 1 ? -1 : 0) < -1022) return 0;
  // In two factors: n reaches 1024 and -1022 - 1, which are no powers of a normal double.
  const int64_t half = exponent / 2;
  return y * power_of_two(half) * power_of_two(exponent - half);
}

/// A normal positive x as m 2^e with m in [sqrt(1/2), sqrt(2)).
struct Split {
  double m;
  double e;
};
Split split_exponent(double x) {
  constexpr uint64_t sqrt_half = 0x3fe6a09e667f3bcdU;
  const uint64_t shifted = std::bit_cast<uint64_t>(x) - sqrt_half;
  const int64_t e = static_cast<int64_t>(shifted) >> 52;
  return {std::bit_cast<double>((shifted & 0x000fffffffffffffU) + sqrt_half),
          static_cast<double>(e)};
}

/// An unevaluated sum of two doubles, the second far below the first: about 106 bits.
struct Pair {
  double high;
  double low;
};

/// a + b exactly, for |a| >= |b|.
constexpr Pair quick_sum(double a, double b) {
  const double sum = a + b;
  return {sum, b - (sum - a)};
}
/// a + b exactly.
constexpr Pair exact_sum(double a, double b) {
  const double sum = a + b;
  const double other = sum - a;
  return {sum, (a - (sum - other)) + (b - other)};
}
/// a * b exactly (Dekker: each factor in two halves of 26 bits).
constexpr Pair exact_product(double a, double b) {
  const auto upper = [](double x) {
    const double big = x * 134217729.0;  // 2^27 + 1
    return big - (big - x);
  };
  const double ah = upper(a);
  const double bh = upper(b);
  const double al = a - ah;
  const double bl = b - bh;
  const double product = a * b;
  return {product, ((ah * bh - product) + ah * bl + al * bh) + al * bl};
}
constexpr Pair operator+(Pair a, Pair b) {
  const Pair sum = exact_sum(a.high, b.high);
  return quick_sum(sum.high, sum.low + (a.low + b.low));
}
constexpr Pair operator*(Pair a, Pair b) {
  const Pair product = exact_product(a.high, b.high);
  return quick_sum(product.high, product.low + (a.high * b.low + a.low * b.high));
}
constexpr Pair operator/(Pair a, Pair b) {
  const double first = a.high / b.high;
  const Pair part = Pair{first, 0} * b;
  const Pair rest = a + Pair{-part.high, -part.low};
  return quick_sum(first, rest.high / b.high);
}

/// 1, 1 / 3, 1 / 5 ...: the series of atanh(s) / s in powers of s^2.
constexpr auto kInverseOdd = [] {
  std::array<Pair, 21> result{};  // s^2 < 0.0295: the next term is below 2^-100
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = Pair{1, 0} / Pair{2 * static_cast<double>(i) + 1, 0};
  return result;
}();

/// log of a normal positive x to about 95 bits: 2 atanh(s) + e ln 2, s = (m - 1) / (m + 1).
Pair log_pair(double x) {
  const auto [m, e] = split_exponent(x);
  const Pair s = Pair{m - 1, 0} / exact_sum(m, 1);
  const Pair square = s * s;
  Pair series = kInverseOdd.back();
  for (size_t i = kInverseOdd.size() - 1; i-- > 0;) series = series * square + kInverseOdd[i];
  const Pair mantissa = Pair{2 * s.high, 2 * s.low} * series;
  // ln 2 with 40 bits in its first part, so that the product with e is exact.
  const Pair ln2_times_e = quick_sum(e * 0x1.62e42fefa2p-1, e * 0x1.9ef35793c7673p-41);
  return ln2_times_e + mantissa;
}

/// x = quadrant * pi / 2 + high + low with |high + low| <= pi / 4, to about 100 bits.
struct Reduced {
  double high;
  double low;
  int quadrant;
};
Reduced reduce_angle(double x) {
  require(!(magnitude(x) > kMaxAngle), "the angle {} is outside -{}..{}", x, kMaxAngle, kMaxAngle);
  // n has at most 22 bits and each part of pi / 2 has 31, so the products are exact.
  const double n = nearest(x * 0x1.45f306dc9c883p-1);
  const double first = x - n * 0x1.921fb544p+0;
  const Pair second = exact_sum(first, n * -0x1.0b4611a4p-34);
  const Pair third = exact_sum(second.high, n * -0x1.13198a2cp-65);
  const double rest = n * -0x1.01b839a25204ap-96 + third.low + second.low;
  const Pair sum = exact_sum(third.high, rest);
  return {sum.high, sum.low, static_cast<int>(static_cast<int64_t>(n) & 3)};
}

/// sin(a + b) for |a| <= pi / 4 and b far below a.
double sin_near_zero(double a, double b) {
  constexpr auto series = inverse_factorials<8>(3, 2, -1);  // the next term is below 2^-63
  const double square = a * a;
  return a + ((b - 0.5 * square * b) - a * square * polynomial(series, square));
}

double cos_near_zero(double a, double b) {
  constexpr auto series = inverse_factorials<8>(4, 2, -1);
  const double square = a * a;
  const double half = 0.5 * square;
  const double one_minus = 1.0 - half;
  return one_minus +
         (((1.0 - one_minus) - half) + (square * square * polynomial(series, square) - a * b));
}

double sin_of_quadrant(const Reduced& r, int quadrant) {
  const double value =
      quadrant % 2 == 0 ? sin_near_zero(r.high, r.low) : cos_near_zero(r.high, r.low);
  return quadrant >= 2 ? -value : value;
}

}  // namespace

double exp(double x) {
  if (x != x) return x;
  return exp_with_tail(x, 0);
}

double log(double x) {
  if (x != x) return x;
  if (is_zero(x)) return -kInfinity;
  if (x < 0) return kNan;
  if (x == kInfinity) return x;
  const auto [m, e] = split_exponent(x);
  // log(1 + f) = f - f^2 / 2 + s (f^2 / 2 + R(s^2)), s = f / (2 + f), R from 2 atanh(s).
  const double f = m - 1;
  const double s = f / (2 + f);
  const double square = s * s;
  constexpr std::array<double, 11> series{2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,
                                          2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17,
                                          2.0 / 19, 2.0 / 21, 2.0 / 23};
  const double remainder = square * polynomial(series, square);
  const double half = 0.5 * f * f;
  return e * kLn2High - ((half - (s * (half + remainder) + e * kLn2Low)) - f);
}

double pow(double x, double y) {
  if (is_zero(y) || x == 1) return 1;
  if (x != x || y != y) return kNan;
  const double base = magnitude(x);
  if (magnitude(y) == kInfinity) {
    if (base == 1) return 1;
    return (base > 1) == (y > 0) ? kInfinity : 0;
  }
  const bool whole = std::floor(y) == y;
  const bool odd = whole && std::floor(y * 0.5) != y * 0.5;
  const double sign = is_negative(x) && odd ? -1 : 1;
  if (is_zero(x) || base == kInfinity) return sign * (is_zero(x) == (y > 0) ? 0.0 : kInfinity);
  if (is_negative(x) && !whole) return kNan;
  const Pair logarithm = log_pair(base);
  const double estimate = logarithm.high * y;
  if (estimate > 710) return sign * kInfinity;
  if (estimate < -746) return sign * 0.0;
  if (magnitude(estimate) < 0x1p-60) return sign;  // e^estimate rounds to 1
  const Pair exponent = logarithm * Pair{y, 0};
  return sign * exp_with_tail(exponent.high, exponent.low);
}

double sin(double x) {
  if (x != x || is_zero(x)) return x;
  const Reduced r = reduce_angle(x);
  return sin_of_quadrant(r, r.quadrant);
}

double cos(double x) {
  if (x != x) return x;
  if (is_zero(x)) return 1;
  const Reduced r = reduce_angle(x);
  return sin_of_quadrant(r, (r.quadrant + 1) & 3);
}

}  // namespace linnet::portable
