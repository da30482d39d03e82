// Normalisation over the last axis.
#pragma once

#include "base/dtype.hpp"
#include "kernels/cpu/context.hpp"

namespace linnet::kernels {

struct NormArgs {
  const float* x = nullptr;       // [rows, width]
  const float* weight = nullptr;  // [width]
  const float* bias = nullptr;    // [width] or null; layer_norm only
  float* y = nullptr;             // [rows, width]; may be x
  int64_t rows = 0;
  int64_t width = 0;
  float eps = 0;
};

/// An rms_norm that is part of another kernel.
struct RmsTerm {
  const float* weight = nullptr;  // [width]; null: there is no such norm
  float eps = 0;
};

/// A residual connection with the norms around it.
struct ResidualNormArgs {
  const float* x = nullptr;       // [rows, width]
  const float* y = nullptr;       // [rows, width]
  RmsTerm inner;                  // of y
  RmsTerm outer;                  // of the sum
  float* sum = nullptr;           // [rows, width]
  void* norm = nullptr;           // [rows, width], if there is an outer norm
  DType norm_dtype = DType::f32;  // f32 or bf16 (rounded once)
  int64_t rows = 0;
  int64_t width = 0;
};

/// The gradient of y = x * r * weight with r = 1 / sqrt(mean(x^2) + eps).
struct RmsNormGradientArgs {
  const float* x = nullptr;       // [rows, width]
  const float* weight = nullptr;  // [width]
  const float* dy = nullptr;      // [rows, width]
  const float* add = nullptr;     // [rows, width], added to dx; or null
  float* dx = nullptr;            // [rows, width]; may be dy or add
  /// [ceil(rows / kRowsPerPart), width]: sums of dy * x * r over parts of the rows, which together
  /// are dweight; or null.
  float* dweight_parts = nullptr;
  int64_t rows = 0;
  int64_t width = 0;
  float eps = 0;

  /// So that the sums over rows do not depend on threads.
  static constexpr int64_t kRowsPerPart = 64;
};

namespace cpu {
/// dx = r * (dy * weight) - x * (r^3 / width * sum(dy * weight * x)) + add, the sum by FMA over 16
/// lanes and a fixed tree. Rows of a part are added in rising order.
void rms_norm_gradient(const RmsNormGradientArgs& args, const Context& context);
/// y = x / sqrt(mean(x^2) + eps) * weight, the mean over 16 lanes and a fixed tree.
void rms_norm(const NormArgs& args, const Context& context);
/// y = (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) * weight + bias, sums as in rms_norm.
void layer_norm(const NormArgs& args, const Context& context);
/// sum = x + y, or x + rms_norm(y, inner); norm = rms_norm(sum, outer).
void residual_norm(const ResidualNormArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
