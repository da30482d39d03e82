#include <limits>

#include "base/error.hpp"
#include "kernels/cpu/blocks.hpp"
#include "kernels/elementwise.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/unary.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

template <F32x16 (*kFunction)(F32x16)>
void map_lanes(const void* const* in, void* out, int64_t n) {
  const auto* x = static_cast<const float*>(in[0]);
  auto* y = static_cast<float*>(out);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(kFunction(load(x + i)), y + i);
  if (i < n) store_partial(kFunction(load_partial(x + i, n - i, 1.0F)), y + i, n - i);
}

// Flips the sign of zeros and NaN too.
HWY_INLINE F32x16 negative(F32x16 x) {
  return from_bits(bits_of(x) + set_int(std::numeric_limits<int32_t>::min()));
}
HWY_INLINE F32x16 square(F32x16 x) { return x * x; }
HWY_INLINE F32x16 rsqrt(F32x16 x) { return set(1.0F) / sqrt(x); }

BlockFunction UnaryFunction(UnaryOp op) {
  switch (op) {
    case UnaryOp::neg: return map_lanes<negative>;
    case UnaryOp::abs: return map_lanes<abs>;
    case UnaryOp::square: return map_lanes<square>;
    case UnaryOp::sqrt: return map_lanes<sqrt>;
    case UnaryOp::rsqrt: return map_lanes<rsqrt>;
    case UnaryOp::exp: return map_lanes<exp>;
    case UnaryOp::log: return map_lanes<log>;
    case UnaryOp::tanh: return map_lanes<tanh>;
    case UnaryOp::erf: return map_lanes<erf>;
    case UnaryOp::sigmoid: return map_lanes<sigmoid>;
    case UnaryOp::silu: return map_lanes<silu>;
    case UnaryOp::gelu: return map_lanes<gelu_erf>;
    case UnaryOp::gelu_tanh: return map_lanes<gelu_tanh>;
  }
  return nullptr;
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels {

std::string_view to_string(UnaryOp op) noexcept {
  switch (op) {
    case UnaryOp::neg: return "neg";
    case UnaryOp::abs: return "abs";
    case UnaryOp::square: return "square";
    case UnaryOp::sqrt: return "sqrt";
    case UnaryOp::rsqrt: return "rsqrt";
    case UnaryOp::exp: return "exp";
    case UnaryOp::log: return "log";
    case UnaryOp::tanh: return "tanh";
    case UnaryOp::erf: return "erf";
    case UnaryOp::sigmoid: return "sigmoid";
    case UnaryOp::silu: return "silu";
    case UnaryOp::gelu: return "gelu";
    case UnaryOp::gelu_tanh: return "gelu_tanh";
  }
  return "?";
}

}  // namespace linnet::kernels

namespace linnet::kernels::cpu {

HWY_EXPORT(UnaryFunction);

namespace {

template <class Function>
void map_integers(const void* const* in, void* out, int64_t n, Function function) {
  const auto* x = static_cast<const int64_t*>(in[0]);
  auto* y = static_cast<int64_t*>(out);
  // Unsigned, so that overflow wraps.
  for (int64_t i = 0; i < n; ++i)
    y[i] = static_cast<int64_t>(function(static_cast<uint64_t>(x[i])));
}

BlockFunction integer_function(UnaryOp op) {
  switch (op) {
    case UnaryOp::neg:
      return [](const void* const* in, void* out, int64_t n) {
        map_integers(in, out, n, [](uint64_t x) { return uint64_t{0} - x; });
      };
    case UnaryOp::abs:
      return [](const void* const* in, void* out, int64_t n) {
        map_integers(in, out, n, [](uint64_t x) { return x >> 63 != 0 ? uint64_t{0} - x : x; });
      };
    case UnaryOp::square:
      return [](const void* const* in, void* out, int64_t n) {
        map_integers(in, out, n, [](uint64_t x) { return x * x; });
      };
    default: fail(ErrorCode::internal, "the {} kernel has no integer form", to_string(op));
  }
}

}  // namespace

void unary(const UnaryArgs& args, const Context& context) {
  const bool floating = is_floating(args.y.dtype);
  const DType compute = floating ? DType::f32 : DType::i64;
  const BlockFunction function =
      floating ? choose(HWY_DISPATCH_TABLE(UnaryFunction), context.isa)(args.op)
               : integer_function(args.op);
  map_blocks<1>(function, args.y, compute, {args.x}, {compute}, context);
}

}  // namespace linnet::kernels::cpu
#endif
