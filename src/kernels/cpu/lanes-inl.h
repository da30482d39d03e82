// Sums over a row in sixteen lanes: element i goes to lane i mod 16, lanes are added by the fixed
// tree. The rule that makes a sum the same on every instruction set.
//
// Included once per target, like simd-inl.h.
#if defined(LINNET_KERNELS_CPU_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINNET_KERNELS_CPU_LANES_INL_H_
#undef LINNET_KERNELS_CPU_LANES_INL_H_
#else
#define LINNET_KERNELS_CPU_LANES_INL_H_
#endif

#include <limits>

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// The sum of term(x[i]) over a row, from +0.
template <class Term>
HWY_INLINE float sum_of(const float* x, int64_t width, Term term) {
  F32x16 sum = zero();
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) sum = sum + term(load(x + i));
  if (i == width) return sum_lanes(sum);
  // The lanes beyond the row keep their sums.
  float lanes[kLanes];
  float terms[kLanes];
  store(sum, lanes);
  store(term(load_partial(x + i, width - i, 0.0F)), terms);
  for (int64_t lane = 0; lane < width - i; ++lane) lanes[lane] = lanes[lane] + terms[lane];
  return sum_lanes(load(lanes));
}

/// The largest element of a row, NaN left out; -infinity if there is nothing else.
HWY_INLINE float max_of(const float* x, int64_t width) {
  const F32x16 lowest = set(-std::numeric_limits<float>::infinity());
  F32x16 largest = lowest;
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) largest = max(load(x + i), largest);
  if (i < width)
    largest = max(load_partial(x + i, width - i, -std::numeric_limits<float>::infinity()), largest);
  return max_lanes(largest);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
