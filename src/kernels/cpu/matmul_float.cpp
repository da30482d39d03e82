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

  /// Both chains of one block of 32 k.
  template <int kR, int kP>
  static HWY_INLINE void block(const float* x, int64_t stride, const float* w, int64_t panel_stride,
                               F32x16 (&even)[kR][kP], F32x16 (&odd)[kR][kP]) {
    for (int pair = 0; pair < 16; ++pair) {
      F32x16 w_even[kP];
      F32x16 w_odd[kP];
      for (int p = 0; p < kP; ++p) {
        w_even[p] = load(w + p * panel_stride + 2 * pair * kLanes);
        w_odd[p] = load(w + p * panel_stride + (2 * pair + 1) * kLanes);
      }
      for (int r = 0; r < kR; ++r) {
        const F32x16 x_even = set(x[r * stride + 2 * pair]);
        for (int p = 0; p < kP; ++p) even[r][p] = fma(x_even, w_even[p], even[r][p]);
        const F32x16 x_odd = set(x[r * stride + 2 * pair + 1]);
        for (int p = 0; p < kP; ++p) odd[r][p] = fma(x_odd, w_odd[p], odd[r][p]);
      }
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
