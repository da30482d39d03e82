#include "kernels/norm.hpp"

#include <algorithm>

#include "base/checked.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/norm.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/norm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

void RmsNormRows(const NormArgs& a, int64_t begin, int64_t end) {
  for_norm_rows(begin, end, [&](auto rows, int64_t row) HWY_ATTR {
    rms_norm_rows<decltype(rows)::value>(a.x + row * a.width, a.width, {a.weight, a.eps}, a.width,
                                         a.y + row * a.width, a.width);
  });
}

template <int kRows>
HWY_INLINE void layer_norm_rows(const NormArgs& a, int64_t row) {
  const float* x = a.x + row * a.width;
  float* y = a.y + row * a.width;
  const auto width = static_cast<float>(a.width);
  float sums[kRows];
  sum_rows<kRows>(
      x, a.width, a.width, [](int, F32x16 v, F32x16 s) HWY_ATTR { return s + v; }, sums);
  F32x16 mean[kRows];
  for (int r = 0; r < kRows; ++r) mean[r] = set(sums[r] / width);
  sum_rows<kRows>(
      x, a.width, a.width,
      [&mean](int r, F32x16 v, F32x16 s) HWY_ATTR {
        const F32x16 d = v - mean[r];
        return fma(d, d, s);
      },
      sums);
  F32x16 scale[kRows];
  for (int r = 0; r < kRows; ++r) scale[r] = set(1.0F) / sqrt(set(sums[r] / width + a.eps));
  for_columns<kRows>(a.width, [&](int r, int64_t i, int64_t n) HWY_ATTR {
    F32x16 v = load_some(x + r * a.width + i, n);
    v = (v - mean[r]) * scale[r] * load_some(a.weight + i, n);
    if (a.bias != nullptr) v = v + load_some(a.bias + i, n);
    store_some(v, y + r * a.width + i, n);
  });
}

void LayerNormRows(const NormArgs& a, int64_t begin, int64_t end) {
  for_norm_rows(begin, end, [&](auto rows, int64_t row) HWY_ATTR {
    layer_norm_rows<decltype(rows)::value>(a, row);
  });
}

HWY_INLINE void store_some(F32x16 v, BF16* to, int64_t n) {
  if (n == kLanes) {
    store(v, to);
  } else {
    BF16 last[kLanes];
    store(v, last);
    for (int64_t i = 0; i < n; ++i) to[i] = last[i];
  }
}

template <int kRows, class Out>
HWY_INLINE void residual_rows(const ResidualNormArgs& a, int64_t row) {
  const int64_t start = row * a.width;
  float* sum = a.sum + start;
  if (a.inner.weight != nullptr) {
    F32x16 scale[kRows];
    rms_scales<kRows>(a.y + start, a.width, a.width, a.inner.eps, scale);
    for_columns<kRows>(a.width, [&](int r, int64_t i, int64_t n) HWY_ATTR {
      const int64_t at = r * a.width + i;
      const F32x16 y = load_some(a.y + start + at, n) * scale[r] * load_some(a.inner.weight + i, n);
      store_some(load_some(a.x + start + at, n) + y, sum + at, n);
    });
  } else {
    for_columns<kRows>(a.width, [&](int r, int64_t i, int64_t n) HWY_ATTR {
      const int64_t at = r * a.width + i;
      store_some(load_some(a.x + start + at, n) + load_some(a.y + start + at, n), sum + at, n);
    });
  }
  if (a.outer.weight == nullptr) return;
  auto* norm = static_cast<Out*>(a.norm) + start;
  F32x16 scale[kRows];
  rms_scales<kRows>(sum, a.width, a.width, a.outer.eps, scale);
  for_columns<kRows>(a.width, [&](int r, int64_t i, int64_t n) HWY_ATTR {
    const int64_t at = r * a.width + i;
    store_some(load_some(sum + at, n) * scale[r] * load_some(a.outer.weight + i, n), norm + at, n);
  });
}

void ResidualNormRows(const ResidualNormArgs& a, int64_t begin, int64_t end) {
  for_norm_rows(begin, end, [&](auto rows, int64_t row) HWY_ATTR {
    if (a.norm_dtype == DType::bf16)
      residual_rows<decltype(rows)::value, BF16>(a, row);
    else
      residual_rows<decltype(rows)::value, float>(a, row);
  });
}

void RmsNormGradientPart(const RmsNormGradientArgs& a, int64_t part) {
  constexpr int64_t kRows = RmsNormGradientArgs::kRowsPerPart;
  const auto width = static_cast<float>(a.width);
  float* dweight = a.dweight_parts == nullptr ? nullptr : a.dweight_parts + part * a.width;
  if (dweight != nullptr) std::fill(dweight, dweight + a.width, 0.0F);
  for (int64_t row = part * kRows; row < std::min(a.rows, (part + 1) * kRows); ++row) {
    const int64_t start = row * a.width;
    const float* x = a.x + start;
    const float* dy = a.dy + start;
    F32x16 scale[1];
    rms_scales<1>(x, a.width, a.width, a.eps, scale);
    F32x16 lanes = zero();
    for_columns<1>(a.width, [&](int, int64_t i, int64_t n) HWY_ATTR {
      lanes = fma(load_some(dy + i, n) * load_some(a.weight + i, n), load_some(x + i, n), lanes);
    });
    const F32x16 r = scale[0];
    const F32x16 pull = r * r * r * set(sum_lanes(lanes) / width);
    for_columns<1>(a.width, [&](int, int64_t i, int64_t n) HWY_ATTR {
      const F32x16 v = load_some(x + i, n);
      const F32x16 c = load_some(dy + i, n);
      F32x16 d = r * (c * load_some(a.weight + i, n)) - v * pull;
      if (dweight != nullptr) store_some(fma(c, v * r, load_some(dweight + i, n)), dweight + i, n);
      if (a.add != nullptr) d = d + load_some(a.add + start + i, n);
      store_some(d, a.dx + start + i, n);
    });
  }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(RmsNormRows);
HWY_EXPORT(LayerNormRows);
HWY_EXPORT(ResidualNormRows);
HWY_EXPORT(RmsNormGradientPart);

namespace {
/// Runs rows(args, begin, end) on the pool; about 16 KiB of input at a time, so that the fork pays.
template <class Args, class Rows>
void run_rows(const Args& args, const Context& context, const Rows& rows) {
  const int64_t grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(args.width, 1));
  context.pool.parallel_for(args.rows, grain,
                            [&](int64_t begin, int64_t end) { rows(args, begin, end); });
}
}  // namespace

void rms_norm(const NormArgs& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(RmsNormRows), context.isa));
}

void layer_norm(const NormArgs& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(LayerNormRows), context.isa));
}

void rms_norm_gradient(const RmsNormGradientArgs& args, const Context& context) {
  const auto run = choose(HWY_DISPATCH_TABLE(RmsNormGradientPart), context.isa);
  const int64_t parts = ceil_div(args.rows, RmsNormGradientArgs::kRowsPerPart);
  context.pool.parallel_for(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) run(args, part);
  });
}

void residual_norm(const ResidualNormArgs& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(ResidualNormRows), context.isa));
}

}  // namespace linnet::kernels::cpu
#endif
