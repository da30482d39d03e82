// Sixteen float lanes on every instruction set: one register with AVX-512, two with AVX2, four with
// NEON, a plain array in the portable version. Kernels written on it give the same bits everywhere,
// because every operation is IEEE-exact per lane and sums over lanes use one fixed tree.
//
// Included once per target (Highway's way): no include guard in the usual sense.
#if defined(LINNET_KERNELS_CPU_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINNET_KERNELS_CPU_SIMD_INL_H_
#undef LINNET_KERNELS_CPU_SIMD_INL_H_
#else
#define LINNET_KERNELS_CPU_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/half.hpp"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

inline constexpr int kLanes = 16;

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

/// a * b + c with one rounding, for processors without the instruction: the product of two floats
/// is exact in double, and a sum rounded to odd survives the second rounding to float (Boldo and
/// Melquiond 2008).
inline float fused(float a, float b, float c) {
  const double product = static_cast<double>(a) * static_cast<double>(b);
  const double addend = static_cast<double>(c);
  const double sum = product + addend;
  const double rest = sum - product;
  const double error = (product - (sum - rest)) + (addend - rest);
  auto bits = std::bit_cast<uint64_t>(sum);
  const bool inexact = (error > 0) | (error < 0);
  const bool away = (error > 0) == (sum > 0);
  const uint64_t odd = away ? bits + 1 : bits - 1;
  bits = (inexact & ((bits & 1) == 0)) ? odd : bits;
  return static_cast<float>(std::bit_cast<double>(bits));
}

struct F32x16 {
  float lane[kLanes];
};
/// Per lane: all bits set or none.
struct Mask16 {
  uint32_t lane[kLanes];
};
/// Sixteen 32-bit integers.
struct I32x16 {
  int32_t lane[kLanes];
};

template <class Function>
inline F32x16 each(Function function) {
  F32x16 result;
  for (int i = 0; i < kLanes; ++i) result.lane[i] = function(i);
  return result;
}
template <class Function>
inline Mask16 each_mask(Function function) {
  Mask16 result;
  for (int i = 0; i < kLanes; ++i) result.lane[i] = function(i) ? ~0U : 0U;
  return result;
}
template <class Function>
inline I32x16 each_int(Function function) {
  I32x16 result;
  for (int i = 0; i < kLanes; ++i) result.lane[i] = function(i);
  return result;
}

inline F32x16 set(float value) {
  return each([&](int) { return value; });
}
inline F32x16 load(const float* from) {
  return each([&](int i) { return from[i]; });
}
inline void store(F32x16 v, float* to) {
  for (int i = 0; i < kLanes; ++i) to[i] = v.lane[i];
}
inline F32x16 load(const BF16* from) {
  return each([&](int i) { return to_float(from[i]); });
}
inline void store(F32x16 v, BF16* to) {
  for (int i = 0; i < kLanes; ++i) to[i] = to_bf16(v.lane[i]);
}
inline F32x16 load(const F16* from) {
  return each([&](int i) { return to_float(from[i]); });
}
inline void store(F32x16 v, F16* to) {
  for (int i = 0; i < kLanes; ++i) to[i] = to_f16(v.lane[i]);
}
/// Sixteen interleaved bf16 pairs: the first and the second of each pair.
inline void load_pairs(const BF16* from, F32x16& first, F32x16& second) {
  for (int i = 0; i < kLanes; ++i) {
    first.lane[i] = to_float(from[2 * i]);
    second.lane[i] = to_float(from[2 * i + 1]);
  }
}
inline F32x16 operator+(F32x16 a, F32x16 b) {
  return each([&](int i) { return a.lane[i] + b.lane[i]; });
}
inline F32x16 operator-(F32x16 a, F32x16 b) {
  return each([&](int i) { return a.lane[i] - b.lane[i]; });
}
inline F32x16 operator*(F32x16 a, F32x16 b) {
  return each([&](int i) { return a.lane[i] * b.lane[i]; });
}
inline F32x16 operator/(F32x16 a, F32x16 b) {
  return each([&](int i) { return a.lane[i] / b.lane[i]; });
}
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return each([&](int i) { return fused(a.lane[i], b.lane[i], c.lane[i]); });
}
inline F32x16 sqrt(F32x16 a) {
  return each([&](int i) { return std::sqrt(a.lane[i]); });
}
inline F32x16 abs(F32x16 a) {
  return each([&](int i) {
    return std::bit_cast<float>(std::bit_cast<uint32_t>(a.lane[i]) & 0x7fffffffU);
  });
}
inline F32x16 copysign(F32x16 magnitude, F32x16 sign) {
  return each([&](int i) {
    return std::bit_cast<float>((std::bit_cast<uint32_t>(magnitude.lane[i]) & 0x7fffffffU) |
                                (std::bit_cast<uint32_t>(sign.lane[i]) & 0x80000000U));
  });
}
inline Mask16 operator<(F32x16 a, F32x16 b) {
  return each_mask([&](int i) { return a.lane[i] < b.lane[i]; });
}
inline Mask16 operator<=(F32x16 a, F32x16 b) {
  return each_mask([&](int i) { return a.lane[i] <= b.lane[i]; });
}
inline Mask16 operator==(F32x16 a, F32x16 b) {
  return each_mask([&](int i) { return a.lane[i] == b.lane[i]; });
}
inline F32x16 select(Mask16 mask, F32x16 yes, F32x16 no) {
  return each([&](int i) { return mask.lane[i] != 0 ? yes.lane[i] : no.lane[i]; });
}
/// The bits of a float as an integer, and back.
inline I32x16 bits_of(F32x16 a) {
  return each_int([&](int i) { return std::bit_cast<int32_t>(a.lane[i]); });
}
inline F32x16 from_bits(I32x16 a) {
  return each([&](int i) { return std::bit_cast<float>(a.lane[i]); });
}
/// Rounds towards zero; lanes must be in the range of int32.
inline I32x16 to_int(F32x16 a) {
  return each_int([&](int i) { return static_cast<int32_t>(a.lane[i]); });
}
inline F32x16 to_float(I32x16 a) {
  return each([&](int i) { return static_cast<float>(a.lane[i]); });
}
inline I32x16 set_int(int32_t value) {
  return each_int([&](int) { return value; });
}
/// From any address.
inline I32x16 load_bits(const void* from) {
  I32x16 result;
  std::memcpy(result.lane, from, sizeof(result.lane));
  return result;
}
inline void store_bits(I32x16 v, uint32_t* to) {
  for (int i = 0; i < kLanes; ++i) to[i] = static_cast<uint32_t>(v.lane[i]);
}
/// The lowest kBits (4 or 8) bits of each lane as a float.
template <int kBits>
inline F32x16 small_float(I32x16 v) {
  return each([&](int i) { return static_cast<float>(v.lane[i] & ((1 << kBits) - 1)); });
}
inline I32x16 operator|(I32x16 a, I32x16 b) {
  return each_int([&](int i) { return a.lane[i] | b.lane[i]; });
}
/// Shifts zeros in.
template <int kBits>
inline I32x16 shift_right_logical(I32x16 a) {
  return each_int(
      [&](int i) { return static_cast<int32_t>(static_cast<uint32_t>(a.lane[i]) >> kBits); });
}
inline I32x16 operator+(I32x16 a, I32x16 b) {
  return each_int([&](int i) {
    return static_cast<int32_t>(static_cast<uint32_t>(a.lane[i]) +
                                static_cast<uint32_t>(b.lane[i]));
  });
}
inline I32x16 operator-(I32x16 a, I32x16 b) {
  return each_int([&](int i) {
    return static_cast<int32_t>(static_cast<uint32_t>(a.lane[i]) -
                                static_cast<uint32_t>(b.lane[i]));
  });
}
inline I32x16 operator&(I32x16 a, I32x16 b) {
  return each_int([&](int i) { return a.lane[i] & b.lane[i]; });
}
template <int kBits>
inline I32x16 shift_left(I32x16 a) {
  return each_int(
      [&](int i) { return static_cast<int32_t>(static_cast<uint32_t>(a.lane[i]) << kBits); });
}
/// Arithmetic shift.
template <int kBits>
inline I32x16 shift_right(I32x16 a) {
  return each_int([&](int i) { return a.lane[i] >> kBits; });
}
/// Sixteen bytes as integers, and integers 0..255 as bytes.
inline I32x16 load_bytes(const uint8_t* from) {
  return each_int([&](int i) { return int32_t{from[i]}; });
}
inline void store_bytes(I32x16 v, uint8_t* to) {
  for (int i = 0; i < kLanes; ++i) to[i] = static_cast<uint8_t>(v.lane[i]);
}

#else  // a vector target

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::CappedTag<float, kLanes>;
using IntTag = hn::RebindToSigned<Tag>;
using UintTag = hn::RebindToUnsigned<Tag>;
using Bf16Tag = hn::Rebind<uint16_t, Tag>;
// Lanes of one register.
inline constexpr int kWidth = HWY_LANES(float) < kLanes ? HWY_LANES(float) : kLanes;
inline constexpr int kRegisters = kLanes / kWidth;

struct F32x16 {
  hn::Vec<Tag> part[kRegisters];
};
struct Mask16 {
  hn::Mask<Tag> part[kRegisters];
};
/// Sixteen 32-bit integers.
struct I32x16 {
  hn::Vec<IntTag> part[kRegisters];
};

HWY_INLINE F32x16 set(float value) {
  F32x16 r;
  for (int p = 0; p < kRegisters; ++p) r.part[p] = hn::Set(Tag(), value);
  return r;
}
HWY_INLINE F32x16 load(const float* from) {
  F32x16 r;
  for (int p = 0; p < kRegisters; ++p) r.part[p] = hn::LoadU(Tag(), from + p * kWidth);
  return r;
}
HWY_INLINE void store(F32x16 v, float* to) {
  for (int p = 0; p < kRegisters; ++p) hn::StoreU(v.part[p], Tag(), to + p * kWidth);
}
HWY_INLINE F32x16 load(const BF16* from) {
  F32x16 r;
  const auto* bits = reinterpret_cast<const uint16_t*>(from);
  for (int p = 0; p < kRegisters; ++p) {
    const auto half = hn::LoadU(Bf16Tag(), bits + p * kWidth);
    r.part[p] = hn::BitCast(Tag(), hn::ShiftLeft<16>(hn::PromoteTo(UintTag(), half)));
  }
  return r;
}
/// Rounds to nearest even, like to_bf16; NaN stays NaN.
HWY_INLINE void store(F32x16 v, BF16* to) {
  auto* bits = reinterpret_cast<uint16_t*>(to);
  const UintTag du;
  for (int p = 0; p < kRegisters; ++p) {
    const auto u = hn::BitCast(du, v.part[p]);
    const auto upper = hn::ShiftRight<16>(u);
    const auto rounded = hn::ShiftRight<16>(
        hn::Add(u, hn::Add(hn::Set(du, 0x7fffU), hn::And(upper, hn::Set(du, 1U)))));
    const auto quiet = hn::Or(upper, hn::Set(du, 0x40U));
    const auto is_nan = hn::RebindMask(du, hn::IsNaN(v.part[p]));
    hn::StoreU(hn::TruncateTo(Bf16Tag(), hn::IfThenElse(is_nan, quiet, rounded)), Bf16Tag(),
               bits + p * kWidth);
  }
}
/// Sixteen interleaved bf16 pairs: the first and the second of each pair.
HWY_INLINE void load_pairs(const BF16* from, F32x16& first, F32x16& second) {
  const UintTag du;
  const auto* words = reinterpret_cast<const uint32_t*>(from);
  for (int p = 0; p < kRegisters; ++p) {
    const auto pair = hn::LoadU(du, words + p * kWidth);
    first.part[p] = hn::BitCast(Tag(), hn::ShiftLeft<16>(pair));
    second.part[p] = hn::BitCast(Tag(), hn::And(pair, hn::Set(du, 0xffff0000U)));
  }
}
HWY_INLINE F32x16 operator+(F32x16 a, F32x16 b) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::Add(a.part[p], b.part[p]);
  return a;
}
HWY_INLINE F32x16 operator-(F32x16 a, F32x16 b) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::Sub(a.part[p], b.part[p]);
  return a;
}
HWY_INLINE F32x16 operator*(F32x16 a, F32x16 b) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::Mul(a.part[p], b.part[p]);
  return a;
}
HWY_INLINE F32x16 operator/(F32x16 a, F32x16 b) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::Div(a.part[p], b.part[p]);
  return a;
}
HWY_INLINE F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::MulAdd(a.part[p], b.part[p], c.part[p]);
  return a;
}
HWY_INLINE F32x16 sqrt(F32x16 a) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::Sqrt(a.part[p]);
  return a;
}
HWY_INLINE F32x16 abs(F32x16 a) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::Abs(a.part[p]);
  return a;
}
HWY_INLINE F32x16 copysign(F32x16 magnitude, F32x16 sign) {
  for (int p = 0; p < kRegisters; ++p)
    magnitude.part[p] = hn::CopySign(magnitude.part[p], sign.part[p]);
  return magnitude;
}
HWY_INLINE Mask16 operator<(F32x16 a, F32x16 b) {
  Mask16 r;
  for (int p = 0; p < kRegisters; ++p) r.part[p] = hn::Lt(a.part[p], b.part[p]);
  return r;
}
HWY_INLINE Mask16 operator<=(F32x16 a, F32x16 b) {
  Mask16 r;
  for (int p = 0; p < kRegisters; ++p) r.part[p] = hn::Le(a.part[p], b.part[p]);
  return r;
}
HWY_INLINE Mask16 operator==(F32x16 a, F32x16 b) {
  Mask16 r;
  for (int p = 0; p < kRegisters; ++p) r.part[p] = hn::Eq(a.part[p], b.part[p]);
  return r;
}
HWY_INLINE F32x16 select(Mask16 mask, F32x16 yes, F32x16 no) {
  for (int p = 0; p < kRegisters; ++p)
    yes.part[p] = hn::IfThenElse(mask.part[p], yes.part[p], no.part[p]);
  return yes;
}
/// The bits of a float as an integer, and back.
HWY_INLINE I32x16 bits_of(F32x16 a) {
  I32x16 r;
  for (int p = 0; p < kRegisters; ++p) r.part[p] = hn::BitCast(IntTag(), a.part[p]);
  return r;
}
HWY_INLINE F32x16 from_bits(I32x16 a) {
  F32x16 r;
  for (int p = 0; p < kRegisters; ++p) r.part[p] = hn::BitCast(Tag(), a.part[p]);
  return r;
}
/// Rounds towards zero; lanes must be in the range of int32.
HWY_INLINE I32x16 to_int(F32x16 a) {
  I32x16 r;
  for (int p = 0; p < kRegisters; ++p) r.part[p] = hn::ConvertTo(IntTag(), a.part[p]);
  return r;
}
HWY_INLINE F32x16 to_float(I32x16 a) {
  F32x16 r;
  for (int p = 0; p < kRegisters; ++p) r.part[p] = hn::ConvertTo(Tag(), a.part[p]);
  return r;
}
HWY_INLINE I32x16 set_int(int32_t value) {
  I32x16 r;
  for (int p = 0; p < kRegisters; ++p) r.part[p] = hn::Set(IntTag(), value);
  return r;
}
/// From any address.
HWY_INLINE I32x16 load_bits(const void* from) {
  I32x16 r;
  const auto* words = static_cast<const int32_t*>(from);
  for (int p = 0; p < kRegisters; ++p) r.part[p] = hn::LoadU(IntTag(), words + p * kWidth);
  return r;
}
HWY_INLINE void store_bits(I32x16 v, uint32_t* to) {
  auto* words = reinterpret_cast<int32_t*>(to);
  for (int p = 0; p < kRegisters; ++p) hn::StoreU(v.part[p], IntTag(), words + p * kWidth);
}
/// The lowest kBits (4 or 8) bits of each lane as a float.
template <int kBits>
HWY_INLINE F32x16 small_float(I32x16 v) {
#if HWY_TARGET == HWY_AVX3
  // Sixteen table entries fit one register, and the permutation looks at four bits only.
  if constexpr (kBits == 4) {
    const auto table = hn::Iota(Tag(), 0.0F);
    F32x16 r;
    r.part[0] = hn::Vec<Tag>{_mm512_permutexvar_ps(v.part[0].raw, table.raw)};
    return r;
  }
#endif
  F32x16 r;
  const auto mask = hn::Set(IntTag(), (1 << kBits) - 1);
  for (int p = 0; p < kRegisters; ++p) r.part[p] = hn::ConvertTo(Tag(), hn::And(v.part[p], mask));
  return r;
}
HWY_INLINE I32x16 operator|(I32x16 a, I32x16 b) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::Or(a.part[p], b.part[p]);
  return a;
}
/// Shifts zeros in.
template <int kBits>
HWY_INLINE I32x16 shift_right_logical(I32x16 a) {
  const UintTag du;
  for (int p = 0; p < kRegisters; ++p)
    a.part[p] = hn::BitCast(IntTag(), hn::ShiftRight<kBits>(hn::BitCast(du, a.part[p])));
  return a;
}
HWY_INLINE I32x16 operator+(I32x16 a, I32x16 b) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::Add(a.part[p], b.part[p]);
  return a;
}
HWY_INLINE I32x16 operator-(I32x16 a, I32x16 b) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::Sub(a.part[p], b.part[p]);
  return a;
}
HWY_INLINE I32x16 operator&(I32x16 a, I32x16 b) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::And(a.part[p], b.part[p]);
  return a;
}
/// Sixteen halves, exactly. Integer steps rather than F16C, which is not on every target.
HWY_INLINE F32x16 load(const F16* from) {
  F32x16 r;
  const UintTag du;
  const auto* bits = reinterpret_cast<const uint16_t*>(from);
  const auto smallest = hn::Set(Tag(), 0x1p-14F);  // the smallest normal half
  for (int p = 0; p < kRegisters; ++p) {
    const auto half = hn::PromoteTo(du, hn::LoadU(Bf16Tag(), bits + p * kWidth));
    const auto sign = hn::ShiftLeft<16>(hn::And(half, hn::Set(du, 0x8000U)));
    const auto rebias = hn::Set(du, 112U << 23);
    const auto magnitude = hn::Add(hn::ShiftLeft<13>(hn::And(half, hn::Set(du, 0x7fffU))), rebias);
    const auto normal = hn::BitCast(Tag(), magnitude);
    // A subnormal half: 2^-14 + m 2^-24, less the 2^-14.
    const auto above = hn::BitCast(Tag(), hn::Add(magnitude, hn::Set(du, 1U << 23)));
    auto value = hn::IfThenElse(hn::Lt(normal, smallest), hn::Sub(above, smallest), normal);
    // Infinity and NaN: the largest exponent stays the largest.
    const auto special = hn::BitCast(Tag(), hn::Add(magnitude, rebias));
    value = hn::IfThenElse(hn::Ge(normal, hn::Set(Tag(), 65536.0F)), special, value);
    r.part[p] = hn::BitCast(Tag(), hn::Or(hn::BitCast(du, value), sign));
  }
  return r;
}
/// Rounds to nearest even, like to_f16.
HWY_INLINE void store(F32x16 v, F16* to) {
  auto* bits = reinterpret_cast<uint16_t*>(to);
  const UintTag du;
  const Tag df;
  for (int p = 0; p < kRegisters; ++p) {
    const auto u = hn::BitCast(du, v.part[p]);
    const auto sign = hn::ShiftRight<16>(hn::And(u, hn::Set(du, 0x80000000U)));
    const auto magnitude = hn::And(u, hn::Set(du, 0x7fffffffU));
    const auto value = hn::BitCast(df, magnitude);
    const auto even = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(du, 1U));
    const auto rounded = hn::Add(hn::Add(magnitude, hn::Set(du, 0xfffU)), even);
    auto half = hn::ShiftRight<13>(hn::Sub(rounded, hn::Set(du, 0x38000000U)));
    const auto subnormal =
        hn::Sub(hn::BitCast(du, hn::Add(value, hn::Set(df, 0.5F))), hn::Set(du, 0x3f000000U));
    half =
        hn::IfThenElse(hn::RebindMask(du, hn::Lt(value, hn::Set(df, 0x1p-14F))), subnormal, half);
    half = hn::IfThenElse(hn::RebindMask(du, hn::Ge(value, hn::Set(df, 65520.0F))),
                          hn::Set(du, 0x7c00U), half);
    half = hn::IfThenElse(hn::RebindMask(du, hn::IsNaN(v.part[p])), hn::Set(du, 0x7e00U), half);
    hn::StoreU(hn::TruncateTo(Bf16Tag(), hn::Or(half, sign)), Bf16Tag(), bits + p * kWidth);
  }
}
template <int kBits>
HWY_INLINE I32x16 shift_left(I32x16 a) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::ShiftLeft<kBits>(a.part[p]);
  return a;
}
/// Arithmetic shift.
template <int kBits>
HWY_INLINE I32x16 shift_right(I32x16 a) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::ShiftRight<kBits>(a.part[p]);
  return a;
}
/// Sixteen bytes as integers, and integers 0..255 as bytes.
HWY_INLINE I32x16 load_bytes(const uint8_t* from) {
  const hn::Rebind<uint8_t, IntTag> bytes;
  I32x16 r;
  for (int p = 0; p < kRegisters; ++p)
    r.part[p] = hn::PromoteTo(IntTag(), hn::LoadU(bytes, from + p * kWidth));
  return r;
}
HWY_INLINE void store_bytes(I32x16 v, uint8_t* to) {
  const hn::Rebind<uint8_t, IntTag> bytes;
  for (int p = 0; p < kRegisters; ++p)
    hn::StoreU(hn::DemoteTo(bytes, v.part[p]), bytes, to + p * kWidth);
}

#endif

HWY_INLINE F32x16 zero() { return set(0.0F); }
#if HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR
// The instructions are defined as the comparisons below.
HWY_INLINE F32x16 max(F32x16 a, F32x16 b) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::Max(a.part[p], b.part[p]);
  return a;
}
HWY_INLINE F32x16 min(F32x16 a, F32x16 b) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::Min(a.part[p], b.part[p]);
  return a;
}
#else
/// a > b ? a : b per lane: b where either is NaN.
HWY_INLINE F32x16 max(F32x16 a, F32x16 b) { return select(b < a, a, b); }
/// a < b ? a : b per lane: b where either is NaN.
HWY_INLINE F32x16 min(F32x16 a, F32x16 b) { return select(a < b, a, b); }
#endif

#if HWY_TARGET == HWY_AVX3

/// Loads n (1..16) values; the other lanes are `rest`.
HWY_INLINE F32x16 load_partial(const float* from, int64_t n, float rest) {
  const auto mask = hn::FirstN(Tag(), static_cast<size_t>(n));
  F32x16 r;
  r.part[0] = hn::IfThenElse(mask, hn::MaskedLoad(mask, Tag(), from), hn::Set(Tag(), rest));
  return r;
}
/// Stores the first n (1..16) lanes.
HWY_INLINE void store_partial(F32x16 v, float* to, int64_t n) {
  hn::BlendedStore(v.part[0], hn::FirstN(Tag(), static_cast<size_t>(n)), Tag(), to);
}

#else

/// Loads n (1..16) values; the other lanes are `rest`.
HWY_INLINE F32x16 load_partial(const float* from, int64_t n, float rest) {
  float buffer[kLanes];
  for (int64_t i = 0; i < kLanes; ++i) buffer[i] = i < n ? from[i] : rest;
  return load(buffer);
}
/// Stores the first n (1..16) lanes.
HWY_INLINE void store_partial(F32x16 v, float* to, int64_t n) {
  float buffer[kLanes];
  store(v, buffer);
  for (int64_t i = 0; i < n; ++i) to[i] = buffer[i];
}

#endif

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

/// The fixed tree: lanes i and i + 8, then i and i + 4, then i and i + 2, then the last two.
template <class Combine>
inline float fold_lanes(F32x16 v, const Combine& combine) {
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) v.lane[i] = combine(v.lane[i], v.lane[i + half]);
  return v.lane[0];
}
inline float sum_lanes(F32x16 v) {
  return fold_lanes(v, [](float a, float b) { return a + b; });
}
/// The largest lane; no lane may be NaN.
inline float max_lanes(F32x16 v) {
  return fold_lanes(v, [](float a, float b) { return a > b ? a : b; });
}

#else

/// combine(upper half, lower half), again and again, down to one lane.
template <class Combine>
HWY_INLINE float fold_lanes(F32x16 v, const Combine& combine) {
  for (int half = kRegisters / 2; half > 0; half /= 2)
    for (int p = 0; p < half; ++p) v.part[p] = combine(v.part[p], v.part[p + half]);
  const auto fold_four = [&combine](auto four) HWY_ATTR {
    four = combine(four, hn::Shuffle1032(four));
    return hn::GetLane(combine(four, hn::Shuffle2301(four)));
  };
  if constexpr (kWidth == 4) {
    return fold_four(v.part[0]);
  } else {
    const hn::Half<Tag> half;
    const auto eight = [&] HWY_ATTR {
      if constexpr (kWidth == 16)
        return combine(hn::LowerHalf(half, v.part[0]), hn::UpperHalf(half, v.part[0]));
      else
        return v.part[0];
    }();
    const hn::CappedTag<float, 4> four;
    return fold_four(combine(hn::LowerHalf(four, eight), hn::UpperHalf(four, eight)));
  }
}
/// The fixed tree: lanes i and i + 8, then i and i + 4, then i and i + 2, then the last two.
HWY_INLINE float sum_lanes(F32x16 v) {
  return fold_lanes(v, [](auto a, auto b) HWY_ATTR { return hn::Add(a, b); });
}
/// The largest lane; no lane may be NaN.
HWY_INLINE float max_lanes(F32x16 v) {
  return fold_lanes(v, [](auto a, auto b) HWY_ATTR { return hn::Max(a, b); });
}

#endif

/// The first n elements of sixteen, all of them from 16 on; 0 in the other lanes.
HWY_INLINE F32x16 load_some(const float* from, int64_t n) {
  return n >= kLanes ? load(from) : load_partial(from, n, 0.0F);
}
HWY_INLINE void store_some(F32x16 v, float* to, int64_t n) {
  if (n >= kLanes)
    store(v, to);
  else
    store_partial(v, to, n);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
