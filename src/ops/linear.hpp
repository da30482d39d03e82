// Products with weights, packed once into the layout that the device's kernels read.
#pragma once

#include <span>
#include <vector>

#include "array/array.hpp"
#include "base/quantization.hpp"
#include "kernels/activation.hpp"
#include "kernels/matmul.hpp"

namespace linnet::ops {

using kernels::Activation;

/// A weight matrix [N, K] in its device's product layout (kernels/matmul.hpp). Cheap to copy;
/// immutable.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  PackedMatrix(Array storage, DType dtype, int64_t n, int64_t k, Quantization quantization = {})
      : storage_(std::move(storage)), dtype_(dtype), n_(n), k_(k), quantization_(quantization) {}

  [[nodiscard]] bool defined() const noexcept { return storage_.defined(); }
  [[nodiscard]] int64_t outputs() const noexcept { return n_; }  ///< N
  [[nodiscard]] int64_t inputs() const noexcept { return k_; }   ///< K
  /// bf16 or f32: of the weights, or of the scales and biases of quantised ones.
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] Quantization quantization() const noexcept { return quantization_; }
  [[nodiscard]] const DevicePtr& device() const { return storage_.device(); }
  [[nodiscard]] const Array& storage() const noexcept { return storage_; }
  /// The weights [N, K] that this was packed from, if they are on a tape: products with it have
  /// gradients by them then. Undefined otherwise.
  [[nodiscard]] const Array& source() const noexcept { return source_; }
  void set_source(Array source) { source_ = std::move(source); }

  /// Bytes that a matrix of this size occupies once packed.
  static int64_t packed_bytes(DType dtype, int64_t n, int64_t k, Quantization quantization = {});

 private:
  Array storage_;  // u8, one axis
  DType dtype_ = DType::bf16;
  int64_t n_ = 0;
  int64_t k_ = 0;
  Quantization quantization_;
  Array source_;
};

/// For kernels; valid while the matrix lives.
kernels::PackedWeights raw(const PackedMatrix& matrix);

/// How the left operand of a product enters it.
enum class Rounding { none, bf16 };

/// Packs weights [N, K] (any floating dtype, any strides) as bf16 (rounded to nearest even) or f32.
/// If they are on a tape, they are the result's source().
/// Errors: invalid_argument if weights is not a floating matrix or dtype is neither bf16 nor f32.
PackedMatrix pack(const Array& weights, DType dtype);

/// Quantised weights as MLX stores them.
struct QuantizedRows {
  Array words;   ///< [N, K * bits / 32] u32: q of k at bits [k * bits, (k + 1) * bits) of its row
  Array scales;  ///< [N, K / group_size] bf16, f16 or f32
  Array biases;  ///< the same
};

/// Packs quantised weights. Scales and biases stay bf16 where they are, else become f32, exactly.
/// Errors: invalid_argument naming the shapes, or bits and groups that do not exist.
PackedMatrix pack_quantized(const QuantizedRows& rows, Quantization quantization);

/// Packs a matrix some rows at a time, so that its unpacked form need never be whole in memory.
class QuantizedPacker {
 public:
  /// A matrix [outputs, inputs]; `scales` is the dtype that its scales are kept in, bf16 or f32.
  /// Errors: as pack_quantized.
  QuantizedPacker(int64_t outputs, int64_t inputs, Quantization quantization, DType scales,
                  const DevicePtr& device);
  /// The next rows; all but the last a multiple of 16. Errors: as pack_quantized.
  void append(const QuantizedRows& rows);
  /// Errors: invalid_argument if rows are missing.
  PackedMatrix finish();

 private:
  PackedMatrix matrix_;
  int64_t rows_ = 0;
};

/// y = x W^T + bias
///   x       [..., K]  f32 or bf16; with Rounding::bf16 an f32 x is rounded to bf16 first
///   bias    [N] f32, or undefined
///   result  [..., N]  f32; each element one dot product by the contract, then the bias is added
/// Errors: invalid_argument if x does not end in K or bias is not [N]. Gradient: x, the weights'
/// source, bias; see linear_transposed. Devices: cpu.
Array linear(const Array& x, const PackedMatrix& weights, const Array& bias = {},
             Rounding rounding = Rounding::none);

/// One of several products with the same x.
struct LinearTerm {
  const PackedMatrix& weights;  // [N, K]
  Array bias = {};              // [N] f32, or undefined
};

/// y = x W^T + bias for each of several matrices, in one pass over x and one fork of the threads.
/// The bits are those of linear(). Errors: as linear.
std::vector<Array> linear(const Array& x, std::span<const LinearTerm> terms, Rounding rounding);

/// y = x W, with the columns of the packed matrix: the gradient of linear() by its x
///   x       [..., N]  f32
///   result  [..., K]  f32; dot products over n by the contract. Quantised weights are
///                     scale * q + bias in f32, rounded after each step; with Rounding::bf16 the
///                     weights and x are rounded to bf16
/// The transpose is made some panels at a time, a few megabytes. Errors: invalid_argument if x does
/// not end in N. Devices: cpu.
Array linear_transposed(const Array& x, const PackedMatrix& weights,
                        Rounding rounding = Rounding::none);

/// dy^T x over all rows, [N, K] f32: the gradient of linear() by its weights
///   dy [..., N] f32, x [..., K] f32 or bf16; with Rounding::bf16 both are rounded to bf16
Array weight_gradient(const Array& dy, const Array& x, Rounding rounding = Rounding::none);

/// y = activation(x gate^T) * (x up^T), without storing either product
///   x         [..., K]  as for linear
///   gate, up  [F, K]
///   result    [..., F]  f32, or bf16 with Rounding::bf16, which is what the next product would
///                       round it to; otherwise the bits of gated_activation of two linear(),
///                       which is what it is where gradients are taken
/// Errors: as linear; invalid_argument if gate and up differ in shape. Devices: cpu.
Array gated_linear(const Array& x, const PackedMatrix& gate, const PackedMatrix& up,
                   Activation activation, Rounding rounding);

/// Rows of an embedding table, scaled: y[t] = table[ids[t]] * scale
///   table   [V, M]  packed (so a tied head needs no second copy); of a quantised one the rows
///   asked
///                   for are computed: scale * q + bias, rounded once after each step
///   result  [T, M]  f32
/// Errors: invalid_argument for an id outside 0..V-1. Devices: cpu.
Array embedding(const PackedMatrix& table, std::span<const int32_t> ids, float scale = 1.0F);

}  // namespace linnet::ops
