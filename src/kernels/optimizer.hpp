// One step of an optimizer on one parameter, and what clipping gradients needs. Arrays are dense
// f32; every element is computed on its own with one rounding per written operation, so the bits
// depend on neither instruction set nor threads. Sums: elements in chunks of kSquareChunk, each
// over 16 lanes and the fixed tree, chunks added in rising order in double.
//
// A gradient is multiplied by gradient_scale (clipping) before anything else. Subnormals count as
// zero.
#pragma once

#include <cstdint>

#include "kernels/cpu/context.hpp"

namespace linnet::kernels {

/// Elements that one partial sum of squares covers.
inline constexpr int64_t kSquareChunk = 4096;
/// Rows whose squares are added in one chain per column.
inline constexpr int64_t kColumnChunk = 64;

/// What every step has.
struct StepArrays {
  float* parameter = nullptr;       // [size]
  const float* gradient = nullptr;  // [size]
  int64_t size = 0;
  float gradient_scale = 1;
};

struct AdamWArgs {
  StepArrays arrays;
  float* exp_avg = nullptr;     // [size], m
  float* exp_avg_sq = nullptr;  // [size], v
  float decay = 1;              // 1 - learning rate * weight decay
  float first_weight = 0;       // 1 - beta1
  float beta2 = 0;
  float second_weight = 0;  // 1 - beta2
  float step_size = 0;      // learning rate / (1 - beta1^t)
  float second_root = 1;    // sqrt(1 - beta2^t)
  float epsilon = 0;
};

struct SgdArgs {
  StepArrays arrays;
  float* momentum_buffer = nullptr;  // [size], or null without momentum
  float weight_decay = 0;
  float momentum = 0;
  float learning_rate = 0;
  bool nesterov = false;
};

struct LionArgs {
  StepArrays arrays;
  float* exp_avg = nullptr;  // [size]
  float decay = 1;           // 1 - learning rate * weight decay
  float beta1 = 0;
  float first_weight = 0;  // 1 - beta1
  float beta2 = 0;
  float second_weight = 0;  // 1 - beta2
  float learning_rate = 0;
};

/// Adafactor's second moments: of a matrix, a mean per row and one per column; else one per
/// element.
struct AdafactorArgs {
  StepArrays arrays;
  int64_t rows = 0;           // 0: not factored
  int64_t columns = 0;        // arrays.size = rows * columns
  float* row_var = nullptr;   // [rows]
  float* col_var = nullptr;   // [columns]
  float* variance = nullptr;  // [size], if not factored
  float weight = 0;           // of the new squares: t^beta2_decay
  float decay = 1;            // 1 - learning rate * weight decay
  double relative_rate = 0;   // min(learning rate, 1 / sqrt(t))
  float epsilon1 = 0;         // least root of a second moment
  double epsilon2 = 0;        // least root mean square of the parameter
  double clip_threshold = 1;  // of the update's root mean square
};

namespace cpu {

/// p = p * decay; m = fma(1 - beta1, g - m, m); v = fma((1 - beta2) * g, g, beta2 * v);
/// p = p - (step_size * m) / (sqrt(v) / second_root + epsilon)
void adamw(const AdamWArgs& args, const Context& context);

/// g = fma(weight_decay, p, g); b = momentum * b + g; p = fma(-learning_rate, d, p), where d is g
/// without momentum, fma(momentum, b, g) with nesterov, else b.
void sgd(const SgdArgs& args, const Context& context);

/// p = p * decay - learning_rate * sign(beta1 * m + (1 - beta1) * g); m = beta2 * m + (1 - beta2) *
/// g. The sign of zero and of NaN is 0.
void lion(const LionArgs& args, const Context& context);

/// As torch.optim.Adafactor, in this order: the parameter's root mean square; decay; the means of
/// g^2 into the moments, x = x + weight * (new - x) (of a row over 16 lanes; of a column in chains
/// of kColumnChunk rows, the chains added in rising order); u = g / sqrt(max(estimate,
/// epsilon1^2)), the estimate of a matrix being (row_var * col_var) / max(mean(row_var), epsilon1);
/// then p = fma(-a, u, p), a = relative_rate * max(epsilon2, rms of p) / max(1, rms of u /
/// clip_threshold).
void adafactor(const AdafactorArgs& args, const Context& context);

/// The sum of x^2 over a dense array.
double sum_of_squares(const float* x, int64_t size, const Context& context);

/// sum = fma(scale, x, sum) of dense arrays.
void add_scaled(float* sum, const float* x, int64_t size, float scale, const Context& context);

}  // namespace cpu

}  // namespace linnet::kernels
