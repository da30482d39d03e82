// Affine quantisation in groups along K, with MLX's layout and MLX's rounding to the bit.
//
// A group of `group_size` weights w becomes whole numbers q in 0..n, n = 2^bits - 1, and two
// factors: w is about scale * q + bias. In float32, without fused operations:
//   lo, hi   the smallest and the largest weight
//   s        max((hi - lo) / n, 1e-7), its sign turned unless |lo| > |hi|
//   edge     lo if |lo| > |hi|, else hi;  q0 = rint(edge / s)
//   scale    q0 == 0 ? s : edge / q0      (so that the edge is met exactly)
//   bias     q0 == 0 ? 0 : edge
//   q        clamp(rint((w - bias) / scale), 0, n), from the scale and bias before they are stored
// rint rounds to nearest even. This is what MLX's CPU backend computes; scale and bias are stored
// in the weights' type.
//
// Words: a row is a string of bits, q of element k at bits [k * bits, (k + 1) * bits), the first
// bit the lowest of the first byte.
#pragma once

#include "base/quantization.hpp"
#include "kernels/cpu/context.hpp"
#include "kernels/view.hpp"

namespace linnet::kernels {

struct QuantizeArgs {
  ConstView weights;  // [N, K], bf16, f16 or f32; a row's elements side by side
  Quantization quantization;
  uint32_t* words = nullptr;  // [N, K * bits / 32]
  void* scales = nullptr;     // [N, K / group_size], dtype of weights
  void* biases = nullptr;     // the same
};

struct DequantizeArgs {
  const uint32_t* words = nullptr;  // [N, K * bits / 32]
  ConstView scales;                 // [N, K / group_size], bf16, f16 or f32, dense
  ConstView biases;                 // the same, of the same dtype
  Quantization quantization;
  View weights;  // [N, K], bf16, f16 or f32, dense
};

namespace cpu {
/// Quantises all rows. The result is the first row that cannot be (it holds a NaN, an infinity or
/// numbers too far apart for float32), or -1; that row's group has undefined contents.
int64_t quantize(const QuantizeArgs& args, const Context& context);
/// w = scale * q + bias, product and sum each rounded to float32, then to the dtype of `weights`.
void dequantize(const DequantizeArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
