// Sorting, partitioning and selecting along an axis.
//
// Every op takes x [...] of any dtype and strides and compares as NumPy sorts: NaN is larger than
// all numbers, -0 equals +0, and equal elements keep the order of their indices; so there is one
// right result. Indices are i64. Errors of all: invalid_argument naming the op if x is a scalar,
// has no such axis, or 2^32 elements or more along it. Devices: cpu.
#pragma once

#include "array/array.hpp"

namespace linnet::ops {

/// The elements in rising order.
///   result  [...]  dtype of x
Array sort(const Array& x, int axis = -1);

/// The indices that sort x.
///   result  [...]  i64
Array argsort(const Array& x, int axis = -1);

/// Indices of which the kth is the one that argsort has there; those before it are of elements that
/// sort before, those after it of elements that sort after, each group in rising order of index.
///   kth     0..n - 1, n the extent of the axis; negative ones count from the end
///   result  [...]  i64
/// Takes time O(n). Errors: invalid_argument also for a kth outside.
Array argpartition(const Array& x, int64_t kth, int axis = -1);

struct TopK {
  Array values;
  Array indices;
};

/// The k largest elements along an axis, largest first (NaN before all numbers)
///   k       0..n, n the extent of the axis
///   values  [...]  with extent k along the axis, dtype of x
///   indices [...]  i64, likewise
/// A row is read once, and only what passes the k-th best so far is kept.
/// Errors: invalid_argument also for a k outside.
TopK topk(const Array& x, int64_t k, int axis = -1);

}  // namespace linnet::ops
