#include "kernels/cast.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/cpu/blocks.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/cast.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

template <class From, class To>
HWY_INLINE void convert_floats(const void* from, void* to, int64_t n) {
  const auto* x = static_cast<const From*>(from);
  auto* y = static_cast<To*>(to);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(load(x + i), y + i);
  if (i == n) return;
  From in[kLanes] = {};
  To out[kLanes];
  std::memcpy(in, x + i, static_cast<size_t>(n - i) * sizeof(From));
  store(load(in), out);
  std::memcpy(y + i, out, static_cast<size_t>(n - i) * sizeof(To));
}

void F32ToBf16(const void* from, void* to, int64_t n) { convert_floats<float, BF16>(from, to, n); }
void F32ToF16(const void* from, void* to, int64_t n) { convert_floats<float, F16>(from, to, n); }
void Bf16ToF32(const void* from, void* to, int64_t n) { convert_floats<BF16, float>(from, to, n); }
void Bf16ToF16(const void* from, void* to, int64_t n) { convert_floats<BF16, F16>(from, to, n); }
void F16ToF32(const void* from, void* to, int64_t n) { convert_floats<F16, float>(from, to, n); }
void F16ToBf16(const void* from, void* to, int64_t n) { convert_floats<F16, BF16>(from, to, n); }

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(F32ToBf16);
HWY_EXPORT(F32ToF16);
HWY_EXPORT(Bf16ToF32);
HWY_EXPORT(Bf16ToF16);
HWY_EXPORT(F16ToF32);
HWY_EXPORT(F16ToBf16);

namespace {

template <class T>
constexpr bool kIsHalf = std::is_same_v<T, F16> || std::is_same_v<T, BF16>;

template <class To, class From>
To convert_value(From value) {
  if constexpr (kIsHalf<From>) {
    return convert_value<To>(to_float(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From{};
  } else if constexpr (std::is_same_v<To, BF16>) {
    return to_bf16(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, F16>) {
    return to_f16(static_cast<float>(value));
  } else if constexpr (std::is_same_v<From, float> && std::is_integral_v<To>) {
    // 2^bits as a float; the largest integer itself may not be one.
    constexpr float kEnd = static_cast<float>(std::numeric_limits<To>::max() / 2 + 1) * 2.0F;
    if (value != value) return 0;
    if (value >= kEnd) return std::numeric_limits<To>::max();
    if (value <= static_cast<float>(std::numeric_limits<To>::min()))
      return std::numeric_limits<To>::min();
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

template <class From, class To>
void convert_each(const void* from, void* to, int64_t n) {
  // A file's bool may be any byte, a C++ bool may not.
  using Stored = std::conditional_t<std::is_same_v<From, bool>, uint8_t, From>;
  const auto* x = static_cast<const Stored*>(from);
  auto* y = static_cast<To*>(to);
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<From, bool>)
      y[i] = convert_value<To>(x[i] != 0);
    else
      y[i] = convert_value<To>(x[i]);
  }
}

template <class From>
Convert convert_from(DType to) {
  switch (to) {
    case DType::boolean: return convert_each<From, bool>;
    case DType::u8: return convert_each<From, uint8_t>;
    case DType::u32: return convert_each<From, uint32_t>;
    case DType::i32: return convert_each<From, int32_t>;
    case DType::i64: return convert_each<From, int64_t>;
    case DType::f16: return convert_each<From, F16>;
    case DType::bf16: return convert_each<From, BF16>;
    case DType::f32: break;
  }
  return convert_each<From, float>;
}

template <class T>
void copy_steps(const void* from, int64_t from_step, void* to, int64_t to_step, int64_t n) {
  const auto* x = static_cast<const T*>(from);
  auto* y = static_cast<T*>(to);
  for (int64_t i = 0; i < n; ++i) y[i * to_step] = x[i * from_step];
}

}  // namespace

Convert find_convert(DType from, DType to, Isa isa) {
  if (is_floating(to)) {
    if (from == DType::f32)
      return to == DType::bf16 ? choose(HWY_DISPATCH_TABLE(F32ToBf16), isa)
                               : choose(HWY_DISPATCH_TABLE(F32ToF16), isa);
    if (from == DType::bf16)
      return to == DType::f32 ? choose(HWY_DISPATCH_TABLE(Bf16ToF32), isa)
                              : choose(HWY_DISPATCH_TABLE(Bf16ToF16), isa);
    if (from == DType::f16)
      return to == DType::f32 ? choose(HWY_DISPATCH_TABLE(F16ToF32), isa)
                              : choose(HWY_DISPATCH_TABLE(F16ToBf16), isa);
  }
  switch (from) {
    case DType::boolean: return convert_from<bool>(to);
    case DType::u8: return convert_from<uint8_t>(to);
    case DType::u32: return convert_from<uint32_t>(to);
    case DType::i32: return convert_from<int32_t>(to);
    case DType::i64: return convert_from<int64_t>(to);
    case DType::f16: return convert_from<F16>(to);
    case DType::bf16: return convert_from<BF16>(to);
    case DType::f32: break;
  }
  return convert_from<float>(to);
}

void copy_run(int64_t size, const void* from, int64_t from_step, void* to, int64_t to_step,
              int64_t n) {
  if (from_step == 1 && to_step == 1) {
    std::memcpy(to, from, static_cast<size_t>(n * size));
    return;
  }
  switch (size) {
    case 1: return copy_steps<uint8_t>(from, from_step, to, to_step, n);
    case 2: return copy_steps<uint16_t>(from, from_step, to, to_step, n);
    case 4: return copy_steps<uint32_t>(from, from_step, to, to_step, n);
    default: return copy_steps<uint64_t>(from, from_step, to, to_step, n);
  }
}

void cast(const CastArgs& args, const Context& context) {
  constexpr int64_t grain = 16384;  // elements a thread takes at a time
  const auto runs = merge_axes<2>(args.to.shape, {args.to.strides, args.from.strides});
  const auto* from = static_cast<const std::byte*>(args.from.data);
  auto* to = static_cast<std::byte*>(args.to.data);
  const int64_t from_size = size_of(args.from.dtype);
  const int64_t to_size = size_of(args.to.dtype);
  const int64_t to_step = runs.inner(0);
  const int64_t from_step = runs.inner(1);
  const bool same = args.from.dtype == args.to.dtype;
  const Convert convert =
      same ? nullptr : find_convert(args.from.dtype, args.to.dtype, context.isa);

  const auto cast_run = [&](const std::array<int64_t, 2>& offset, int64_t n) {
    std::byte* y = to + offset[0] * to_size;
    const std::byte* x = from + offset[1] * from_size;
    if (same) return copy_run(to_size, x, from_step, y, to_step, n);
    if (from_step == 1 && to_step == 1) return convert(x, y, n);
    Block in;
    Block out;
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t count = std::min(kBlock, n - i);
      copy_run(from_size, x + i * from_step * from_size, from_step, in.bytes, 1, count);
      convert(in.bytes, out.bytes, count);
      copy_run(to_size, out.bytes, 1, y + i * to_step * to_size, to_step, count);
    }
  };
  context.pool.parallel_for(runs.total, grain, [&](int64_t begin, int64_t end) {
    for_each_run(runs, begin, end, cast_run);
  });
}

}  // namespace linnet::kernels::cpu
#endif
