// low_rank(): a thread takes up to 16 rows of a group through both products, so that what lies
// between them never leaves its cache.
#include "kernels/low_rank.hpp"

#include <algorithm>
#include <atomic>

#include "kernels/cpu/matmul_paths.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/low_rank.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// y += sums * scale for a range of panels.
void AddScaled(const PreparedRows& x, const PanelRange& range, float scale, float* y,
               int64_t y_stride) {
  const F32x16 factor = set(scale);
  for (int64_t panel = range.begin; panel < range.end; ++panel) {
    const int64_t column = panel * kLanes;
    const int64_t n = std::min<int64_t>(kLanes, range.weights.n - column);
    const float* sums = range.sums + (panel - range.begin) * x.padded_rows * kLanes;
    for (int64_t row = 0; row < x.rows; ++row) {
      const F32x16 term = load(sums + row * kLanes) * factor;
      float* to = y + row * y_stride + column;
      store_some(load_some(to, n) + term, to, n);
    }
  }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "base/checked.hpp"
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(AddScaled);

namespace {

constexpr int64_t kTaskRows = 16;  // that a thread takes at a time

/// What a thread works in, in floats.
struct Slot {
  int64_t x = 0;  // kTaskRows rows of K, padded
  int64_t h = 0;  // kTaskRows rows of the rank, padded
  int64_t sums = kJobPanels * kTaskRows * kPanelRows;
  int64_t scratch = 0;

  Slot(int64_t k, int64_t rank)
      : x(kTaskRows * round_up(k, kBlockK)),
        h(kTaskRows * round_up(rank, kBlockK)),
        scratch(path_scratch(std::max(k, rank), 0) / 4) {}
  [[nodiscard]] int64_t bytes() const { return checked_mul(x + h + sums + scratch, 4); }
};

/// A part of a group.
struct Task {
  const LowRankGroup* group = nullptr;
  int64_t first_row = 0;
  int64_t rows = 0;
};

Task task_at(std::span<const LowRankGroup> groups, int64_t index) {
  for (const LowRankGroup& group : groups) {
    const int64_t count = ceil_div(group.rows, kTaskRows);
    if (index < count) {
      const int64_t begin = index * kTaskRows;
      return {&group, group.first_row + begin, std::min(kTaskRows, group.rows - begin)};
    }
    index -= count;
  }
  return {};
}

class LowRank {
 public:
  LowRank(const LowRankArgs& args, const Context& context)
      : args_(args), isa_(context.isa), add_(choose(HWY_DISPATCH_TABLE(AddScaled), context.isa)) {}

  void run(const Task& task, const Slot& slot, float* room) const {
    const LowRankGroup& group = *task.group;
    float* x = room;
    float* h = x + slot.x;
    float* sums = h + slot.h;
    auto* scratch = reinterpret_cast<std::byte*>(sums + slot.sums);
    const PreparedRows rows = prepared(x, task.rows, args_.x.shape[1]);
    for (int64_t row = 0; row < rows.rows; ++row)
      prepare_float_row(args_.x, false, task.first_row + row, rows.k, x + row * rows.k, isa_);
    std::fill(x + rows.rows * rows.k, x + rows.padded_rows * rows.k, 0.0F);
    const PreparedRows between = prepared(h, task.rows, group.a.n);
    std::fill(h, h + between.padded_rows * between.k, 0.0F);
    multiply(rows, {.weights = group.a, .sums = sums, .scratch = scratch},
             [&](const PanelRange& range) {
               for (int64_t panel = range.begin; panel < range.end; ++panel)
                 for (int64_t row = 0; row < rows.rows; ++row) {
                   const float* from =
                       sums + ((panel - range.begin) * rows.padded_rows + row) * kPanelRows;
                   // Without the sums of the padding: an infinite x makes NaN of them.
                   const int64_t n = std::min(kPanelRows, group.a.n - panel * kPanelRows);
                   std::copy(from, from + n, h + row * between.k + panel * kPanelRows);
                 }
             });
    const int64_t n = group.b.n;
    multiply(between, {.weights = group.b, .sums = sums, .scratch = scratch},
             [&](const PanelRange& range) {
               add_(between, range, group.scale, args_.y + task.first_row * n, n);
             });
  }

 private:
  static PreparedRows prepared(const float* x, int64_t rows, int64_t k) {
    return {.x = x, .rows = rows, .padded_rows = padded_rows(rows), .k = round_up(k, kBlockK)};
  }

  /// By some panels at a time, which `take` gets.
  template <class Take>
  void multiply(const PreparedRows& x, PanelRange range, const Take& take) const {
    const int64_t panels = range.weights.panels();
    for (range.begin = 0; range.begin < panels; range.begin += kJobPanels) {
      range.end = std::min(panels, range.begin + kJobPanels);
      if (x.rows <= kVectorRows)
        multiply_vector(x, range, isa_);
      else
        multiply_float(x, range, isa_);
      take(range);
    }
  }

  const LowRankArgs& args_;
  Isa isa_;
  decltype(choose(HWY_DISPATCH_TABLE(AddScaled), Isa::scalar)) add_;
};

}  // namespace

int64_t low_rank_workspace(int64_t k, int64_t rank, int threads) {
  return checked_mul(Slot(k, rank).bytes(), threads);
}

void low_rank(const LowRankArgs& args, const Context& context) {
  const int64_t k = args.x.shape[1];
  int64_t rank = 0;
  int64_t tasks = 0;
  int64_t work = 0;  // multiply-adds
  for (const LowRankGroup& group : args.groups) {
    rank = std::max(rank, group.a.n);
    tasks += ceil_div(group.rows, kTaskRows);
    work += group.rows * group.a.n * (k + group.b.n);
  }
  if (tasks == 0) return;
  const LowRank low_rank(args, context);
  const Slot slot(k, rank);
  const int64_t workers = work < 65536 ? 1 : std::min<int64_t>(context.pool.size(), tasks);
  std::atomic<int64_t> next{0};
  context.pool.parallel_for(workers, 1, [&](int64_t begin, int64_t end) {
    for (int64_t worker = begin; worker < end; ++worker) {
      auto* room = reinterpret_cast<float*>(args.workspace + worker * slot.bytes());
      for (int64_t index = next++; index < tasks; index = next++)
        low_rank.run(task_at(args.groups, index), slot, room);
    }
  });
}

}  // namespace linnet::kernels::cpu
#endif  // HWY_ONCE
