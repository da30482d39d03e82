// The k best of a row seen from left to right, in O(k) memory.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/order.hpp"

namespace linnet::kernels::cpu {

/// Key and index in one integer: a larger key first, then a lower index.
inline uint64_t pack_descending(int32_t key, int64_t index) {
  const uint32_t rising = static_cast<uint32_t>(key) ^ 0x80000000U;
  return static_cast<uint64_t>(~rising) << 32 | static_cast<uint64_t>(index);
}
inline int32_t key_of_descending(uint64_t packed) {
  return static_cast<int32_t>(~static_cast<uint32_t>(packed >> 32) ^ 0x80000000U);
}

/// The first elements seen that may be among the k largest, and the bar that others have to pass.
struct Candidates {
  uint64_t* packed;  // [capacity]
  int64_t capacity;
  int64_t k;
  int64_t count = 0;
  int32_t bar = kLowestKey;  // a later element needs a larger key: an equal one has a larger index

  void add(int32_t key, int64_t index) { packed[count++] = pack_descending(key, index); }
  [[nodiscard]] bool full(int64_t more) const { return count + more > capacity; }
  /// Keeps the k best.
  void shrink() {
    if (count <= k) return;
    std::nth_element(packed, packed + k - 1, packed + count);
    bar = key_of_descending(packed[k - 1]);
    count = k;
  }
};

}  // namespace linnet::kernels::cpu
