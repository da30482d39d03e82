#include "kernels/matmul.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

// Rows that share one pass over a range of panels: their x (32 x K floats) stays in the L2 cache.
inline constexpr int64_t kRowChunk = 32;

/// One tile of outputs: kRows rows from `row`, kPanels panels from `panel`.
template <int kRows, int kPanels, class Weight>
HWY_INLINE void linear_tile(const LinearArgs& a, int64_t row, int64_t panel) {
  const int64_t padded = round_up(a.weights.k, kBlockK);
  const int64_t stride = padded * kLanes;
  const auto* w = static_cast<const Weight*>(a.weights.data) + panel * stride;
  F32x16 acc[kRows][kPanels];
  for (int r = 0; r < kRows; ++r)
    for (int p = 0; p < kPanels; ++p) acc[r][p] = zero();
  dot_tile<kRows, kPanels>(a.workspace + row * padded, padded, w, stride, padded / kBlockK, acc);
  for (int p = 0; p < kPanels; ++p) {
    const int64_t column = (panel + p) * kLanes;
    const int64_t n = std::min<int64_t>(kLanes, a.weights.n - column);
    for (int r = 0; r < kRows; ++r) {
      float* y = a.y + (row + r) * a.y_stride + column;
      F32x16 v = acc[r][p];
      if (n == kLanes) {
        if (a.bias != nullptr) v = v + load(a.bias + column);
        store(v, y);
      } else {
        if (a.bias != nullptr) v = v + load_partial(a.bias + column, n, 0.0F);
        store_partial(v, y, n);
      }
    }
  }
}

template <int kRows, int kPanels, class Weight>
HWY_INLINE void linear_rows(const LinearArgs& a, int64_t row, int64_t begin, int64_t end) {
  int64_t panel = begin;
  for (; panel + kPanels <= end; panel += kPanels)
    linear_tile<kRows, kPanels, Weight>(a, row, panel);
  for (; panel < end; ++panel) linear_tile<kRows, 1, Weight>(a, row, panel);
}

/// All rows with the panels begin..end-1.
template <class Weight>
void linear_panels(const LinearArgs& a, int64_t begin, int64_t end) {
  const int64_t rows = a.x.shape[0];
  if (rows == 1) return linear_rows<1, kVectorPanels, Weight>(a, 0, begin, end);
  for (int64_t chunk = 0; chunk < rows; chunk += kRowChunk) {
    const int64_t chunk_end = std::min(rows, chunk + kRowChunk);
    for (int64_t panel = begin; panel < end; panel += kTilePanels) {
      const int64_t panels_end = std::min<int64_t>(end, panel + kTilePanels);
      int64_t row = chunk;
      for (; row + kTileRows <= chunk_end; row += kTileRows)
        linear_rows<kTileRows, kTilePanels, Weight>(a, row, panel, panels_end);
      for (; row < chunk_end; ++row) linear_rows<1, kTilePanels, Weight>(a, row, panel, panels_end);
    }
  }
}

void LinearPanels(const LinearArgs& a, int64_t begin, int64_t end) {
  if (a.weights.dtype == DType::bf16)
    linear_panels<BF16>(a, begin, end);
  else
    linear_panels<float>(a, begin, end);
}

/// Copies rows begin..end-1 of x to the workspace as float, rounded to bf16 if asked, padded with
/// zeros.
void PrepareRows(const LinearArgs& a, int64_t begin, int64_t end) {
  const int64_t k = a.weights.k;
  const int64_t padded = round_up(k, kBlockK);
  for (int64_t row = begin; row < end; ++row) {
    float* to = a.workspace + row * padded;
    std::fill(to + k, to + padded, 0.0F);
    const int64_t start = row * a.x.strides[0];
    int64_t i = 0;
    if (a.x.dtype == DType::bf16) {
      const auto* from = static_cast<const BF16*>(a.x.data) + start;
      for (; i + kLanes <= k; i += kLanes) store(load(from + i), to + i);
      for (; i < k; ++i) to[i] = linnet::to_float(from[i]);
    } else {
      const auto* from = static_cast<const float*>(a.x.data) + start;
      if (a.round_x) {
        BF16 rounded[kLanes];
        for (; i + kLanes <= k; i += kLanes) {
          store(load(from + i), rounded);
          store(load(rounded), to + i);
        }
        for (; i < k; ++i) to[i] = linnet::to_float(linnet::to_bf16(from[i]));
      } else {
        std::copy(from, from + k, to);
      }
    }
  }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "base/half.hpp"
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels {

int64_t packed_bytes(DType dtype, int64_t n, int64_t k) {
  return checked_mul(checked_mul(round_up(n, kPanelRows), round_up(k, kBlockK)), size_of(dtype));
}

namespace cpu {

HWY_EXPORT(LinearPanels);
HWY_EXPORT(PrepareRows);

namespace {

float read(const ConstView& view, int64_t offset) {
  switch (view.dtype) {
    case DType::bf16: return to_float(static_cast<const BF16*>(view.data)[offset]);
    case DType::f16: return to_float(static_cast<const F16*>(view.data)[offset]);
    default: return static_cast<const float*>(view.data)[offset];
  }
}

/// Packs one panel: 16 outputs, all k.
void pack_panel(const PackArgs& a, int64_t panel) {
  const int64_t n = a.weights.shape[0];
  const int64_t k = a.weights.shape[1];
  const int64_t padded = round_up(k, kBlockK);
  for (int64_t lane = 0; lane < kPanelRows; ++lane) {
    const int64_t row = panel * kPanelRows + lane;
    const int64_t start = row * a.weights.strides[0];
    for (int64_t i = 0; i < padded; ++i) {
      const bool inside = row < n && i < k;
      const int64_t from = start + i * a.weights.strides[1];
      if (a.dtype == DType::bf16) {
        BF16 value;
        if (inside)
          value = a.weights.dtype == DType::bf16 ? static_cast<const BF16*>(a.weights.data)[from]
                                                 : to_bf16(read(a.weights, from));
        auto* to = static_cast<BF16*>(a.packed) + panel * padded * kPanelRows;
        to[(i / 2 * kPanelRows + lane) * 2 + i % 2] = value;
      } else {
        auto* to = static_cast<float*>(a.packed) + panel * padded * kPanelRows;
        to[i * kPanelRows + lane] = inside ? read(a.weights, from) : 0.0F;
      }
    }
  }
}

}  // namespace

void pack_weights(const PackArgs& args, const Context& context) {
  const int64_t panels = ceil_div(args.weights.shape[0], kPanelRows);
  context.pool.parallel_for(panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) pack_panel(args, panel);
  });
}

void linear(const LinearArgs& args, const Context& context) {
  const int64_t rows = args.x.shape[0];
  const int64_t k = args.weights.k;
  const auto prepare = choose(HWY_DISPATCH_TABLE(PrepareRows), context.isa);
  const auto panels = choose(HWY_DISPATCH_TABLE(LinearPanels), context.isa);
  if (rows == 0) return;
  context.pool.parallel_for(rows, std::max<int64_t>(1, 32768 / std::max<int64_t>(k, 1)),
                            [&](int64_t begin, int64_t end) { prepare(args, begin, end); });
  // A range of panels should be worth a fork: about 64k multiply-adds.
  const int64_t work = std::max<int64_t>(1, rows * k * kPanelRows);
  context.pool.parallel_for(ceil_div(args.weights.n, kPanelRows),
                            std::max<int64_t>(4, 65536 / work),
                            [&](int64_t begin, int64_t end) { panels(args, begin, end); });
}

}  // namespace cpu
}  // namespace linnet::kernels
#endif
