#include "kernels/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/optimizer.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// Calls use(i, n) for elements begin..end - 1, n (up to 16) of them from i on.
template <class Use>
HWY_INLINE void for_lanes(int64_t begin, int64_t end, const Use& use) {
  for (int64_t i = begin; i < end; i += kLanes) use(i, end - i < kLanes ? end - i : kLanes);
}

/// Calls rule(p, g, state...) for elements begin..end - 1, 16 lanes at a time: p and the states are
/// read, changed by the rule and written back; g is the scaled gradient.
template <class Rule, class... State>
HWY_INLINE void step_lanes(const StepArrays& a, int64_t begin, int64_t end, const Rule& rule,
                           State*... states) {
  const F32x16 gradient_scale = set(a.gradient_scale);
  for_lanes(begin, end, [&](int64_t i, int64_t n) HWY_ATTR {
    const F32x16 g = load_some(a.gradient + i, n) * gradient_scale;
    F32x16 p = load_some(a.parameter + i, n);
    const auto step = [&](auto... state) HWY_ATTR {
      rule(p, g, state...);
      (store_some(state, states + i, n), ...);
    };
    step(load_some(states + i, n)...);
    store_some(p, a.parameter + i, n);
  });
}

void AdamWRange(const AdamWArgs& a, int64_t begin, int64_t end) {
  const F32x16 decay = set(a.decay);
  const F32x16 first_weight = set(a.first_weight);
  const F32x16 beta2 = set(a.beta2);
  const F32x16 second_weight = set(a.second_weight);
  const F32x16 step_size = set(a.step_size);
  const F32x16 second_root = set(a.second_root);
  const F32x16 epsilon = set(a.epsilon);
  const auto rule = [&](F32x16& p, F32x16 g, F32x16& m, F32x16& v) HWY_ATTR {
    m = fma(first_weight, g - m, m);
    v = fma(second_weight * g, g, beta2 * v);
    p = p * decay - step_size * m / (sqrt(v) / second_root + epsilon);
  };
  step_lanes(a.arrays, begin, end, rule, a.exp_avg, a.exp_avg_sq);
}

void SgdRange(const SgdArgs& a, int64_t begin, int64_t end) {
  const F32x16 weight_decay = set(a.weight_decay);
  const F32x16 momentum = set(a.momentum);
  const F32x16 back = set(-a.learning_rate);
  const auto plain = [&](F32x16& p, F32x16 g)
                         HWY_ATTR { p = fma(back, fma(weight_decay, p, g), p); };
  const auto with_momentum = [&](F32x16& p, F32x16 g, F32x16& b) HWY_ATTR {
    const F32x16 d = fma(weight_decay, p, g);
    b = momentum * b + d;
    p = fma(back, a.nesterov ? fma(momentum, b, d) : b, p);
  };
  if (a.momentum_buffer == nullptr)
    step_lanes(a.arrays, begin, end, plain);
  else
    step_lanes(a.arrays, begin, end, with_momentum, a.momentum_buffer);
}

void LionRange(const LionArgs& a, int64_t begin, int64_t end) {
  const F32x16 decay = set(a.decay);
  const F32x16 beta1 = set(a.beta1);
  const F32x16 first_weight = set(a.first_weight);
  const F32x16 beta2 = set(a.beta2);
  const F32x16 second_weight = set(a.second_weight);
  const F32x16 rate = set(a.learning_rate);
  const auto rule = [&](F32x16& p, F32x16 g, F32x16& m) HWY_ATTR {
    const F32x16 direction = beta1 * m + first_weight * g;
    const F32x16 some = select(zero() < abs(direction), rate, zero());
    p = p * decay - copysign(some, direction);
    m = beta2 * m + second_weight * g;
  };
  step_lanes(a.arrays, begin, end, rule, a.exp_avg);
}

float SquaresOf(const float* x, int64_t n) {
  return sum_of(x, n, [](F32x16 v) HWY_ATTR { return v * v; });
}

void AddScaledRange(float* sum, const float* x, float scale, int64_t begin, int64_t end) {
  const F32x16 factor = set(scale);
  for_lanes(begin, end, [&](int64_t i, int64_t n) HWY_ATTR {
    store_some(fma(factor, load_some(x + i, n), load_some(sum + i, n)), sum + i, n);
  });
}

/// Row means of g^2 into row_var.
void AdafactorRows(const AdafactorArgs& a, int64_t begin, int64_t end) {
  const F32x16 scale = set(a.arrays.gradient_scale);
  const auto width = static_cast<float>(a.columns);
  for (int64_t row = begin; row < end; ++row) {
    const float mean = sum_of(a.arrays.gradient + row * a.columns, a.columns,
                              [&](F32x16 g) HWY_ATTR {
                                g = g * scale;
                                return g * g;
                              }) /
                       width;
    float& moment = a.row_var[row];
    moment = moment + a.weight * (mean - moment);
  }
}

/// Column means of g^2 into col_var, for groups of 16 columns.
void AdafactorColumns(const AdafactorArgs& a, int64_t begin, int64_t end) {
  const F32x16 scale = set(a.arrays.gradient_scale);
  const F32x16 height = set(static_cast<float>(a.rows));
  const F32x16 weight = set(a.weight);
  for_lanes(begin * kLanes, end * kLanes < a.columns ? end * kLanes : a.columns,
            [&](int64_t column, int64_t n) HWY_ATTR {
              F32x16 total = zero();
              for (int64_t first = 0; first < a.rows; first += kColumnChunk) {
                const int64_t last = first + kColumnChunk < a.rows ? first + kColumnChunk : a.rows;
                F32x16 sum = zero();
                for (int64_t row = first; row < last; ++row) {
                  const F32x16 g =
                      load_some(a.arrays.gradient + row * a.columns + column, n) * scale;
                  sum = sum + g * g;
                }
                total = total + sum;
              }
              const F32x16 moment = load_some(a.col_var + column, n);
              store_some(moment + weight * (total / height - moment), a.col_var + column, n);
            });
}

/// Second moments of single elements.
void AdafactorElements(const AdafactorArgs& a, int64_t begin, int64_t end) {
  const F32x16 scale = set(a.arrays.gradient_scale);
  const F32x16 weight = set(a.weight);
  for_lanes(begin, end, [&](int64_t i, int64_t n) HWY_ATTR {
    const F32x16 g = load_some(a.arrays.gradient + i, n) * scale;
    const F32x16 moment = load_some(a.variance + i, n);
    store_some(moment + weight * (g * g - moment), a.variance + i, n);
  });
}

/// Elements whose update is computed together: a row of a matrix, or kSquareChunk others.
struct Run {
  int64_t at;
  int64_t size;
  const float* moments;  // [size]
  float row;             // that they are multiplied by
};

HWY_INLINE Run run_of(const AdafactorArgs& a, int64_t run) {
  if (a.rows != 0) return {run * a.columns, a.columns, a.col_var, a.row_var[run]};
  const int64_t at = run * kSquareChunk;
  const int64_t rest = a.arrays.size - at;
  return {at, rest < kSquareChunk ? rest : kSquareChunk, a.variance + at, 1.0F};
}

/// u = g / sqrt(max(estimate, epsilon1^2)) of n elements of a run; 0 in the lanes beyond.
HWY_INLINE F32x16 update_of(const AdafactorArgs& a, const Run& run, float mean, int64_t i,
                            int64_t n) {
  const F32x16 g = load_some(a.arrays.gradient + run.at + i, n) * set(a.arrays.gradient_scale);
  const F32x16 estimate = set(run.row) * load_some(run.moments + i, n) / set(mean);
  // NaN stays: max() gives its second operand.
  return set(1.0F) / sqrt(max(set(a.epsilon1 * a.epsilon1), estimate)) * g;
}

/// The sum of a run's squared updates, over 16 lanes.
float AdafactorSquares(const AdafactorArgs& a, float mean, int64_t index) {
  const Run run = run_of(a, index);
  F32x16 sum = zero();
  for_lanes(0, run.size, [&](int64_t i, int64_t n) HWY_ATTR {
    const F32x16 u = update_of(a, run, mean, i, n);
    sum = sum + u * u;
  });
  return sum_lanes(sum);
}

void AdafactorApply(const AdafactorArgs& a, float mean, float rate, int64_t index) {
  const Run run = run_of(a, index);
  const F32x16 back = set(-rate);
  const F32x16 decay = set(a.decay);
  for_lanes(0, run.size, [&](int64_t i, int64_t n) HWY_ATTR {
    float* p = a.arrays.parameter + run.at + i;
    store_some(fma(back, update_of(a, run, mean, i, n), load_some(p, n) * decay), p, n);
  });
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(AdamWRange);
HWY_EXPORT(SgdRange);
HWY_EXPORT(LionRange);
HWY_EXPORT(SquaresOf);
HWY_EXPORT(AddScaledRange);
HWY_EXPORT(AdafactorRows);
HWY_EXPORT(AdafactorColumns);
HWY_EXPORT(AdafactorElements);
HWY_EXPORT(AdafactorSquares);
HWY_EXPORT(AdafactorApply);

namespace {

/// Elements a thread takes at once: 16 KiB of each array.
constexpr int64_t kStepChunk = 4096;

/// Calls body(begin, end) over all elements, in chunks of whole vectors.
template <class Body>
void for_chunks(int64_t size, const Context& context, const Body& body) {
  const int64_t chunks = (size + kStepChunk - 1) / kStepChunk;
  context.pool.parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
    body(begin * kStepChunk, std::min(end * kStepChunk, size));
  });
}

template <class Args>
void run_step(void (*range)(const Args&, int64_t, int64_t), const Args& args,
              const Context& context) {
  for_chunks(args.arrays.size, context,
             [&](int64_t begin, int64_t end) { range(args, begin, end); });
}

/// The sum of part(chunk) for all chunks, each computed on its own, added in rising order.
template <class Part>
double sum_of_parts(int64_t chunks, int64_t grain, const Context& context, const Part& part) {
  std::vector<float> sums(static_cast<size_t>(chunks));
  context.pool.parallel_for(chunks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk)
      sums[static_cast<size_t>(chunk)] = part(chunk);
  });
  double total = 0;
  for (const float sum : sums) total += static_cast<double>(sum);
  return total;
}

double root_mean(double squares, int64_t size) {
  return std::sqrt(squares / static_cast<double>(size));
}

}  // namespace

void adamw(const AdamWArgs& args, const Context& context) {
  run_step(choose(HWY_DISPATCH_TABLE(AdamWRange), context.isa), args, context);
}

void sgd(const SgdArgs& args, const Context& context) {
  run_step(choose(HWY_DISPATCH_TABLE(SgdRange), context.isa), args, context);
}

void lion(const LionArgs& args, const Context& context) {
  run_step(choose(HWY_DISPATCH_TABLE(LionRange), context.isa), args, context);
}

double sum_of_squares(const float* x, int64_t size, const Context& context) {
  const auto squares = choose(HWY_DISPATCH_TABLE(SquaresOf), context.isa);
  return sum_of_parts((size + kSquareChunk - 1) / kSquareChunk, 1, context, [&](int64_t chunk) {
    return squares(x + chunk * kSquareChunk, std::min(kSquareChunk, size - chunk * kSquareChunk));
  });
}

void add_scaled(float* sum, const float* x, int64_t size, float scale, const Context& context) {
  const auto range = choose(HWY_DISPATCH_TABLE(AddScaledRange), context.isa);
  for_chunks(size, context, [&](int64_t begin, int64_t end) { range(sum, x, scale, begin, end); });
}

void adafactor(const AdafactorArgs& args, const Context& context) {
  const int64_t size = args.arrays.size;
  if (size == 0) return;
  const double parameter_rms =
      root_mean(sum_of_squares(args.arrays.parameter, size, context), size);
  const bool factored = args.rows != 0;
  float mean = 1;
  if (factored) {
    const auto rows = choose(HWY_DISPATCH_TABLE(AdafactorRows), context.isa);
    const auto columns = choose(HWY_DISPATCH_TABLE(AdafactorColumns), context.isa);
    context.pool.parallel_for(args.rows, std::max<int64_t>(1, kStepChunk / args.columns),
                              [&](int64_t begin, int64_t end) { rows(args, begin, end); });
    context.pool.parallel_for((args.columns + 15) / 16,
                              std::max<int64_t>(1, kStepChunk / 16 / args.rows),
                              [&](int64_t begin, int64_t end) { columns(args, begin, end); });
    double sum = 0;
    for (int64_t row = 0; row < args.rows; ++row) sum += static_cast<double>(args.row_var[row]);
    mean = std::max(static_cast<float>(sum / static_cast<double>(args.rows)), args.epsilon1);
  } else {
    const auto elements = choose(HWY_DISPATCH_TABLE(AdafactorElements), context.isa);
    for_chunks(size, context, [&](int64_t begin, int64_t end) { elements(args, begin, end); });
  }
  const int64_t length = factored ? args.columns : kSquareChunk;
  const int64_t runs = factored ? args.rows : (size + length - 1) / length;
  const int64_t grain = std::max<int64_t>(1, kStepChunk / length);
  const auto squares = choose(HWY_DISPATCH_TABLE(AdafactorSquares), context.isa);
  const double update_rms = root_mean(
      sum_of_parts(runs, grain, context, [&](int64_t run) { return squares(args, mean, run); }),
      size);
  const double rate = args.relative_rate * std::max(args.epsilon2, parameter_rms) /
                      std::max(1.0, update_rms / args.clip_threshold);
  const auto apply = choose(HWY_DISPATCH_TABLE(AdafactorApply), context.isa);
  context.pool.parallel_for(runs, grain, [&](int64_t begin, int64_t end) {
    for (int64_t run = begin; run < end; ++run) apply(args, mean, static_cast<float>(rate), run);
  });
}

}  // namespace linnet::kernels::cpu
#endif
