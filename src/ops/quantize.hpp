// Weights in groups of few bits and back: MLX's affine quantisation.
#pragma once

#include "ops/linear.hpp"

namespace linnet::ops {

/// Quantises weights in groups along K, with MLX's rounding to the bit (kernels/quantize.hpp)
///   w       [N, K]  bf16, f16 or f32, any strides; K a multiple of the group size
///   result  scales and biases in w's dtype
/// Errors: invalid_argument if w is no floating matrix, K is no multiple of the group size, the
/// quantisation is not one of those linnet knows, or a row holds a NaN or an infinity (naming the
/// row). Devices: cpu.
QuantizedRows quantize(const Array& w, const Quantization& quantization);

/// The weights that a quantised matrix stands for: w = scale * q + bias, product and sum each
/// rounded to float32, then to `dtype`
///   result  [N, K]  bf16, f16 or f32
/// Errors: invalid_argument if the shapes or dtypes do not fit together. Devices: cpu.
Array dequantize(const QuantizedRows& quantized, const Quantization& quantization,
                 DType dtype = DType::f32);

}  // namespace linnet::ops
