// The dot-product contract on sixteen outputs at a time: the one inner loop of matmul and
// attention.
#if defined(LINNET_KERNELS_CPU_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINNET_KERNELS_CPU_DOT_INL_H_
#undef LINNET_KERNELS_CPU_DOT_INL_H_
#else
#define LINNET_KERNELS_CPU_DOT_INL_H_
#endif

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

// Tiles that keep both chains of every output in registers: 32 registers with AVX-512, 16
// elsewhere.
#if HWY_TARGET == HWY_AVX3
inline constexpr int kTileRows = 4;
inline constexpr int kTilePanels = 2;
inline constexpr int kVectorPanels =
    4;  // for a single row: enough chains to hide the FMA's latency
#else
inline constexpr int kTileRows = 2;
inline constexpr int kTilePanels = 1;
inline constexpr int kVectorPanels = 2;
#endif

/// Weights of two consecutive k for 16 outputs.
HWY_INLINE void load_weight_pair(const BF16* w, F32x16& even, F32x16& odd) {
  load_pairs(w, even, odd);
}
HWY_INLINE void load_weight_pair(const float* w, F32x16& even, F32x16& odd) {
  even = load(w);
  odd = load(w + kLanes);
}

/// acc[r][p] += the contract's block values of x row r with panel p, blocks in rising order.
///   x       kRows rows, x_stride floats apart, blocks * 32 values each
///   w       kPanels panels, panel_stride elements apart, each [blocks * 16][16][2] or [blocks *
///   32][16]
template <int kRows, int kPanels, class Weight>
HWY_INLINE void dot_tile(const float* x, int64_t x_stride, const Weight* w, int64_t panel_stride,
                         int64_t blocks, F32x16 (&acc)[kRows][kPanels]) {
  for (int64_t block = 0; block < blocks; ++block) {
    F32x16 even[kRows][kPanels];
    F32x16 odd[kRows][kPanels];
    for (int r = 0; r < kRows; ++r)
      for (int p = 0; p < kPanels; ++p) even[r][p] = odd[r][p] = zero();
    for (int pair = 0; pair < 16; ++pair) {
      for (int p = 0; p < kPanels; ++p) {
        F32x16 w_even;
        F32x16 w_odd;
        load_weight_pair(w + p * panel_stride + pair * 2 * kLanes, w_even, w_odd);
        for (int r = 0; r < kRows; ++r) {
          even[r][p] = fma(set(x[r * x_stride + 2 * pair]), w_even, even[r][p]);
          odd[r][p] = fma(set(x[r * x_stride + 2 * pair + 1]), w_odd, odd[r][p]);
        }
      }
    }
    for (int r = 0; r < kRows; ++r)
      for (int p = 0; p < kPanels; ++p) acc[r][p] = acc[r][p] + (even[r][p] + odd[r][p]);
    x += 32;
    w += 32 * kLanes;
  }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
