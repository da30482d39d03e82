// Softmax over rows, and drawing an index from it.
#pragma once

#include "kernels/cpu/context.hpp"

namespace linnet::kernels {

struct SoftmaxArgs {
  const float* x = nullptr;  // [rows, width]
  float* y = nullptr;        // [rows, width]; may be x
  int64_t rows = 0;
  int64_t width = 0;
};

struct SoftmaxGradientArgs {
  const float* y = nullptr;   // [rows, width], what softmax or log_softmax gave
  const float* dy = nullptr;  // [rows, width]
  float* dx = nullptr;        // [rows, width]; may be dy
  int64_t rows = 0;
  int64_t width = 0;
};

struct CategoricalArgs {
  const float* logits = nullptr;    // [rows, width]
  const double* uniform = nullptr;  // [rows], each in [0, 1)
  int64_t* y = nullptr;             // [rows]
  int64_t rows = 0;
  int64_t width = 0;
};

namespace cpu {
/// y = exp(x - m) / sum(exp(x - m)), m the row's largest element; the sum over 16 lanes and a fixed
/// tree. A row with NaN or +infinity, or of -infinity only, becomes NaN.
void softmax(const SoftmaxArgs& args, const Context& context);
/// y = x - m - log(sum(exp(x - m))), as in softmax.
void log_softmax(const SoftmaxArgs& args, const Context& context);

/// dx = y * (dy - sum(dy * y)), the sum by FMA over 16 lanes and a fixed tree.
void softmax_gradient(const SoftmaxGradientArgs& args, const Context& context);
/// dx = dy - exp(y) * sum(dy)
void log_softmax_gradient(const SoftmaxGradientArgs& args, const Context& context);

/// The first index at which the running sum of w = exp(logits - m) passes uniform * sum(w). Sixteen
/// weights at a time are added by the fixed tree in float, and those sums in rising order in
/// double. -1 for a row that softmax would make NaN.
void categorical(const CategoricalArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
