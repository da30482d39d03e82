#include "kernels/quantize.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/half.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/quantize.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

inline constexpr int64_t kMaxGroup = 128;

HWY_INLINE float widen(float value) { return value; }
HWY_INLINE float widen(BF16 value) { return linnet::to_float(value); }
HWY_INLINE float widen(F16 value) { return linnet::to_float(value); }
HWY_INLINE void narrow(float value, float* to) { *to = value; }
HWY_INLINE void narrow(float value, BF16* to) { *to = linnet::to_bf16(value); }
HWY_INLINE void narrow(float value, F16* to) { *to = linnet::to_f16(value); }

/// Eight bytes below 2^kBits as kBits bytes.
template <int kBits>
HWY_INLINE void pack_eight(const uint8_t* from, std::byte* to) {
  uint64_t x = 0;
  std::memcpy(&x, from, sizeof(x));
  x = (x & 0x00ff00ff00ff00ffU) | ((x & 0xff00ff00ff00ff00U) >> (8 - kBits));
  x = (x & 0x0000ffff0000ffffU) | ((x & 0xffff0000ffff0000U) >> (16 - 2 * kBits));
  x = (x & 0x00000000ffffffffU) | ((x & 0xffffffff00000000U) >> (32 - 4 * kBits));
  std::memcpy(to, &x, kBits);
}

/// The reverse.
template <int kBits>
HWY_INLINE void unpack_eight(const std::byte* from, uint8_t* to) {
  constexpr uint64_t kFour = (uint64_t{1} << (4 * kBits)) - 1;
  constexpr uint64_t kTwo = (uint64_t{1} << (2 * kBits)) - 1;
  constexpr uint64_t kOne = (uint64_t{1} << kBits) - 1;
  uint64_t x = 0;
  std::memcpy(&x, from, kBits);
  if constexpr (kBits < 8) {
    x = (x & kFour) | ((x & (kFour << (4 * kBits))) << (32 - 4 * kBits));
    constexpr uint64_t kPairs = kTwo | kTwo << 32;
    x = (x & kPairs) | ((x & (kPairs << (2 * kBits))) << (16 - 2 * kBits));
    constexpr uint64_t kEach = kOne | kOne << 16 | kOne << 32 | kOne << 48;
    x = (x & kEach) | ((x & (kEach << kBits)) << (8 - kBits));
  }
  std::memcpy(to, &x, sizeof(x));
}

template <int kBits>
void PackBytes(const uint8_t* from, int64_t n, std::byte* to) {
  for (int64_t i = 0; i < n; i += 8) pack_eight<kBits>(from + i, to + i / 8 * kBits);
}

template <int kBits>
void UnpackBytes(const std::byte* from, int64_t n, uint8_t* to) {
  for (int64_t i = 0; i < n; i += 8) unpack_eight<kBits>(from + i / 8 * kBits, to + i);
}

using Pack = void (*)(const uint8_t*, int64_t, std::byte*);
using Unpack = void (*)(const std::byte*, int64_t, uint8_t*);

HWY_INLINE Pack packer(int bits) {
  switch (bits) {
    case 2: return PackBytes<2>;
    case 3: return PackBytes<3>;
    case 4: return PackBytes<4>;
    case 5: return PackBytes<5>;
    case 6: return PackBytes<6>;
    default: return PackBytes<8>;
  }
}

HWY_INLINE Unpack unpacker(int bits) {
  switch (bits) {
    case 2: return UnpackBytes<2>;
    case 3: return UnpackBytes<3>;
    case 4: return UnpackBytes<4>;
    case 5: return UnpackBytes<5>;
    case 6: return UnpackBytes<6>;
    default: return UnpackBytes<8>;
  }
}

struct Factors {
  float scale = 0;
  float bias = 0;
};

HWY_INLINE Factors factors(float lo, float hi, float n) {
  const float low = std::fabs(lo);
  const float high = std::fabs(hi);
  const bool from_lo = low > high;
  const float step = (hi - lo) / n;
  float scale = step < 1e-7F ? 1e-7F : step;
  if (!from_lo) scale = -scale;
  const float edge = from_lo ? lo : hi;
  const float q0 = std::rint(edge / scale);
  if (q0 == 0.0F) return {scale, 0.0F};
  return {edge / q0, edge};
}

/// One group as bytes q. False if its weights have no finite scale.
template <class T>
HWY_INLINE bool quantize_group(const T* w, int64_t size, float n, uint8_t* q, Factors& f) {
  F32x16 lo = set(std::numeric_limits<float>::infinity());
  F32x16 hi = set(-std::numeric_limits<float>::infinity());
  F32x16 spoilt = zero();  // NaN once a NaN or an infinity was seen
  for (int64_t i = 0; i < size; i += kLanes) {
    const F32x16 v = load(w + i);
    lo = min(v, lo);
    hi = max(v, hi);
    spoilt = spoilt + (v - v);
  }
  f = factors(-max_lanes(zero() - lo), max_lanes(hi), n);
  if (!(sum_lanes(spoilt) == 0.0F) || !(std::fabs(f.scale) <= std::numeric_limits<float>::max()))
    return false;
  // Adding and subtracting 1.5 * 2^23 rounds to nearest even: quotients are near 0..n.
  const F32x16 magic = set(12582912.0F);
  const F32x16 scale = set(f.scale);
  const F32x16 bias = set(f.bias);
  const F32x16 top = set(n);
  for (int64_t i = 0; i < size; i += kLanes) {
    const F32x16 v = (load(w + i) - bias) / scale;
    const F32x16 rounded = (v + magic) - magic;
    store_bytes(to_int(min(max(rounded, zero()), top)), q + i);
  }
  return true;
}

/// Rows begin..end-1; the first that cannot be quantised, or -1.
template <class T>
int64_t quantize_rows(const QuantizeArgs& a, int64_t begin, int64_t end) {
  const int64_t k = a.weights.shape[1];
  const int64_t size = a.quantization.group_size;
  const int64_t groups = k / size;
  const int64_t group_bytes = size * a.quantization.bits / 8;
  const auto n = static_cast<float>((1 << a.quantization.bits) - 1);
  const Pack pack = packer(a.quantization.bits);
  int64_t failed = -1;
  uint8_t q[kMaxGroup];
  for (int64_t row = begin; row < end; ++row) {
    const T* w = static_cast<const T*>(a.weights.data) + row * a.weights.strides[0];
    std::byte* words = reinterpret_cast<std::byte*>(a.words) + row * groups * group_bytes;
    T* scales = static_cast<T*>(a.scales) + row * groups;
    T* biases = static_cast<T*>(a.biases) + row * groups;
    for (int64_t g = 0; g < groups; ++g) {
      Factors f;
      if (!quantize_group(w + g * size, size, n, q, f)) {
        if (failed < 0) failed = row;
        continue;
      }
      pack(q, size, words + g * group_bytes);
      narrow(f.scale, scales + g);
      narrow(f.bias, biases + g);
    }
  }
  return failed;
}

int64_t QuantizeRows(const QuantizeArgs& a, int64_t begin, int64_t end) {
  switch (a.weights.dtype) {
    case DType::bf16: return quantize_rows<BF16>(a, begin, end);
    case DType::f16: return quantize_rows<F16>(a, begin, end);
    default: return quantize_rows<float>(a, begin, end);
  }
}

template <class Factor, class T>
void dequantize_rows(const DequantizeArgs& a, int64_t begin, int64_t end) {
  const int64_t k = a.weights.shape[1];
  const int64_t size = a.quantization.group_size;
  const int64_t groups = k / size;
  const int64_t group_bytes = size * a.quantization.bits / 8;
  const Unpack unpack = unpacker(a.quantization.bits);
  uint8_t q[kMaxGroup];
  for (int64_t group = begin * groups; group < end * groups; ++group) {
    unpack(reinterpret_cast<const std::byte*>(a.words) + group * group_bytes, size, q);
    const F32x16 scale = set(widen(static_cast<const Factor*>(a.scales.data)[group]));
    const F32x16 bias = set(widen(static_cast<const Factor*>(a.biases.data)[group]));
    T* w = static_cast<T*>(a.weights.data) + group * size;
    for (int64_t i = 0; i < size; i += kLanes)
      store(scale * to_float(load_bytes(q + i)) + bias, w + i);
  }
}

template <class Factor>
void dequantize_to(const DequantizeArgs& a, int64_t begin, int64_t end) {
  switch (a.weights.dtype) {
    case DType::bf16: return dequantize_rows<Factor, BF16>(a, begin, end);
    case DType::f16: return dequantize_rows<Factor, F16>(a, begin, end);
    default: return dequantize_rows<Factor, float>(a, begin, end);
  }
}

void DequantizeRows(const DequantizeArgs& a, int64_t begin, int64_t end) {
  switch (a.scales.dtype) {
    case DType::bf16: return dequantize_to<BF16>(a, begin, end);
    case DType::f16: return dequantize_to<F16>(a, begin, end);
    default: return dequantize_to<float>(a, begin, end);
  }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(QuantizeRows);
HWY_EXPORT(DequantizeRows);

namespace {
// Rows a thread takes at a time: about 16,384 weights, so that the fork pays.
int64_t grain(int64_t k) { return std::max<int64_t>(1, 16384 / std::max<int64_t>(k, 1)); }
}  // namespace

int64_t quantize(const QuantizeArgs& args, const Context& context) {
  const auto rows = choose(HWY_DISPATCH_TABLE(QuantizeRows), context.isa);
  constexpr int64_t none = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> first{none};  // the smallest failed row, whichever thread finds it
  context.pool.parallel_for(args.weights.shape[0], grain(args.weights.shape[1]),
                            [&](int64_t begin, int64_t end) {
                              const int64_t failed = rows(args, begin, end);
                              if (failed < 0) return;
                              int64_t seen = first.load();
                              while (failed < seen && !first.compare_exchange_weak(seen, failed)) {
                              }
                            });
  return first.load() == none ? -1 : first.load();
}

void dequantize(const DequantizeArgs& args, const Context& context) {
  const auto rows = choose(HWY_DISPATCH_TABLE(DequantizeRows), context.isa);
  context.pool.parallel_for(args.weights.shape[0], grain(args.weights.shape[1]),
                            [&](int64_t begin, int64_t end) { rows(args, begin, end); });
}

}  // namespace linnet::kernels::cpu
#endif
