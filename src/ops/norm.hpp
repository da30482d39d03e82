// Normalisation over the last axis.
#pragma once

#include "array/array.hpp"

namespace linnet::ops {

/// Root-mean-square normalisation over the last axis: y = x / sqrt(mean(x^2) + eps) * weight
///   x       [..., D]  any floating dtype, any strides
///   weight  [D]       any floating dtype
///   result  [..., D]  dtype of x; computed in f32, the sum over 16 lanes and then a fixed tree
/// Errors: invalid_argument if x is a scalar or not floating, or weight is not [D].
Array rms_norm(const Array& x, const Array& weight, float eps);

/// Layer normalisation over the last axis: y = (x - mean) / sqrt(variance + eps) * weight + bias
///   x       [..., D]  any floating dtype, any strides
///   weight, bias [D]  any floating dtype; bias may be undefined (none)
///   result  [..., D]  dtype of x; computed in f32 with sums as in rms_norm
/// Errors: as rms_norm.
Array layer_norm(const Array& x, const Array& weight, const Array& bias, float eps);

}  // namespace linnet::ops
