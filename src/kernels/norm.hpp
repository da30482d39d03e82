// Normalisation over the last axis.
#pragma once

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

namespace cpu {
/// y = x / sqrt(mean(x^2) + eps) * weight, the mean over 16 lanes and a fixed tree.
void rms_norm(const NormArgs& args, const Context& context);
/// y = (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) * weight + bias, sums as in rms_norm.
void layer_norm(const NormArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
