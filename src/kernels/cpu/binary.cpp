#include <algorithm>
#include <functional>

#include "base/error.hpp"
#include "kernels/cpu/blocks.hpp"
#include "kernels/elementwise.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/binary.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

template <F32x16 (*kFunction)(F32x16, F32x16)>
void map_lanes(const void* const* in, void* out, int64_t n) {
  const auto* a = static_cast<const float*>(in[0]);
  const auto* b = static_cast<const float*>(in[1]);
  auto* y = static_cast<float*>(out);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(kFunction(load(a + i), load(b + i)), y + i);
  if (i == n) return;
  const F32x16 rest = kFunction(load_partial(a + i, n - i, 1.0F), load_partial(b + i, n - i, 1.0F));
  store_partial(rest, y + i, n - i);
}

HWY_INLINE F32x16 sum(F32x16 a, F32x16 b) { return a + b; }
HWY_INLINE F32x16 difference(F32x16 a, F32x16 b) { return a - b; }
HWY_INLINE F32x16 product(F32x16 a, F32x16 b) { return a * b; }
HWY_INLINE F32x16 quotient(F32x16 a, F32x16 b) { return a / b; }
// A NaN in either operand is the result; max and min alone give b for a NaN in a.
HWY_INLINE F32x16 maximum(F32x16 a, F32x16 b) { return select(a == a, max(a, b), a); }
HWY_INLINE F32x16 minimum(F32x16 a, F32x16 b) { return select(a == a, min(a, b), a); }

BlockFunction BinaryFunction(BinaryOp op) {
  switch (op) {
    case BinaryOp::add: return map_lanes<sum>;
    case BinaryOp::sub: return map_lanes<difference>;
    case BinaryOp::mul: return map_lanes<product>;
    case BinaryOp::div: return map_lanes<quotient>;
    case BinaryOp::maximum: return map_lanes<maximum>;
    case BinaryOp::minimum: return map_lanes<minimum>;
    case BinaryOp::power: return map_lanes<pow>;
  }
  return nullptr;
}

/// out is one byte, 0 or 1, per element.
template <Mask16 (*kFunction)(F32x16, F32x16), bool kNegate>
void compare_lanes(const void* const* in, void* out, int64_t n) {
  const auto* a = static_cast<const float*>(in[0]);
  const auto* b = static_cast<const float*>(in[1]);
  auto* y = static_cast<uint8_t*>(out);
  const F32x16 yes = set(kNegate ? 0.0F : 1.0F);
  const F32x16 no = set(kNegate ? 1.0F : 0.0F);
  for (int64_t i = 0; i < n; i += kLanes) {
    const int64_t count = std::min<int64_t>(kLanes, n - i);
    const bool whole = count == kLanes;
    const F32x16 va = whole ? load(a + i) : load_partial(a + i, count, 0.0F);
    const F32x16 vb = whole ? load(b + i) : load_partial(b + i, count, 0.0F);
    float chosen[kLanes];
    store(select(kFunction(va, vb), yes, no), chosen);
    for (int64_t lane = 0; lane < count; ++lane)
      y[i + lane] = static_cast<uint8_t>(static_cast<int32_t>(chosen[lane]));
  }
}

HWY_INLINE Mask16 is_equal(F32x16 a, F32x16 b) { return a == b; }
HWY_INLINE Mask16 is_less(F32x16 a, F32x16 b) { return a < b; }
HWY_INLINE Mask16 is_less_equal(F32x16 a, F32x16 b) { return a <= b; }
HWY_INLINE Mask16 is_greater(F32x16 a, F32x16 b) { return b < a; }
HWY_INLINE Mask16 is_greater_equal(F32x16 a, F32x16 b) { return b <= a; }

BlockFunction CompareFunction(CompareOp op) {
  switch (op) {
    case CompareOp::equal: return compare_lanes<is_equal, false>;
    case CompareOp::not_equal: return compare_lanes<is_equal, true>;
    case CompareOp::less: return compare_lanes<is_less, false>;
    case CompareOp::less_equal: return compare_lanes<is_less_equal, false>;
    case CompareOp::greater: return compare_lanes<is_greater, false>;
    case CompareOp::greater_equal: return compare_lanes<is_greater_equal, false>;
  }
  return nullptr;
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels {

std::string_view to_string(BinaryOp op) noexcept {
  switch (op) {
    case BinaryOp::add: return "add";
    case BinaryOp::sub: return "sub";
    case BinaryOp::mul: return "mul";
    case BinaryOp::div: return "div";
    case BinaryOp::power: return "power";
    case BinaryOp::maximum: return "maximum";
    case BinaryOp::minimum: return "minimum";
  }
  return "?";
}

std::string_view to_string(CompareOp op) noexcept {
  switch (op) {
    case CompareOp::equal: return "equal";
    case CompareOp::not_equal: return "not_equal";
    case CompareOp::less: return "less";
    case CompareOp::less_equal: return "less_equal";
    case CompareOp::greater: return "greater";
    case CompareOp::greater_equal: return "greater_equal";
  }
  return "?";
}

std::string_view to_string(LogicalOp op) noexcept {
  switch (op) {
    case LogicalOp::logical_and: return "logical_and";
    case LogicalOp::logical_or: return "logical_or";
    case LogicalOp::logical_xor: return "logical_xor";
  }
  return "?";
}

}  // namespace linnet::kernels

namespace linnet::kernels::cpu {

HWY_EXPORT(BinaryFunction);
HWY_EXPORT(CompareFunction);

namespace {

/// y[i] = kFunction(a[i], b[i])
template <class In, class Out, Out (*kFunction)(In, In)>
void map_each(const void* const* in, void* out, int64_t n) {
  const auto* a = static_cast<const In*>(in[0]);
  const auto* b = static_cast<const In*>(in[1]);
  auto* y = static_cast<Out*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = kFunction(a[i], b[i]);
}

/// Wraps like the multiplications it stands for.
int64_t integer_power(int64_t base, int64_t exponent) {
  require(exponent >= 0, "power: an integer to the negative integer power {}", exponent);
  auto factor = static_cast<uint64_t>(base);
  uint64_t result = 1;
  for (; exponent != 0; exponent >>= 1, factor *= factor)
    if ((exponent & 1) != 0) result *= factor;
  return static_cast<int64_t>(result);
}

template <class Function>
constexpr int64_t wrapping(int64_t a, int64_t b, Function function) {
  return static_cast<int64_t>(function(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
}
int64_t integer_add(int64_t a, int64_t b) { return wrapping(a, b, std::plus<>()); }
int64_t integer_sub(int64_t a, int64_t b) { return wrapping(a, b, std::minus<>()); }
int64_t integer_mul(int64_t a, int64_t b) { return wrapping(a, b, std::multiplies<>()); }
int64_t integer_max(int64_t a, int64_t b) { return std::max(a, b); }
int64_t integer_min(int64_t a, int64_t b) { return std::min(a, b); }

BlockFunction integer_function(BinaryOp op) {
  switch (op) {
    case BinaryOp::add: return map_each<int64_t, int64_t, integer_add>;
    case BinaryOp::sub: return map_each<int64_t, int64_t, integer_sub>;
    case BinaryOp::mul: return map_each<int64_t, int64_t, integer_mul>;
    case BinaryOp::power: return map_each<int64_t, int64_t, integer_power>;
    case BinaryOp::maximum: return map_each<int64_t, int64_t, integer_max>;
    case BinaryOp::minimum: return map_each<int64_t, int64_t, integer_min>;
    case BinaryOp::div: break;
  }
  fail(ErrorCode::internal, "the {} kernel has no integer form", to_string(op));
}

uint8_t integer_equal(int64_t a, int64_t b) { return a == b ? 1 : 0; }
uint8_t integer_not_equal(int64_t a, int64_t b) { return a != b ? 1 : 0; }
uint8_t integer_less(int64_t a, int64_t b) { return a < b ? 1 : 0; }
uint8_t integer_less_equal(int64_t a, int64_t b) { return a <= b ? 1 : 0; }
uint8_t integer_greater(int64_t a, int64_t b) { return a > b ? 1 : 0; }
uint8_t integer_greater_equal(int64_t a, int64_t b) { return a >= b ? 1 : 0; }

BlockFunction integer_function(CompareOp op) {
  switch (op) {
    case CompareOp::equal: return map_each<int64_t, uint8_t, integer_equal>;
    case CompareOp::not_equal: return map_each<int64_t, uint8_t, integer_not_equal>;
    case CompareOp::less: return map_each<int64_t, uint8_t, integer_less>;
    case CompareOp::less_equal: return map_each<int64_t, uint8_t, integer_less_equal>;
    case CompareOp::greater: return map_each<int64_t, uint8_t, integer_greater>;
    case CompareOp::greater_equal: break;
  }
  return map_each<int64_t, uint8_t, integer_greater_equal>;
}

// A bool read from a file may be any byte.
uint8_t logical_and(uint8_t a, uint8_t b) { return a != 0 && b != 0 ? 1 : 0; }
uint8_t logical_or(uint8_t a, uint8_t b) { return a != 0 || b != 0 ? 1 : 0; }
uint8_t logical_xor(uint8_t a, uint8_t b) { return (a != 0) != (b != 0) ? 1 : 0; }

BlockFunction logical_function(LogicalOp op) {
  switch (op) {
    case LogicalOp::logical_and: return map_each<uint8_t, uint8_t, logical_and>;
    case LogicalOp::logical_or: return map_each<uint8_t, uint8_t, logical_or>;
    case LogicalOp::logical_xor: break;
  }
  return map_each<uint8_t, uint8_t, logical_xor>;
}

template <class T>
void select_each(const void* const* in, void* out, int64_t n) {
  const auto* condition = static_cast<const uint8_t*>(in[0]);
  const auto* a = static_cast<const T*>(in[1]);
  const auto* b = static_cast<const T*>(in[2]);
  auto* y = static_cast<T*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = condition[i] != 0 ? a[i] : b[i];
}

BlockFunction select_function(int64_t size) {
  switch (size) {
    case 1: return select_each<uint8_t>;
    case 2: return select_each<uint16_t>;
    case 4: return select_each<uint32_t>;
    default: return select_each<uint64_t>;
  }
}

}  // namespace

void binary(const BinaryArgs& args, const Context& context) {
  const bool floating = is_floating(args.y.dtype);
  const DType compute = floating ? DType::f32 : DType::i64;
  const BlockFunction function =
      floating ? choose(HWY_DISPATCH_TABLE(BinaryFunction), context.isa)(args.op)
               : integer_function(args.op);
  map_blocks<2>(function, args.y, compute, {args.a, args.b}, {compute, compute}, context);
}

void compare(const CompareArgs& args, const Context& context) {
  const bool floating = is_floating(args.a.dtype) || is_floating(args.b.dtype);
  const DType compute = floating ? DType::f32 : DType::i64;
  const BlockFunction function =
      floating ? choose(HWY_DISPATCH_TABLE(CompareFunction), context.isa)(args.op)
               : integer_function(args.op);
  map_blocks<2>(function, args.y, DType::boolean, {args.a, args.b}, {compute, compute}, context);
}

void logical(const LogicalArgs& args, const Context& context) {
  map_blocks<2>(logical_function(args.op), args.y, DType::boolean, {args.a, args.b},
                {DType::boolean, DType::boolean}, context);
}

void where(const WhereArgs& args, const Context& context) {
  const DType dtype = args.y.dtype;
  map_blocks<3>(select_function(size_of(dtype)), args.y, dtype, {args.condition, args.a, args.b},
                {DType::boolean, dtype, dtype}, context);
}

}  // namespace linnet::kernels::cpu
#endif
