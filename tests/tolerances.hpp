// How far a result may be from the exact one, per dtype: the one place where tests say so.
#pragma once

#include <algorithm>
#include <cmath>

#include "base/dtype.hpp"

namespace linnet::test {

/// For results of a few f32 operations (element-wise functions): 3 ulp of f32, and for the 16-bit
/// formats the one rounding at the end. Integers and bools are exact.
constexpr double relative_tolerance(DType dtype) {
  switch (dtype) {
    case DType::f32: return 3 * 0x1p-23;
    case DType::bf16: return 0x1p-8 * 1.001;
    case DType::f16: return 0x1p-11 * 1.001;
    default: return 0;
  }
}

/// Below the normal numbers precision ends: f32 and bf16 flush, f16 has steps of 2^-24.
constexpr double absolute_tolerance(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::bf16: return 0x1p-126;
    case DType::f16: return 0x1p-25 * 1.001;
    default: return 0;
  }
}

/// The largest finite value; beyond it (and half a step) results are infinite.
constexpr double largest(DType dtype) {
  switch (dtype) {
    case DType::f16: return 65504;
    case DType::bf16: return 0x1.fep127;
    default: return 0x1.fffffep127;
  }
}

/// Whether `actual`, a value of `dtype`, stands for `expected`; `slack` is an allowed absolute
/// error beyond the dtype's own.
inline bool close(long double actual, long double expected, DType dtype, long double slack = 0) {
  if (std::isnan(expected)) return std::isnan(actual);
  const long double magnitude = std::fabs(expected);
  const long double allowed = magnitude * relative_tolerance(dtype) +
                              static_cast<long double>(absolute_tolerance(dtype)) + slack;
  if (is_floating(dtype) && magnitude + allowed >= largest(dtype))
    if (std::isinf(actual) && std::signbit(actual) == std::signbit(expected)) return true;
  return std::fabs(actual - expected) <= allowed || actual == expected;
}

}  // namespace linnet::test
