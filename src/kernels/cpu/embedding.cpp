#include "kernels/embedding.hpp"

#include <algorithm>

#include "base/half.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/embedding.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// One row; sixteen are unpacked for it, which costs less than reading them.
template <class Layout>
void read_row(const EmbeddingArgs& a, int64_t id, float* y) {
  const int64_t width = a.table.k;
  const int64_t panel = id / kPanelRows;
  const int64_t lane = id % kPanelRows;
  const int64_t step = Layout::kGrouped ? a.table.quantization.group_size : kBlockK;
  for (int64_t start = 0; start < width; start += step) {
    alignas(64) float values[128 * kLanes];
    Layout::quads(a.table, panel, start, start + step, [&](int64_t quad, const Quad& q) HWY_ATTR {
      float* to = values + quad * 4 * kLanes;
      store(q.k0, to);
      store(q.k1, to + kLanes);
      store(q.k2, to + 2 * kLanes);
      store(q.k3, to + 3 * kLanes);
    });
    float scale = 1;
    float bias = 0;
    if constexpr (Layout::kGrouped)
      Layout::scale_of(a.table, panel, start / step, lane, scale, bias);
    for (int64_t i = 0; i < std::min(step, width - start); ++i) {
      const float value = values[i * kLanes + lane];
      // q has few bits: the product is exact in f32 where the scale is bf16, and rounded once
      // everywhere.
      y[start + i] = (Layout::kGrouped ? value * scale + bias : value) * a.scale;
    }
  }
}

void ReadRow(const EmbeddingArgs& a, int64_t t) {
  with_layout(a.table, [&](auto layout) HWY_ATTR {
    read_row<decltype(layout)>(a, a.ids[static_cast<size_t>(t)], a.y + t * a.table.k);
  });
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(ReadRow);

void embedding(const EmbeddingArgs& args, const Context& context) {
  const auto read = choose(HWY_DISPATCH_TABLE(ReadRow), context.isa);
  context.pool.parallel_for(static_cast<int64_t>(args.ids.size()),
                            std::max<int64_t>(1, 4096 / std::max<int64_t>(args.table.k, 1)),
                            [&](int64_t begin, int64_t end) {
                              for (int64_t t = begin; t < end; ++t) read(args, t);
                            });
}

}  // namespace linnet::kernels::cpu
#endif
