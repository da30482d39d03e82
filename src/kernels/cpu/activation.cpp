#include "kernels/activation.hpp"

#include <algorithm>
#include <cstddef>

#include "base/checked.hpp"
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

/// An activation and its slope.
struct Slope {
  F32x16 y;
  F32x16 dy;
};

HWY_INLINE Slope silu_slope(F32x16 x) {
  const F32x16 s = sigmoid(x);
  const F32x16 y = x * s;
  return {silu(x), fma(y, set(1.0F) - s, s)};
}

HWY_INLINE Slope gelu_slope(F32x16 x) {
  const F32x16 cdf = set(0.5F) * (set(1.0F) + erf(x * set(0.70710678118654752F)));
  const F32x16 density = set(0.39894228040143268F) * exp(set(-0.5F) * x * x);
  return {gelu_erf(x), fma(x, density, cdf)};
}

HWY_INLINE Slope gelu_tanh_slope(F32x16 x) {
  const F32x16 square = x * x;
  const F32x16 inner = set(0.79788456080286536F) * fma(set(0.044715F) * x * x, x, x);
  const F32x16 t = tanh(inner);
  const F32x16 slope = set(0.79788456080286536F) * fma(set(3.0F * 0.044715F), square, set(1.0F));
  const F32x16 half = set(0.5F);
  const F32x16 one = set(1.0F);
  return {gelu_tanh(x), fma(half * x * (one - t * t), slope, half * (one + t))};
}

template <Slope (*kSlope)(F32x16)>
void gated_gradient(const GatedGradientArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += kLanes) {
    const int64_t n = end - i;
    const bool whole = n >= kLanes;
    const auto read = [&](const float* from) HWY_ATTR {
      return whole ? load(from + i) : load_partial(from + i, n, 0.0F);
    };
    const Slope slope = kSlope(read(a.gate));
    const F32x16 dy = read(a.dy);
    const F32x16 dgate = dy * read(a.up) * slope.dy;
    const F32x16 dup = dy * slope.y;
    if (whole) {
      store(dgate, a.dgate + i);
      store(dup, a.dup + i);
    } else {
      store_partial(dgate, a.dgate + i, n);
      store_partial(dup, a.dup + i, n);
    }
  }
}

void GatedGradient(const GatedGradientArgs& a, int64_t begin, int64_t end) {
  switch (a.activation) {
    case Activation::silu: return gated_gradient<silu_slope>(a, begin, end);
    case Activation::gelu_tanh: return gated_gradient<gelu_tanh_slope>(a, begin, end);
    case Activation::gelu: return gated_gradient<gelu_slope>(a, begin, end);
  }
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
HWY_EXPORT(GatedGradient);

void gated_activation_gradient(const GatedGradientArgs& args, const Context& context) {
  const auto run = choose(HWY_DISPATCH_TABLE(GatedGradient), context.isa);
  constexpr int64_t piece = 2048;  // elements, a multiple of the lanes
  context.pool.parallel_for(ceil_div(args.count, piece), 1, [&](int64_t begin, int64_t end) {
    run(args, begin * piece, std::min(end * piece, args.count));
  });
}

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
