// Matrix products under the dot-product contract (docs/numerics.md): K in blocks of 32; in a block
// one chain of fused multiply-adds over the even k and one over the odd k, each from +0; the
// block's value is even + odd; block values are added in rising order. With quantised weights the
// contract holds inside each group over the integers q, and groups are combined by fused
// multiply-adds. Equal bits on every instruction set, for every number of rows and threads.
#pragma once

#include <span>
#include <string_view>

#include "base/quantization.hpp"
#include "kernels/activation.hpp"
#include "kernels/cpu/context.hpp"
#include "kernels/view.hpp"

namespace linnet::kernels {

inline constexpr int64_t kPanelRows = 16;  ///< outputs that one panel of weights computes
inline constexpr int64_t kBlockK = 32;     ///< k is padded with zeros to a multiple of this

/// Weights [N, K] in the layout that products read: panels of 16 outputs, k in pairs.
///   bf16: [ceil(N/16)][Kp/2][16][2]    f32: [ceil(N/16)][Kp][16]    Kp = K rounded up to 32
///   quantised: [ceil(N/16)][K/group] of
///     q       [group * width / 32][16] u32; a word holds 32 / width consecutive k of one output,
///             the even k from bit 0 on, the odd k from bit 16 on; width is 4 for up to 4 bits,
///             else
///             8
///     scale   [16], bias [16]  bf16 or f32 (dtype)
/// Rows and columns beyond N and K are zero. (The bf16 panel is also AMX's tile layout.)
struct PackedWeights {
  const void* data = nullptr;
  DType dtype = DType::bf16;  ///< bf16 or f32: of dense weights, or of scales and biases
  int64_t n = 0;
  int64_t k = 0;
  Quantization quantization = {};  ///< not set: dense

  /// Bits that one q occupies.
  [[nodiscard]] int width() const noexcept { return quantization.bits <= 4 ? 4 : 8; }
  [[nodiscard]] int64_t groups() const noexcept { return k / quantization.group_size; }
  /// Bytes of one group of a panel.
  [[nodiscard]] int64_t group_bytes() const noexcept {
    return quantization.group_size * width() * kPanelRows / 8 + 2 * kPanelRows * size_of(dtype);
  }
  [[nodiscard]] int64_t panels() const noexcept { return ceil_div(n, kPanelRows); }
  [[nodiscard]] int64_t panel_bytes() const noexcept {
    return quantization ? groups() * group_bytes()
                        : round_up(k, kBlockK) * kPanelRows * size_of(dtype);
  }
};

/// Bytes of packed weights. Errors: invalid_argument if they do not fit 63 bits, or if k is no
/// multiple of the group size.
int64_t packed_bytes(DType dtype, int64_t n, int64_t k, Quantization quantization = {});

struct PackArgs {
  ConstView weights;  // [N, K], bf16, f16 or f32, any strides; rounded to bf16 when packed as bf16
  DType dtype = DType::bf16;
  void* packed = nullptr;  // packed_bytes(dtype, N, K)
};

/// Quantised weights as MLX stores them: q of k sits at bits [k * bits, (k + 1) * bits) of its row.
struct PackQuantizedArgs {
  ConstView words;   // [N, K * bits / 32] u32, rows dense
  ConstView scales;  // [N, K / group_size], bf16, f16 or f32, rows dense
  ConstView biases;  // the same
  /// What to fill: rows first_row .. first_row + N - 1 (first_row a multiple of 16).
  PackedWeights packed;
  int64_t first_row = 0;
};

/// Some panels of the transpose of packed weights: panel p holds the columns 16 p .. 16 p + 15 of
/// W, each a row of N.
struct TransposePanelsArgs {
  PackedWeights weights;  // [N, K]
  int64_t first = 0;      // panel, of ceil(K/16)
  int64_t count = 0;
  /// Dense weights [16 * count, N] to be filled, bf16 (rounded to nearest even) or f32; quantised
  /// ones become scale * q + bias in float32 first, rounded after each step.
  DType dtype = DType::f32;
  void* packed = nullptr;  // packed_bytes(dtype, 16 * count, N)
};

/// One of the products that share their left operand.
struct LinearPart {
  PackedWeights weights;
  const float* bias = nullptr;  // [N] or null
  float* y = nullptr;           // [T, N], rows y_stride apart
  int64_t y_stride = 0;
};

struct LinearArgs {
  ConstView x;  // [T, K], f32 or bf16, rows dense
  /// All with the same K and, where quantised, the same group size.
  std::span<const LinearPart> parts;
  bool round_x = false;            // round x to bf16 first (bf16 compute)
  std::byte* workspace = nullptr;  // linear_workspace bytes, aligned to 64
};

/// y = activation(x G^T) * (x U^T)
struct GatedLinearArgs {
  ConstView x;
  PackedWeights gate;  // [F, K]
  PackedWeights up;    // [F, K], of the same layout
  Activation activation = Activation::silu;
  View y;  // [T, F], f32 or bf16 (rounded once), rows dense
  bool round_x = false;
  std::byte* workspace = nullptr;
};

/// What the kernel of a product is chosen by.
struct ProductKind {
  int64_t rows = 0;
  bool bf16_operands = false;  ///< x is bf16 or rounded to it, the weights are bf16 or quantised
  bool four_bits = false;      ///< all weights are quantised, to at most 4 bits
};

inline constexpr int64_t kUnpackedRows = 4;  ///< the most rows that UnpackedArgs is meant for

/// y = x B for a few rows and a matrix that is used once, as it is stored.
struct UnpackedArgs {
  const float* x = nullptr;  // [rows, K]
  int64_t rows = 0;
  const void* b = nullptr;    // [K, N], rows dense
  DType dtype = DType::bf16;  // of b: bf16 or f32
  int64_t k = 0;
  int64_t n = 0;
  float* y = nullptr;  // [rows, N]
};

namespace cpu {
void pack_weights(const PackArgs& args, const Context& context);
void pack_quantized(const PackQuantizedArgs& args, const Context& context);

/// Columns of W as rows of a matrix to multiply by: what the gradient of x in x W^T needs.
void transpose_panels(const TransposePanelsArgs& args, const Context& context);

/// What a product of this many rows needs to work.
int64_t linear_workspace(int64_t rows, int64_t k, int64_t group_size, int threads);

/// y = x W^T + bias for each part. Each output is one dot product by the contract, then one
/// addition of the bias.
void linear(const LinearArgs& args, const Context& context);
void gated_linear(const GatedLinearArgs& args, const Context& context);

/// Without packing: the bits of linear() with the packed transpose of B.
void multiply_unpacked(const UnpackedArgs& args, const Context& context);

/// Which kernel computes such a product, and why; for people.
std::string_view linear_variant(const ProductKind& kind, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
