// Probabilities and log-probabilities of logits.
#pragma once

#include "array/array.hpp"

namespace linnet::ops {

/// Softmax along an axis: y = exp(x - m) / sum(exp(x - m)), m the largest element along it
///   x       [...]  any floating dtype, any strides
///   result  [...]  dtype of x; computed in f32, the sum over 16 lanes and then a fixed tree
/// -infinity gives 0; NaN or +infinity in a row, or -infinity only, makes the row NaN.
/// Errors: invalid_argument if x is a scalar or not floating, or has no such axis. Devices: cpu.
Array softmax(const Array& x, int axis = -1);

/// The logarithm of softmax: y = x - m - log(sum(exp(x - m))). Otherwise as softmax.
Array log_softmax(const Array& x, int axis = -1);

}  // namespace linnet::ops
