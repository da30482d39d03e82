// Reductions over one axis, several axes or all of them (the default). With keepdims the reduced
// axes stay with extent 1. The elements of several axes are taken in row-major order.
//
// Every op takes x [...] of any strides. Errors of all: invalid_argument naming the op for an axis
// that x does not have or that is given twice; of mean, max, min, argmax and argmin also for
// reducing an axis of extent 0. Devices: cpu.
#pragma once

#include "ops/axes.hpp"

namespace linnet::ops {

/// The sum: y = x[0] + x[1] + ...; 0 for no elements
///   x       any dtype
///   result  dtype of x if floating, else i64 (modulo 2^64)
/// Floats are added in f32, element i in lane i mod 16, lanes by a fixed tree, and rounded once.
Array sum(const Array& x, const Axes& axes = {}, bool keepdims = false);

/// The mean: sum / number of elements
///   x       any dtype
///   result  dtype of x if floating, else f32
/// Floats as in sum, divided in f32; integers are summed exactly (modulo 2^64), divided in double.
Array mean(const Array& x, const Axes& axes = {}, bool keepdims = false);

/// The largest element; NaN if there is one. A zero comes back as +0.
///   x, result  any dtype
Array max(const Array& x, const Axes& axes = {}, bool keepdims = false);

/// The smallest element; NaN if there is one. A zero comes back as +0.
///   x, result  any dtype
Array min(const Array& x, const Axes& axes = {}, bool keepdims = false);

/// The index of the first of the largest elements, or of the first NaN
///   x       any dtype
///   result  i64; over several axes the index into those axes flattened
Array argmax(const Array& x, const Axes& axes = {}, bool keepdims = false);

/// The index of the first of the smallest elements, or of the first NaN; otherwise as argmax.
Array argmin(const Array& x, const Axes& axes = {}, bool keepdims = false);

/// log(sum(exp(x))), computed as m + log(sum(exp(x - m))) with m the largest element; -infinity
/// for no elements
///   x, result  any floating dtype; computed in f32, the sum as in sum()
/// Errors: invalid_argument also if x is not floating.
Array logsumexp(const Array& x, const Axes& axes = {}, bool keepdims = false);

/// Whether any element is not zero (NaN is not, subnormals are); false for no elements
///   x       any dtype
///   result  bool
Array any(const Array& x, const Axes& axes = {}, bool keepdims = false);

/// Whether every element is not zero; true for no elements. Otherwise as any().
Array all(const Array& x, const Axes& axes = {}, bool keepdims = false);

}  // namespace linnet::ops
