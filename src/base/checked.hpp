// Size arithmetic that fails instead of wrapping: every product of sizes that comes from a file or
// a caller goes through here.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "base/error.hpp"

namespace linnet {

/// a * b; invalid_argument if it does not fit 63 bits or a factor is negative.
inline int64_t checked_mul(int64_t a, int64_t b) {
  int64_t result = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &result))
    fail(ErrorCode::invalid_argument, "the size {} x {} does not fit 63 bits", a, b);
  return result;
}

/// a + b; invalid_argument if it does not fit 63 bits or a term is negative.
inline int64_t checked_add(int64_t a, int64_t b) {
  int64_t result = 0;
  if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &result))
    fail(ErrorCode::invalid_argument, "the size {} + {} does not fit 63 bits", a, b);
  return result;
}

/// The product of all extents (1 for none), checked.
inline int64_t checked_product(std::span<const int64_t> extents) {
  int64_t result = 1;
  for (int64_t extent : extents) result = checked_mul(result, extent);
  return result;
}

/// The smallest multiple of `multiple` (> 0) that is >= value (>= 0).
constexpr int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace linnet
