// Matrix products of arrays.
#pragma once

#include "array/array.hpp"

namespace linnet::ops {

/// Matrix product over the last two axes, the axes before them broadcast (NumPy's matmul); an
/// operand with one axis is a row on the left and a column on the right, and that axis is dropped
/// from the result.
///   a       [..., M, K]  any floating dtype, any strides
///   b       [..., K, N]  any floating dtype, any strides
///   result  [..., M, N]  the promoted dtype; each element is one dot product by the contract
///                        (kernels/matmul.hpp) in f32, rounded once
/// Errors: invalid_argument naming both shapes. Devices: cpu.
Array matmul(const Array& a, const Array& b);

}  // namespace linnet::ops
