// The gate of a feed-forward block.
#pragma once

#include "array/array.hpp"
#include "kernels/activation.hpp"

namespace linnet::ops {

using kernels::Activation;

/// y = activation(gate) * up, in one pass
///   gate, up  [..., F]  one dtype, f32 or bf16; any strides (rows of a joint [T, 2F] are read in
///                       place)
///   result    [..., F]  that dtype; computed in f32 and rounded once
/// The activations are those of elementwise.hpp. Errors: invalid_argument if shapes or dtypes
/// differ, the dtype is another or there is no axis. Devices: cpu.
Array gated_activation(const Array& gate, const Array& up, Activation activation);

}  // namespace linnet::ops
