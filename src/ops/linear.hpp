// Products with weights, packed once into the layout that the device's kernels read.
#pragma once

#include <span>

#include "array/array.hpp"

namespace linnet::ops {

/// A weight matrix [N, K] in its device's product layout (kernels/matmul.hpp). Cheap to copy;
/// immutable.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  PackedMatrix(Array storage, DType dtype, int64_t n, int64_t k)
      : storage_(std::move(storage)), dtype_(dtype), n_(n), k_(k) {}

  [[nodiscard]] bool defined() const noexcept { return storage_.defined(); }
  [[nodiscard]] int64_t outputs() const noexcept { return n_; }  ///< N
  [[nodiscard]] int64_t inputs() const noexcept { return k_; }   ///< K
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }  ///< bf16 or f32
  [[nodiscard]] const DevicePtr& device() const { return storage_.device(); }
  [[nodiscard]] const Array& storage() const noexcept { return storage_; }

  /// Bytes that a matrix of this size occupies once packed.
  static int64_t packed_bytes(DType dtype, int64_t n, int64_t k);

 private:
  Array storage_;  // u8, one axis
  DType dtype_ = DType::bf16;
  int64_t n_ = 0;
  int64_t k_ = 0;
};

/// How the left operand of a product enters it.
enum class Rounding { none, bf16 };

/// Packs weights [N, K] (any floating dtype, any strides) as bf16 (rounded to nearest even) or f32.
/// Errors: invalid_argument if weights is not a floating matrix or dtype is neither bf16 nor f32.
PackedMatrix pack(const Array& weights, DType dtype);

/// y = x W^T + bias
///   x       [..., K]  f32 or bf16; with Rounding::bf16 an f32 x is rounded to bf16 first
///   bias    [N] f32, or undefined
///   result  [..., N]  f32; each element one dot product by the contract, then the bias is added
/// Errors: invalid_argument if x does not end in K or bias is not [N]. Devices: cpu.
Array linear(const Array& x, const PackedMatrix& weights, const Array& bias = {},
             Rounding rounding = Rounding::none);

/// Rows of an embedding table, scaled: y[t] = table[ids[t]] * scale
///   table   [V, M]  packed (so a tied head needs no second copy)
///   result  [T, M]  f32
/// Errors: invalid_argument for an id outside 0..V-1. Devices: cpu.
Array embedding(const PackedMatrix& table, std::span<const int32_t> ids, float scale = 1.0F);

}  // namespace linnet::ops
