// Group quantisation of weight matrices, as MLX stores it.
#pragma once

#include <cstdint>

#include "base/error.hpp"

namespace linnet {

/// w = scale * q + bias, q an integer in 0 .. 2^bits - 1; scale and bias are shared by group_size
/// consecutive inputs of one output (MLX's "affine" mode).
struct Quantization {
  int bits = 0;  ///< 0: not quantised
  int group_size = 0;

  explicit operator bool() const noexcept { return bits != 0; }
  friend bool operator==(const Quantization&, const Quantization&) = default;
};

/// Whether these are bits and groups that MLX writes: 2, 3, 4, 5, 6, 8 and 32, 64, 128.
constexpr bool is_supported(const Quantization& q) {
  const bool bits =
      q.bits == 2 || q.bits == 3 || q.bits == 4 || q.bits == 5 || q.bits == 6 || q.bits == 8;
  return bits && (q.group_size == 32 || q.group_size == 64 || q.group_size == 128);
}

/// Errors: invalid_argument naming the numbers, unless is_supported(q).
inline void check_supported(const Quantization& q) {
  require(is_supported(q),
          "quantisation to {} bits in groups of {}: bits are 2, 3, 4, 5, 6 or 8, groups 32, 64 or "
          "128",
          q.bits, q.group_size);
}

}  // namespace linnet
