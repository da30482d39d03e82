// exp, log, tanh, erf and what is made of them, on sixteen lanes: one sequence of operations for
// every instruction set, so results are equal to the bit. Errors are measured in
// tests/kernels/math_test.cpp.
#if defined(LINNET_KERNELS_CPU_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINNET_KERNELS_CPU_MATH_INL_H_
#undef LINNET_KERNELS_CPU_MATH_INL_H_
#else
#define LINNET_KERNELS_CPU_MATH_INL_H_
#endif

#include <limits>

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// e^x within 1 ulp; 0 below -87.3366 (the result would be subnormal), infinity above 88.7228.
HWY_INLINE F32x16 exp(F32x16 x) {
  const F32x16 lowest = set(-87.33654F);
  const F32x16 highest = set(88.72283F);
  const F32x16 bounded = min(max(x, lowest), highest);
  // n = round(x / ln 2) by adding and subtracting 1.5 * 2^23; ln 2 in two parts keeps r exact.
  const F32x16 magic = set(12582912.0F);
  const F32x16 n = fma(bounded, set(1.442695041F), magic) - magic;
  F32x16 r = fma(n, set(-0.693145752F), bounded);
  r = fma(n, set(-1.42860677e-6F), r);
  F32x16 p = set(1.9875691500e-4F);
  p = fma(p, r, set(1.3981999507e-3F));
  p = fma(p, r, set(8.3334519073e-3F));
  p = fma(p, r, set(4.1665795894e-2F));
  p = fma(p, r, set(1.6666665459e-1F));
  p = fma(p, r, set(5.0000001201e-1F));
  p = fma(p, r * r, r) + set(1.0F);
  // 2^n in two factors: n reaches 128, whose power is no float.
  const I32x16 exponent = to_int(n);
  const I32x16 half = shift_right<1>(exponent);
  const I32x16 bias = set_int(127);
  const F32x16 first = from_bits(shift_left<23>(half + bias));
  const F32x16 second = from_bits(shift_left<23>(exponent - half + bias));
  F32x16 y = p * first * second;
  y = select(x < lowest, zero(), y);
  y = select(highest < x, set(std::numeric_limits<float>::infinity()), y);
  return select(x == x, y, x);  // NaN in, NaN out
}

/// exp(x) for x that is not above 0, with the same bits in two thirds of the operations.
HWY_INLINE F32x16 exp_nonpositive(F32x16 x) {
  // The integer n stands in the lowest bits of this sum.
  const F32x16 magic = set(12582912.0F);
  const F32x16 sum = fma(x, set(1.442695041F), magic);
  const F32x16 n = sum - magic;
  F32x16 r = fma(n, set(-0.693145752F), x);
  r = fma(n, set(-1.42860677e-6F), r);
  F32x16 p = set(1.9875691500e-4F);
  p = fma(p, r, set(1.3981999507e-3F));
  p = fma(p, r, set(8.3334519073e-3F));
  p = fma(p, r, set(4.1665795894e-2F));
  p = fma(p, r, set(1.6666665459e-1F));
  p = fma(p, r, set(5.0000001201e-1F));
  p = fma(p, r * r, r) + set(1.0F);
  // -126 <= n <= 0 where the result is not 0, so that 2^n is a normal float.
  const F32x16 power = from_bits(shift_left<23>(bits_of(sum)) + set_int(127 << 23));
  return select(x < set(-87.33654F), zero(), p * power);  // NaN stays NaN
}

/// The natural logarithm within 1 ulp; -infinity at 0, NaN below.
HWY_INLINE F32x16 log(F32x16 x) {
  // x = m * 2^e with m in [sqrt(1/2), sqrt(2)).
  const I32x16 bits = bits_of(x) - set_int(0x3f3504f3);
  const F32x16 e = to_float(shift_right<23>(bits));
  const F32x16 m = from_bits((bits & set_int(0x007fffff)) + set_int(0x3f3504f3));
  const F32x16 f = m - set(1.0F);
  F32x16 p = set(7.0376836292e-2F);
  p = fma(p, f, set(-1.1514610310e-1F));
  p = fma(p, f, set(1.1676998740e-1F));
  p = fma(p, f, set(-1.2420140846e-1F));
  p = fma(p, f, set(1.4249322787e-1F));
  p = fma(p, f, set(-1.6668057665e-1F));
  p = fma(p, f, set(2.0000714765e-1F));
  p = fma(p, f, set(-2.4999993993e-1F));
  p = fma(p, f, set(3.3333331174e-1F));
  const F32x16 square = f * f;
  F32x16 y = p * f * square;
  y = fma(e, set(-2.12194440e-4F), y);
  y = fma(set(-0.5F), square, y);
  y = fma(e, set(0.693359375F), f + y);
  const float infinity = std::numeric_limits<float>::infinity();
  y = select(x == set(infinity), x, y);
  y = select(x == zero(), set(-infinity), y);
  y = select(x < zero(), set(std::numeric_limits<float>::quiet_NaN()), y);
  return select(x == x, y, x);
}

/// An unevaluated sum of two floats, the second far below the first: about 48 bits.
struct F32Pair {
  F32x16 high;
  F32x16 low;
};

/// a * b; the product of the low parts is below the precision.
HWY_INLINE F32Pair multiply(F32Pair a, F32Pair b) {
  const F32x16 high = a.high * b.high;
  const F32x16 rest = fma(a.high, b.high, zero() - high);
  return {high, fma(a.low, b.high, fma(a.high, b.low, rest))};
}
/// a + b where |a| >= |b| or a is 0.
HWY_INLINE F32Pair add(F32x16 a, F32Pair b) {
  const F32x16 high = a + b.high;
  return {high, ((a - high) + b.high) + b.low};
}

/// log2(x) of a positive normal x within 2^-36 of itself.
HWY_INLINE F32Pair log2_pair(F32x16 x) {
  // x = m * 2^e with m in [sqrt(1/2), sqrt(2)); log(m) = 2 atanh(s), s = (m - 1) / (m + 1).
  const I32x16 bits = bits_of(x) - set_int(0x3f3504f3);
  const F32x16 e = to_float(shift_right<23>(bits));
  const F32x16 m = from_bits((bits & set_int(0x007fffff)) + set_int(0x3f3504f3));
  const F32x16 f = m - set(1.0F);
  const F32x16 g = m + set(1.0F);
  const F32x16 g_low = m - (g - set(1.0F));
  F32Pair s;
  s.high = f / g;
  s.low = (fma(zero() - s.high, g, f) - s.high * g_low) / g;
  const F32Pair square = multiply(s, s);
  // 2 atanh(s) / s = 2 + s^2 (2/3 + s^2 (2/5 + ...)); 2/3 needs its second half, the rest not.
  const F32x16 v = square.high;
  F32x16 p = set(0.191213295F);
  p = fma(p, v, set(0.222047299F));
  p = fma(p, v, set(0.285715312F));
  p = fma(p, v, set(0.400000006F)) * v;
  const F32Pair inner = add(set(0.666666687F), {p, set(-1.98682155e-8F)});
  const F32Pair logarithm = multiply(s, add(set(2.0F), multiply(square, inner)));
  return add(e, multiply(logarithm, {set(1.44269502F), set(1.92596303e-8F)}));
}

/// x^y within 0.75 ulp, exact where the result is a float; the special values of std::pow.
/// Subnormal x and y count as 0, subnormal results are 0.
HWY_INLINE F32x16 pow(F32x16 x, F32x16 y) {
  const float infinity = std::numeric_limits<float>::infinity();
  const F32x16 one = set(1.0F);
  const F32x16 base = abs(x);
  F32Pair logarithm = log2_pair(base);
  const F32x16 limit = select(base == zero(), set(-infinity), set(infinity));
  const Mask16 infinite = base == set(infinity);
  logarithm.high = select(base == zero(), limit, select(infinite, limit, logarithm.high));
  // 2^(high + low) with high = y * log2(base) clamped to where the result is 0 or infinite.
  const F32x16 product = y * logarithm.high;
  const F32x16 high = min(max(product, set(-200.0F)), set(200.0F));
  F32x16 low = fma(y, logarithm.low, fma(y, logarithm.high, zero() - product));
  low = select(abs(product) < set(200.0F), low, zero());
  const F32x16 magic = set(12582912.0F);  // 1.5 * 2^23: adding it rounds to an integer
  const F32x16 n = (high + magic) - magic;
  const F32x16 rest = high - n;
  const F32x16 r = rest + low;
  F32x16 p = set(1.529732435e-5F);
  p = fma(p, r, set(1.546144485e-4F));
  p = fma(p, r, set(1.333350199e-3F));
  p = fma(p, r, set(9.618056938e-3F));
  p = fma(p, r, set(5.550410971e-2F));
  p = fma(p, r, set(2.402265072e-1F));
  p = fma(p, r, set(-1.90465421e-9F));
  // 1 + rest * ln 2 with what its rounding loses, so that only the last sum rounds.
  const F32x16 ln2 = set(6.931471825e-1F);
  const F32x16 line = fma(rest, ln2, one);
  p = line + (fma(rest, ln2, one - line) + fma(low, ln2, p * r));
  const I32x16 exponent = to_int(n);
  const I32x16 half = shift_right<1>(exponent);
  const I32x16 bias = set_int(127);
  F32x16 z = p * from_bits(shift_left<23>(half + bias)) *
             from_bits(shift_left<23>(exponent - half + bias));
  z = select(product < set(-126.0F), zero(), z);
  z = select(base == one, one, z);

  // Floats from 2^24 on are even integers.
  const Mask16 small = abs(y) < set(16777216.0F);
  const I32x16 whole = to_int(select(small, y, zero()));
  const F32x16 odd = select(small, to_float(whole & set_int(1)), zero());
  const F32x16 fraction = select(small, y - to_float(whole), zero());
  const F32x16 not_a_number = set(std::numeric_limits<float>::quiet_NaN());
  // A negative base: odd whole exponents change the sign, those that are not whole have no result.
  // -0 and -infinity are bases of any exponent.
  F32x16 negative = select(fraction == zero(), z, not_a_number);
  negative = select(base == zero(), z, select(base == set(infinity), z, negative));
  negative = select(fraction == zero(), select(odd == one, zero() - negative, negative), negative);
  z = select(copysign(one, x) < zero(), negative, z);
  z = select(x == x, select(y == y, z, y), x);
  z = select(x == one, one, z);
  return select(y == zero(), one, z);
}

/// tanh within 1.25 ulp.
HWY_INLINE F32x16 tanh(F32x16 x) {
  const F32x16 z = abs(x);
  const F32x16 square = x * x;
  F32x16 p = set(-5.70498872745e-3F);
  p = fma(p, square, set(2.06390887954e-2F));
  p = fma(p, square, set(-5.37397155531e-2F));
  p = fma(p, square, set(1.33314422036e-1F));
  p = fma(p, square, set(-3.33332819422e-1F));
  const F32x16 small = fma(p * square, x, x);
  const F32x16 large = set(1.0F) - set(2.0F) / (exp(z + z) + set(1.0F));
  return copysign(select(z < set(0.625F), small, large), x);  // -0 stays -0
}

/// The error function within 1 ulp (minimax polynomials on both sides of 475/512).
HWY_INLINE F32x16 erf(F32x16 x) {
  const F32x16 t = abs(x);
  const F32x16 s = x * x;
  F32x16 r = fma(set(-1.72853470e-5F), t, set(3.83197126e-4F));
  const F32x16 u = fma(set(-3.88396438e-3F), t, set(2.42546219e-2F));
  r = fma(r, s, u);
  r = fma(r, t, set(-1.06777877e-1F));
  r = fma(r, t, set(-6.34846687e-1F));
  r = fma(r, t, set(-1.28717512e-1F));
  r = fma(r, t, zero() - t);
  const F32x16 large = copysign(set(1.0F) - exp(r), x);
  F32x16 q = set(-5.96761703e-4F);
  q = fma(q, s, set(4.99119423e-3F));
  q = fma(q, s, set(-2.67681349e-2F));
  q = fma(q, s, set(1.12819925e-1F));
  q = fma(q, s, set(-3.76125336e-1F));
  q = fma(q, s, set(1.28379166e-1F));
  const F32x16 small = fma(q, x, x);
  // t beyond 10 would overflow in the polynomial; erf is 1 there.
  const F32x16 y = select(t < set(0.927734375F), small, large);
  return select(set(10.0F) < t, copysign(set(1.0F), x), y);
}

/// 1 / (1 + e^-x) within 2.5 ulp.
HWY_INLINE F32x16 sigmoid(F32x16 x) { return set(1.0F) / (set(1.0F) + exp(zero() - x)); }

/// x / (1 + e^-x) within 2.5 ulp.
HWY_INLINE F32x16 silu(F32x16 x) { return x / (set(1.0F) + exp(zero() - x)); }

/// x / 2 * (1 + erf(x / sqrt 2)), what Hugging Face calls "gelu", to |x| 2^-23.
HWY_INLINE F32x16 gelu_erf(F32x16 x) {
  return set(0.5F) * x * (set(1.0F) + erf(x * set(0.70710678118654752F)));
}

/// x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))), "gelu_pytorch_tanh", to |x| 2^-23.
HWY_INLINE F32x16 gelu_tanh(F32x16 x) {
  const F32x16 inner = set(0.79788456080286536F) * fma(set(0.044715F) * x * x, x, x);
  return set(0.5F) * x * (set(1.0F) + tanh(inner));
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
