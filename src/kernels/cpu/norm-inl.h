// The root-mean-square norm of rows, shared by the kernels that it is part of. Several rows at a
// time: a row's sum is one chain of multiply-adds, which waits for itself.
#if defined(LINNET_KERNELS_CPU_NORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINNET_KERNELS_CPU_NORM_INL_H_
#undef LINNET_KERNELS_CPU_NORM_INL_H_
#else
#define LINNET_KERNELS_CPU_NORM_INL_H_
#endif

#include "kernels/cpu/simd-inl.h"
#include "kernels/norm.hpp"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

inline constexpr int kNormRows = 4;

/// sum of term(x) over each of kRows rows, `stride` apart, in 16 lanes from +0.
template <int kRows, class Term>
HWY_INLINE void sum_rows(const float* x, int64_t stride, int64_t width, const Term& term,
                         float (&sums)[kRows]) {
  F32x16 sum[kRows];
  for (F32x16& s : sum) s = zero();
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes)
    for (int r = 0; r < kRows; ++r) sum[r] = term(r, load(x + r * stride + i), sum[r]);
  if (i < width) {
    // The lanes beyond the row keep their sums.
    for (int r = 0; r < kRows; ++r) {
      float lanes[kLanes];
      store(sum[r], lanes);
      store_partial(term(r, load_partial(x + r * stride + i, width - i, 0.0F), sum[r]), lanes,
                    width - i);
      sum[r] = load(lanes);
    }
  }
  for (int r = 0; r < kRows; ++r) sums[r] = sum_lanes(sum[r]);
}

/// scale[r] = 1 / sqrt(mean(x^2) + eps) of each row, in all lanes.
template <int kRows>
HWY_INLINE void rms_scales(const float* x, int64_t stride, int64_t width, float eps,
                           F32x16 (&scale)[kRows]) {
  float squares[kRows];
  sum_rows<kRows>(
      x, stride, width, [](int, F32x16 v, F32x16 sum) HWY_ATTR { return fma(v, v, sum); }, squares);
  for (int r = 0; r < kRows; ++r)
    scale[r] = set(1.0F) / sqrt(set(squares[r] / static_cast<float>(width) + eps));
}

/// Calls use(row offset r, first of 16 columns, columns) for kRows rows.
template <int kRows, class Use>
HWY_INLINE void for_columns(int64_t width, const Use& use) {
  for (int64_t i = 0; i < width; i += kLanes) {
    const int64_t n = width - i < kLanes ? width - i : kLanes;
    for (int r = 0; r < kRows; ++r) use(r, i, n);
  }
}

/// y = x * scale * weight over kRows rows, from x by rms_scales.
template <int kRows>
HWY_INLINE void rms_norm_rows(const float* x, int64_t x_stride, const RmsTerm& norm, int64_t width,
                              float* y, int64_t y_stride) {
  F32x16 scale[kRows];
  rms_scales<kRows>(x, x_stride, width, norm.eps, scale);
  for_columns<kRows>(width, [&](int r, int64_t i, int64_t n) HWY_ATTR {
    const F32x16 v = load_some(x + r * x_stride + i, n);
    store_some(v * scale[r] * load_some(norm.weight + i, n), y + r * y_stride + i, n);
  });
}

/// Calls use(Rows<kNormRows>, row) for groups of rows and use(Rows<1>, row) for the rest.
template <int kRows>
struct Rows {
  static constexpr int value = kRows;
};
template <class Use>
HWY_INLINE void for_norm_rows(int64_t begin, int64_t end, const Use& use) {
  int64_t row = begin;
  for (; row + kNormRows <= end; row += kNormRows) use(Rows<kNormRows>(), row);
  for (; row < end; ++row) use(Rows<1>(), row);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
