// Running sums.
#pragma once

#include "array/array.hpp"

namespace linnet::ops {

struct ScanOptions {
  bool reverse = false;    ///< from the last element down
  bool exclusive = false;  ///< without the element itself: the first sum is 0
};

/// Running sums along an axis: y[i] = x[0] + ... + x[i]
///   x       [...]  any dtype, any strides
///   result  [...]  dtype of x if floating, else i64 (modulo 2^64)
/// Floats are added one by one in f32 and each sum is rounded once.
/// Errors: invalid_argument if x is a scalar or has no such axis. Devices: cpu.
Array cumsum(const Array& x, int axis = -1, const ScanOptions& options = {});

}  // namespace linnet::ops
