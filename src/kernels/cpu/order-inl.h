// order.hpp on sixteen lanes.
//
// Included once per target, like simd-inl.h.
#if defined(LINNET_KERNELS_CPU_ORDER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINNET_KERNELS_CPU_ORDER_INL_H_
#undef LINNET_KERNELS_CPU_ORDER_INL_H_
#else
#define LINNET_KERNELS_CPU_ORDER_INL_H_
#endif

#include <bit>
#include <cstdint>

#include "kernels/cpu/order.hpp"
#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

using cpu::order_key;  // the overload for one float

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

inline I32x16 order_key(F32x16 x) {
  return each_int([&](int i) {
    const int32_t bits = std::bit_cast<int32_t>(x.lane[i]);
    const int32_t key = bits ^ ((bits >> 31) & 0x7fffffff);
    const int32_t number = key == -1 ? 0 : key;
    return (bits & 0x7fffffff) > 0x7f800000 ? kNanKey : number;
  });
}
inline F32x16 negate(F32x16 x) {
  return each([&](int i) {
    return std::bit_cast<float>(std::bit_cast<uint32_t>(x.lane[i]) ^ 0x80000000U);
  });
}
inline I32x16 max(I32x16 a, I32x16 b) {
  return each_int([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline bool any_greater(I32x16 a, I32x16 b) {
  int32_t any = 0;
  for (int i = 0; i < kLanes; ++i) any |= a.lane[i] > b.lane[i] ? 1 : 0;
  return any != 0;
}
inline bool any_equal(I32x16 a, I32x16 b) {
  int32_t any = 0;
  for (int i = 0; i < kLanes; ++i) any |= a.lane[i] == b.lane[i] ? 1 : 0;
  return any != 0;
}
inline void store(I32x16 v, int32_t* to) {
  for (int i = 0; i < kLanes; ++i) to[i] = v.lane[i];
}

#else  // a vector target

HWY_INLINE I32x16 order_key(F32x16 x) {
  I32x16 r;
  const IntTag d;
  const auto magnitude = hn::Set(d, 0x7fffffff);
  for (int p = 0; p < kRegisters; ++p) {
    const auto bits = hn::BitCast(d, x.part[p]);
    const auto key = hn::Xor(bits, hn::And(hn::ShiftRight<31>(bits), magnitude));
    // Only -0 has the key -1.
    const auto number = hn::AndNot(hn::VecFromMask(d, hn::Eq(key, hn::Set(d, -1))), key);
    const auto is_nan = hn::Gt(hn::And(bits, magnitude), hn::Set(d, 0x7f800000));
    r.part[p] = hn::IfThenElse(is_nan, hn::Set(d, kNanKey), number);
  }
  return r;
}
HWY_INLINE F32x16 negate(F32x16 x) {
  for (int p = 0; p < kRegisters; ++p) x.part[p] = hn::Neg(x.part[p]);
  return x;
}
HWY_INLINE I32x16 max(I32x16 a, I32x16 b) {
  for (int p = 0; p < kRegisters; ++p) a.part[p] = hn::Max(a.part[p], b.part[p]);
  return a;
}
HWY_INLINE bool any_greater(I32x16 a, I32x16 b) {
  auto any = hn::Gt(a.part[0], b.part[0]);
  for (int p = 1; p < kRegisters; ++p) any = hn::Or(any, hn::Gt(a.part[p], b.part[p]));
  return !hn::AllFalse(IntTag(), any);
}
HWY_INLINE bool any_equal(I32x16 a, I32x16 b) {
  auto any = hn::Eq(a.part[0], b.part[0]);
  for (int p = 1; p < kRegisters; ++p) any = hn::Or(any, hn::Eq(a.part[p], b.part[p]));
  return !hn::AllFalse(IntTag(), any);
}
HWY_INLINE void store(I32x16 v, int32_t* to) {
  for (int p = 0; p < kRegisters; ++p) hn::StoreU(v.part[p], IntTag(), to + p * kWidth);
}

#endif

/// The largest lane.
HWY_INLINE int32_t max_lanes(I32x16 v) {
  int32_t lanes[kLanes];
  store(v, lanes);
  int32_t largest = lanes[0];
  for (int i = 1; i < kLanes; ++i) largest = lanes[i] > largest ? lanes[i] : largest;
  return largest;
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
