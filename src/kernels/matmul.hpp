// Matrix products under the dot-product contract (docs/numerics.md): K in blocks of 32; in a block
// one chain of fused multiply-adds over the even k and one over the odd k, each from +0; the
// block's value is even + odd; block values are added in rising order. Equal bits on every
// instruction set, for every number of rows and threads.
#pragma once

#include "kernels/cpu/context.hpp"
#include "kernels/view.hpp"

namespace linnet::kernels {

inline constexpr int64_t kPanelRows = 16;  ///< outputs that one panel of weights computes
inline constexpr int64_t kBlockK = 32;     ///< k is padded with zeros to a multiple of this

/// Weights [N, K] in the layout that products read: panels of 16 outputs, k in pairs.
///   bf16: [ceil(N/16)][Kp/2][16][2]    f32: [ceil(N/16)][Kp][16]    Kp = K rounded up to 32
/// Rows and columns beyond N and K are zero. (The bf16 panel is also AMX's tile layout.)
struct PackedWeights {
  const void* data = nullptr;
  DType dtype = DType::bf16;  ///< bf16 or f32
  int64_t n = 0;
  int64_t k = 0;
};

/// Bytes of packed weights. Errors: invalid_argument if they do not fit 63 bits.
int64_t packed_bytes(DType dtype, int64_t n, int64_t k);

struct PackArgs {
  ConstView weights;  // [N, K], bf16, f16 or f32, any strides; rounded to bf16 when packed as bf16
  DType dtype = DType::bf16;
  void* packed = nullptr;  // packed_bytes(dtype, N, K)
};

struct LinearArgs {
  ConstView x;  // [T, K], f32 or bf16, rows dense
  PackedWeights weights;
  const float* bias = nullptr;  // [N] or null
  float* y = nullptr;           // [T, N], rows y_stride apart
  int64_t y_stride = 0;
  float* workspace = nullptr;  // [T, Kp]
  bool round_x = false;        // round x to bf16 first (bf16 compute)
};

namespace cpu {
void pack_weights(const PackArgs& args, const Context& context);
/// y = x W^T + bias. Each output is one dot product by the contract, then one addition of the bias.
void linear(const LinearArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
