// Changing the element type and the layout.
#pragma once

#include "array/array.hpp"

namespace linnet::ops {

/// x with every element converted to `dtype`; x itself if it has that dtype already.
///   x       [...]  any dtype, any strides
///   result  [...]  dense, unless it is x
/// Float to float rounds to nearest even; float to integer truncates towards zero, saturates at the
/// ends of the range and takes NaN to 0; integer to integer keeps the low bits (two's complement);
/// integer to f16 and bf16 goes through f32; anything to bool is x != 0 (f32 subnormals count as
/// 0). Errors: out_of_memory. Devices: cpu.
Array astype(const Array& x, DType dtype);

/// x in row-major order without gaps; x itself if it is so already, else a copy.
///   x       [...]  any dtype, any strides
///   result  [...]  dense
/// Errors: out_of_memory. Devices: cpu.
Array contiguous(const Array& x);

}  // namespace linnet::ops
