// Panels of the transpose of packed weights. 128 k of a panel of 16 outputs are read as floats, 16
// lanes of outputs at a time, and turned by tiles of 16 by 16.
#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/matmul.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/transpose_panels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

constexpr int64_t kSpan = 128;  // k read at a time: whole groups of every size

/// values[k - begin][16] = weights of one panel of outputs, for begin <= k < end.
template <class Layout>
HWY_INLINE void read_span(const PackedWeights& w, int64_t panel, int64_t begin, int64_t end,
                          float* values) {
  Layout::quads(w, panel, begin, end, [&](int64_t quad, const Quad& q) HWY_ATTR {
    float* to = values + quad * 4 * kLanes;
    store(q.k0, to);
    store(q.k1, to + kLanes);
    store(q.k2, to + 2 * kLanes);
    store(q.k3, to + 3 * kLanes);
  });
  if constexpr (Layout::kGrouped) {
    const int64_t size = w.quantization.group_size;
    for (int64_t group = begin / size; group * size < end; ++group) {
      F32x16 scale;
      F32x16 bias;
      Layout::group_scales(w, panel, group, scale, bias);
      for (int64_t k = group * size - begin; k < (group + 1) * size - begin; ++k) {
        float* value = values + k * kLanes;
        store(load(value) * scale + bias, value);
      }
    }
  }
}

/// to[column][row] = from[row][column] for 16 rows of kColumns words.
template <int kColumns>
HWY_INLINE void turn(const void* from, void* to) {
  uint32_t words[kLanes * kColumns];
  uint32_t turned[kLanes * kColumns];
  std::memcpy(words, from, sizeof(words));
  for (int column = 0; column < kColumns; ++column)
    for (int row = 0; row < kLanes; ++row)
      turned[column * kLanes + row] = words[row * kColumns + column];
  std::memcpy(to, turned, sizeof(turned));
}

/// The tile of 16 k by 16 outputs at `values`, as part of a panel of the transpose.
HWY_INLINE void put_tile(const float* values, float* to) { turn<kLanes>(values, to); }
HWY_INLINE void put_tile(const float* values, BF16* to) {
  // Neighbouring outputs are the pairs of the panel: words of two stay together.
  alignas(64) BF16 rounded[kLanes * kLanes];
  for (int row = 0; row < kLanes; ++row) store(load(values + row * kLanes), rounded + row * kLanes);
  turn<kLanes / 2>(rounded, to);
}

template <class Layout, class Element>
void transpose_span(const TransposePanelsArgs& a, int64_t span, int64_t output_panel) {
  const PackedWeights& w = a.weights;
  const int64_t padded_n = round_up(w.n, kBlockK);
  const int64_t begin = span * kSpan;
  const int64_t end = std::min(begin + kSpan, round_up(w.k, kBlockK));
  alignas(64) float values[kSpan * kLanes];
  read_span<Layout>(w, output_panel, begin, end, values);
  auto* packed = static_cast<Element*>(a.packed);
  for (int64_t k = begin; k < end; k += kLanes) {
    const int64_t panel = k / kLanes - a.first;
    if (panel < 0 || panel >= a.count) continue;
    put_tile(values + (k - begin) * kLanes,
             packed + (panel * padded_n + output_panel * kLanes) * kLanes);
  }
}

void TransposeSpan(const TransposePanelsArgs& a, int64_t span, int64_t output_panel) {
  with_layout(a.weights, [&](auto layout) HWY_ATTR {
    if (a.dtype == DType::bf16)
      transpose_span<decltype(layout), BF16>(a, span, output_panel);
    else
      transpose_span<decltype(layout), float>(a, span, output_panel);
  });
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(TransposeSpan);

void transpose_panels(const TransposePanelsArgs& a, const Context& context) {
  const auto run = choose(HWY_DISPATCH_TABLE(TransposeSpan), context.isa);
  constexpr int64_t kSpanPanels = 128 / kPanelRows;
  const int64_t first = a.first / kSpanPanels;
  const int64_t spans = ceil_div(a.first + a.count, kSpanPanels) - first;
  const int64_t panels = a.weights.panels();
  context.pool.parallel_for(spans * panels, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) run(a, first + i / panels, i % panels);
  });
  if (panels % 2 == 0) return;
  // N is padded to whole blocks of 32.
  const int64_t row_bytes = kPanelRows * size_of(a.dtype);
  const int64_t padded_n = round_up(a.weights.n, kBlockK);
  for (int64_t panel = 0; panel < a.count; ++panel) {
    auto* to = static_cast<std::byte*>(a.packed) + (panel + 1) * padded_n * row_bytes;
    std::fill(to - kPanelRows * row_bytes, to, std::byte{0});
  }
}

}  // namespace linnet::kernels::cpu
#endif
