// The rotation of one head of one token, shared by the kernels that it is part of.
#if defined(LINNET_KERNELS_CPU_ROPE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINNET_KERNELS_CPU_ROPE_INL_H_
#undef LINNET_KERNELS_CPU_ROPE_INL_H_
#else
#define LINNET_KERNELS_CPU_ROPE_INL_H_
#endif

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// y[i] = x[i] cos - x[half + i] sin, y[half + i] = x[half + i] cos + x[i] sin; y may be x.
HWY_INLINE void rotate(const float* x, const float* cos, const float* sin, int64_t half, float* y) {
  int64_t i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    const F32x16 first = load(x + i);
    const F32x16 second = load(x + half + i);
    store(first * load(cos + i) - second * load(sin + i), y + i);
    store(second * load(cos + i) + first * load(sin + i), y + half + i);
  }
  for (; i < half; ++i) {
    const float first = x[i];
    const float second = x[half + i];
    y[i] = first * cos[i] - second * sin[i];
    y[half + i] = second * cos[i] + first * sin[i];
  }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
