#include "kernels/norm.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/norm.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// sum of term(x) over a row, in 16 lanes.
template <class Term>
HWY_INLINE float sum_row(const float* x, int64_t width, Term term) {
  F32x16 sum = zero();
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) sum = term(load(x + i), sum);
  if (i < width) {
    // The lanes beyond the row keep their sums.
    float tail[kLanes];
    float before[kLanes];
    store(sum, before);
    store(term(load_partial(x + i, width - i, 0.0F), sum), tail);
    for (int64_t lane = 0; lane < kLanes; ++lane)
      if (lane < width - i) before[lane] = tail[lane];
    sum = load(before);
  }
  return sum_lanes(sum);
}

/// y = (x - mean) * scale * weight + bias over one row.
HWY_INLINE void scale_row(const NormArgs& a, const float* x, float* y, F32x16 mean, F32x16 scale) {
  for (int64_t i = 0; i < a.width; i += kLanes) {
    const int64_t n = a.width - i < kLanes ? a.width - i : kLanes;
    const bool whole = n == kLanes;
    F32x16 v = whole ? load(x + i) : load_partial(x + i, n, 0.0F);
    const F32x16 w = whole ? load(a.weight + i) : load_partial(a.weight + i, n, 0.0F);
    v = (v - mean) * scale * w;
    if (a.bias != nullptr) v = v + (whole ? load(a.bias + i) : load_partial(a.bias + i, n, 0.0F));
    if (whole)
      store(v, y + i);
    else
      store_partial(v, y + i, n);
  }
}

void RmsNormRows(const NormArgs& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float* x = a.x + row * a.width;
    const float squares =
        sum_row(x, a.width, [](F32x16 v, F32x16 sum) HWY_ATTR { return fma(v, v, sum); });
    const float mean = squares / static_cast<float>(a.width);
    const F32x16 scale = set(1.0F) / sqrt(set(mean + a.eps));
    scale_row(a, x, a.y + row * a.width, zero(), scale);
  }
}

void LayerNormRows(const NormArgs& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float* x = a.x + row * a.width;
    const auto width = static_cast<float>(a.width);
    const float sum = sum_row(x, a.width, [](F32x16 v, F32x16 s) HWY_ATTR { return s + v; });
    const F32x16 mean = set(sum / width);
    const float squares = sum_row(x, a.width, [mean](F32x16 v, F32x16 s) HWY_ATTR {
      const F32x16 d = v - mean;
      return fma(d, d, s);
    });
    const F32x16 scale = set(1.0F) / sqrt(set(squares / width + a.eps));
    scale_row(a, x, a.y + row * a.width, mean, scale);
  }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(RmsNormRows);
HWY_EXPORT(LayerNormRows);

namespace {
// Rows a thread takes at a time: about 16 KiB of input, so that the fork pays.
int64_t grain(const NormArgs& args) {
  return std::max<int64_t>(1, 4096 / std::max<int64_t>(args.width, 1));
}
}  // namespace

void rms_norm(const NormArgs& args, const Context& context) {
  const auto rows = choose(HWY_DISPATCH_TABLE(RmsNormRows), context.isa);
  context.pool.parallel_for(args.rows, grain(args),
                            [&](int64_t begin, int64_t end) { rows(args, begin, end); });
}

void layer_norm(const NormArgs& args, const Context& context) {
  const auto rows = choose(HWY_DISPATCH_TABLE(LayerNormRows), context.isa);
  context.pool.parallel_for(args.rows, grain(args),
                            [&](int64_t begin, int64_t end) { rows(args, begin, end); });
}

}  // namespace linnet::kernels::cpu
#endif
