// Mean squared error: the loss of regression.
#pragma once

#include "array/array.hpp"

namespace linnet::ops {

/// mean((x - target)^2) over all elements, a scalar
///   x, target  f32 of one shape, any strides; at least one element
/// Errors: invalid_argument naming both shapes and dtypes. Gradient: x and target. Devices: cpu.
Array mean_squared_error(const Array& x, const Array& target);

}  // namespace linnet::ops
