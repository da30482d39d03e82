// The gate of a feed-forward block: an activation and a product in one pass.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/dtype.hpp"
#include "kernels/cpu/context.hpp"

namespace linnet::kernels {

enum class Activation : uint8_t { silu, gelu_tanh, gelu };

/// "silu", "gelu_tanh", "gelu".
std::string_view to_string(Activation activation) noexcept;

struct GatedActivationArgs {
  const void* gate = nullptr;  // [rows, width], rows gate_stride elements apart
  const void* up = nullptr;    // [rows, width], rows up_stride elements apart
  void* y = nullptr;           // [rows, width], dense; may be gate or up if the dtypes are equal
                               // and that one is dense
  DType dtype = DType::f32;    // of gate and up: f32 or bf16
  DType y_dtype = DType::f32;  // f32 or bf16
  int64_t rows = 0;
  int64_t width = 0;
  int64_t gate_stride = 0;
  int64_t up_stride = 0;
  Activation activation = Activation::silu;
};

/// The gradient of y = activation(gate) * up, all [rows, width] f32 and dense.
struct GatedGradientArgs {
  const float* gate = nullptr;
  const float* up = nullptr;
  const float* dy = nullptr;
  float* dgate = nullptr;  // may be gate or dy
  float* dup = nullptr;    // may be up
  int64_t count = 0;       // rows * width
  Activation activation = Activation::silu;
};

namespace cpu {
/// dgate = dy * up * activation'(gate), dup = dy * activation(gate).
void gated_activation_gradient(const GatedGradientArgs& args, const Context& context);
/// y = activation(gate) * up, computed in f32 and rounded once.
/// Errors: internal for other dtypes.
void gated_activation(const GatedActivationArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
