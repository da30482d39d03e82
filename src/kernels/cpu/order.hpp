// The order of floats for max, sort and top-k, as integers: they do not care whether the processor
// flushes subnormals, and they give NaN a place. All NaN are equal and above infinity, as NumPy
// sorts them; -0 and +0 are equal. order-inl.h has the same for sixteen lanes.
#pragma once

#include <bit>
#include <cstdint>

namespace linnet::kernels::cpu {

inline constexpr int32_t kNanKey = 0x7fc00000;
inline constexpr int32_t kLowestKey = INT32_MIN;  // below the key of -infinity

/// a < b as numbers if and only if order_key(a) < order_key(b).
inline int32_t order_key(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return kNanKey;
  if (bits == 0x80000000U) return 0;
  // The larger the bits of a negative float, the lower it is.
  return static_cast<int32_t>((bits >> 31) != 0 ? bits ^ 0x7fffffffU : bits);
}

/// The float that has this key (+0 for zeros).
inline float from_order_key(int32_t key) {
  return std::bit_cast<float>(key < 0 ? key ^ 0x7fffffff : key);
}

}  // namespace linnet::kernels::cpu
