// More rows, float32: 256 k of sixteen panels at a time are unpacked to floats, which stay in the
// second cache while all rows pass over them.
#include "kernels/cpu/matmul_paths.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul_float.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/matmul_blocked-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// Rows of floats by panels of floats.
struct FloatBlocks {
  using Row = float;
  using Weight = float;
  static constexpr int64_t kRowPerK = 1;  // elements of a row for one k
  static constexpr int64_t kWeightPerK = kLanes;
  // Tiles that keep both chains of every output in registers: 32 of them with AVX-512, 16
  // elsewhere (of half the width).
#if HWY_TARGET == HWY_AVX3
  static constexpr int kRows = 4;
  static constexpr int kPanels = 2;
#else
  static constexpr int kRows = 3;
  static constexpr int kPanels = 1;
#endif

  static HWY_INLINE void put(const Quad& q, float* to) {
    store(q.k0, to);
    store(q.k1, to + kLanes);
    store(q.k2, to + 2 * kLanes);
    store(q.k3, to + 3 * kLanes);
  }

  /// acc += one block of 32 k. A function of its own: inlined into the loops around it, GCC 12
  /// keeps some of the chains on the stack.
  template <int kR, int kP>
  static HWY_NOINLINE void add_block(const float* x, int64_t stride, const float* w,
                                     int64_t panel_stride, float (&acc)[kR][kP][kLanes]) {
    F32x16 even[kR][kP];
    F32x16 odd[kR][kP];
    for (int r = 0; r < kR; ++r)
      for (int p = 0; p < kP; ++p) even[r][p] = odd[r][p] = zero();
    // One chain after the other: fewer weights are alive at a time, so that none are spilled.
    for (int pair = 0; pair < 16; ++pair) {
      step<kR, kP>(x + 2 * pair, stride, w + 2 * pair * kLanes, panel_stride, even);
      step<kR, kP>(x + 2 * pair + 1, stride, w + (2 * pair + 1) * kLanes, panel_stride, odd);
    }
    for (int r = 0; r < kR; ++r)
      for (int p = 0; p < kP; ++p) store(load(acc[r][p]) + (even[r][p] + odd[r][p]), acc[r][p]);
  }

 private:
  template <int kR, int kP>
  static HWY_INLINE void step(const float* x, int64_t stride, const float* w, int64_t panel_stride,
                              F32x16 (&chain)[kR][kP]) {
    static_assert(kP <= 2);
    // Not an array: GCC 12 would keep it on the stack and read it from there for every use.
    const F32x16 first = load(w);
    const F32x16 second = kP > 1 ? load(w + panel_stride) : first;
    for (int r = 0; r < kR; ++r) {
      const F32x16 value = set(x[r * stride]);
      chain[r][0] = fma(value, first, chain[r][0]);
      if constexpr (kP > 1) chain[r][1] = fma(value, second, chain[r][1]);
    }
  }
};

void MultiplyFloat(const PreparedRows& x, const PanelRange& range) {
  with_layout(range.weights, [&](auto layout) HWY_ATTR {
    multiply_blocked<FloatBlocks, decltype(layout)>(x, range);
  });
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(MultiplyFloat);

void multiply_float(const PreparedRows& x, const PanelRange& range, Isa isa) {
  choose(HWY_DISPATCH_TABLE(MultiplyFloat), isa)(x, range);
}

}  // namespace linnet::kernels::cpu
#endif
