#include "kernels/activation.hpp"

#include <algorithm>
#include <cstddef>

#include "base/error.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/activation.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

template <class In, class Out, F32x16 (*kActivation)(F32x16)>
void gated_row(const void* gate, const void* up, void* out, int64_t width) {
  const auto* g = static_cast<const In*>(gate);
  const auto* u = static_cast<const In*>(up);
  auto* y = static_cast<Out*>(out);
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) store(kActivation(load(g + i)) * load(u + i), y + i);
  if (i == width) return;
  In last_gate[kLanes] = {};
  In last_up[kLanes] = {};
  Out last[kLanes];
  std::copy(g + i, g + width, last_gate);
  std::copy(u + i, u + width, last_up);
  store(kActivation(load(last_gate)) * load(last_up), last);
  std::copy(last, last + (width - i), y + i);
}

using GatedRow = void (*)(const void* gate, const void* up, void* y, int64_t width);

template <class In, class Out>
GatedRow with_activation(Activation activation) {
  switch (activation) {
    case Activation::silu: return gated_row<In, Out, silu>;
    case Activation::gelu_tanh: return gated_row<In, Out, gelu_tanh>;
    case Activation::gelu: return gated_row<In, Out, gelu_erf>;
  }
  return nullptr;
}

/// The function for a row; null if a dtype is neither f32 nor bf16.
GatedRow FindGatedRow(const GatedActivationArgs& a) {
  const bool from_f32 = a.dtype == DType::f32;
  const bool to_f32 = a.y_dtype == DType::f32;
  if ((!from_f32 && a.dtype != DType::bf16) || (!to_f32 && a.y_dtype != DType::bf16))
    return nullptr;
  if (from_f32)
    return to_f32 ? with_activation<float, float>(a.activation)
                  : with_activation<float, BF16>(a.activation);
  return to_f32 ? with_activation<BF16, float>(a.activation)
                : with_activation<BF16, BF16>(a.activation);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels {

std::string_view to_string(Activation activation) noexcept {
  switch (activation) {
    case Activation::silu: return "silu";
    case Activation::gelu_tanh: return "gelu_tanh";
    case Activation::gelu: return "gelu";
  }
  return "?";
}

}  // namespace linnet::kernels

namespace linnet::kernels::cpu {

HWY_EXPORT(FindGatedRow);

void gated_activation(const GatedActivationArgs& args, const Context& context) {
  const auto row_function = choose(HWY_DISPATCH_TABLE(FindGatedRow), context.isa)(args);
  if (row_function == nullptr)
    fail(ErrorCode::internal, "the gated_activation kernel has no {} to {} version",
         to_string(args.dtype), to_string(args.y_dtype));
  if (args.width == 0) return;
  const auto* gate = static_cast<const std::byte*>(args.gate);
  const auto* up = static_cast<const std::byte*>(args.up);
  auto* y = static_cast<std::byte*>(args.y);
  const int64_t in_size = size_of(args.dtype);
  const int64_t out_size = size_of(args.y_dtype);
  // Pieces of rows, so that decoding one token uses every thread; about 4 microseconds a piece.
  constexpr int64_t piece = 2048;
  const int64_t pieces = (args.width + piece - 1) / piece;
  context.pool.parallel_for(args.rows * pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) {
      const int64_t row = index / pieces;
      const int64_t column = index % pieces * piece;
      row_function(gate + (row * args.gate_stride + column) * in_size,
                   up + (row * args.up_stride + column) * in_size,
                   y + (row * args.width + column) * out_size,
                   std::min(piece, args.width - column));
    }
  });
}

}  // namespace linnet::kernels::cpu
#endif
