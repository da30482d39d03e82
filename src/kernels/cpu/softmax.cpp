#include "kernels/softmax.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/softmax.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/lanes-inl.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// y[i] = map(x[i]) over one row.
template <class Map>
HWY_INLINE void map_row(const float* x, float* y, int64_t width, Map map) {
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) store(map(load(x + i)), y + i);
  if (i < width) store_partial(map(load_partial(x + i, width - i, 0.0F)), y + i, width - i);
}

void SoftmaxRows(const SoftmaxArgs& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float* x = a.x + row * a.width;
    float* y = a.y + row * a.width;
    const F32x16 largest = set(max_of(x, a.width));
    map_row(x, y, a.width, [largest](F32x16 v) HWY_ATTR { return exp_nonpositive(v - largest); });
    const F32x16 sum = set(sum_of(y, a.width, [](F32x16 v) HWY_ATTR { return v; }));
    map_row(y, y, a.width, [sum](F32x16 v) HWY_ATTR { return v / sum; });
  }
}

void LogSoftmaxRows(const SoftmaxArgs& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float* x = a.x + row * a.width;
    float* y = a.y + row * a.width;
    const F32x16 largest = set(max_of(x, a.width));
    const float sum =
        sum_of(x, a.width, [largest](F32x16 v) HWY_ATTR { return exp_nonpositive(v - largest); });
    const F32x16 logarithm = log(set(sum));
    map_row(x, y, a.width,
            [largest, logarithm](F32x16 v) HWY_ATTR { return (v - largest) - logarithm; });
  }
}

/// A row's sum of term(y, dy) over 16 lanes, and then map(y, dy, sum) for each element.
template <class Term, class Map>
HWY_INLINE void gradient_row(const SoftmaxGradientArgs& a, int64_t row, Term term, Map map) {
  const float* y = a.y + row * a.width;
  const float* dy = a.dy + row * a.width;
  float* dx = a.dx + row * a.width;
  F32x16 lanes = zero();
  int64_t i = 0;
  for (; i + kLanes <= a.width; i += kLanes) lanes = term(load(y + i), load(dy + i), lanes);
  const int64_t rest = a.width - i;
  if (rest > 0)
    lanes = term(load_partial(y + i, rest, 0.0F), load_partial(dy + i, rest, 0.0F), lanes);
  const F32x16 sum = set(sum_lanes(lanes));
  for (i = 0; i + kLanes <= a.width; i += kLanes)
    store(map(load(y + i), load(dy + i), sum), dx + i);
  if (rest > 0)
    store_partial(map(load_partial(y + i, rest, 0.0F), load_partial(dy + i, rest, 0.0F), sum),
                  dx + i, rest);
}

void SoftmaxGradientRows(const SoftmaxGradientArgs& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row)
    gradient_row(
        a, row, [](F32x16 y, F32x16 dy, F32x16 s) HWY_ATTR { return fma(y, dy, s); },
        [](F32x16 y, F32x16 dy, F32x16 s) HWY_ATTR { return y * (dy - s); });
}

void LogSoftmaxGradientRows(const SoftmaxGradientArgs& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row)
    gradient_row(
        a, row, [](F32x16, F32x16 dy, F32x16 s) HWY_ATTR { return s + dy; },
        [](F32x16 y, F32x16 dy, F32x16 s) HWY_ATTR { return dy - exp_nonpositive(y) * s; });
}

/// exp(x - largest) of 16 elements from x[i] on; 0 beyond the row.
HWY_INLINE F32x16 weights(const float* x, int64_t i, int64_t width, F32x16 largest) {
  const int64_t n = width - i < kLanes ? width - i : kLanes;
  const float none = -std::numeric_limits<float>::infinity();
  return exp_nonpositive((n == kLanes ? load(x + i) : load_partial(x + i, n, none)) - largest);
}

HWY_INLINE int64_t draw(const float* x, int64_t width, double uniform) {
  const F32x16 largest = set(max_of(x, width));
  double total = 0;
  for (int64_t i = 0; i < width; i += kLanes)
    total += static_cast<double>(sum_lanes(weights(x, i, width, largest)));
  // NaN in the row, or made by infinity - infinity; an empty row has no weight at all.
  if (!(total > 0)) return -1;
  const double target = uniform * total;
  double before = 0;
  int64_t last = -1;  // the last index with a weight so far
  for (int64_t i = 0; i < width; i += kLanes) {
    const F32x16 w = weights(x, i, width, largest);
    float lanes[kLanes];
    store(w, lanes);
    const double after = before + static_cast<double>(sum_lanes(w));
    double running = before;
    for (int lane = 0; lane < kLanes; ++lane) {
      if (lanes[lane] > 0) last = i + lane;
      running += static_cast<double>(lanes[lane]);
      if (after > target && running > target) return i + lane;
    }
    // The float sum of the group passed the target, its single weights in double just did not.
    if (after > target) return last;
    before = after;
  }
  return last;
}

void CategoricalRows(const CategoricalArgs& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row)
    a.y[row] = draw(a.logits + row * a.width, a.width, a.uniform[row]);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(SoftmaxRows);
HWY_EXPORT(LogSoftmaxRows);
HWY_EXPORT(SoftmaxGradientRows);
HWY_EXPORT(LogSoftmaxGradientRows);
HWY_EXPORT(CategoricalRows);

namespace {
/// Runs rows(args, begin, end) on the pool; at least about 1,000 elements at a time, so that the
/// fork pays.
template <class Args, class Rows>
void run_rows(const Args& args, const Context& context, const Rows& rows) {
  const int64_t grain = std::max<int64_t>(1, 1024 / std::max<int64_t>(args.width, 1));
  context.pool.parallel_for(args.rows, grain,
                            [&](int64_t begin, int64_t end) { rows(args, begin, end); });
}
}  // namespace

void softmax(const SoftmaxArgs& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(SoftmaxRows), context.isa));
}

void log_softmax(const SoftmaxArgs& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(LogSoftmaxRows), context.isa));
}

void softmax_gradient(const SoftmaxGradientArgs& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(SoftmaxGradientRows), context.isa));
}

void log_softmax_gradient(const SoftmaxGradientArgs& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(LogSoftmaxGradientRows), context.isa));
}

void categorical(const CategoricalArgs& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(CategoricalRows), context.isa));
}

}  // namespace linnet::kernels::cpu
#endif
