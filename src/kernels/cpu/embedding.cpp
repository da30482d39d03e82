#include "kernels/embedding.hpp"

#include <algorithm>

#include "base/half.hpp"

namespace linnet::kernels::cpu {
namespace {

void copy_row(const EmbeddingArgs& a, int64_t t) {
  const int64_t width = a.table.k;
  const int64_t id = a.ids[static_cast<size_t>(t)];
  const int64_t start = id / kPanelRows * round_up(width, kBlockK) * kPanelRows;
  const int64_t lane = id % kPanelRows;
  float* y = a.y + t * width;
  if (a.table.dtype == DType::bf16) {
    const auto* panel = static_cast<const BF16*>(a.table.data) + start;
    for (int64_t i = 0; i < width; ++i)
      y[i] = to_float(panel[(i / 2 * kPanelRows + lane) * 2 + i % 2]) * a.scale;
  } else {
    const auto* panel = static_cast<const float*>(a.table.data) + start;
    for (int64_t i = 0; i < width; ++i) y[i] = panel[i * kPanelRows + lane] * a.scale;
  }
}

}  // namespace

void embedding(const EmbeddingArgs& args, const Context& context) {
  context.pool.parallel_for(static_cast<int64_t>(args.ids.size()),
                            std::max<int64_t>(1, 16384 / std::max<int64_t>(args.table.k, 1)),
                            [&](int64_t begin, int64_t end) {
                              for (int64_t t = begin; t < end; ++t) copy_row(args, t);
                            });
}

}  // namespace linnet::kernels::cpu
