// Rotary position embedding.
#pragma once

#include "kernels/cpu/context.hpp"

namespace linnet::kernels {

struct RopeArgs {
  const float* x = nullptr;    // [T, H, D]
  const float* cos = nullptr;  // [T, D/2]
  const float* sin = nullptr;  // [T, D/2]
  float* y = nullptr;          // [T, H, D]; may be x
  int64_t rows = 0;            // T
  int64_t heads = 0;           // H
  int64_t head_dim = 0;        // D, even
};

namespace cpu {
/// Rotates the pairs (x[i], x[i + D/2]): y[i] = x[i] cos - x[i + D/2] sin,
/// y[i + D/2] = x[i + D/2] cos + x[i] sin (Hugging Face's "rotate half" form).
void rope(const RopeArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
