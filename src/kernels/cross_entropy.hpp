// Cross-entropy of logits with a class, and its gradient, a row at a time.
#pragma once

#include "kernels/cpu/context.hpp"

namespace linnet::kernels {

/// With L = log(sum(exp(z))) and t the target:
///   loss = (1 - smoothing) (L - z[t]) + smoothing (L - mean(z)) + z_loss L^2
struct CrossEntropyArgs {
  float* logits = nullptr;           // [rows, width] z; if `gradient`, becomes weight * dloss/dz
  const int32_t* targets = nullptr;  // [rows]
  const float* weights = nullptr;    // [rows]
  float* losses = nullptr;           // [rows]: loss
  float* log_likelihoods = nullptr;  // [rows]: z[t] - L
  int64_t rows = 0;
  int64_t width = 0;
  float label_smoothing = 0;
  float z_loss = 0;
  bool gradient = false;
};

namespace cpu {
/// Sums over 16 lanes and a fixed tree, as in softmax.
void cross_entropy(const CrossEntropyArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
