#include "kernels/cross_entropy.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/cross_entropy.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/lanes-inl.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

void CrossEntropyRow(const CrossEntropyArgs& a, int64_t row) {
  float* z = a.logits + row * a.width;
  const int64_t target = a.targets[row];
  const float at_target = z[target];
  const auto width = static_cast<float>(a.width);
  const float top = max_of(z, a.width);
  const F32x16 largest = set(top);
  const F32x16 sum = set(
      sum_of(z, a.width, [largest](F32x16 v) HWY_ATTR { return exp_nonpositive(v - largest); }));
  float lanes[kLanes];
  store(log(sum), lanes);
  const float log_sum = top + lanes[0];
  const float smoothing = a.label_smoothing;
  float loss = (1.0F - smoothing) * (log_sum - at_target);
  if (smoothing != 0.0F)
    loss += smoothing * (log_sum - sum_of(z, a.width, [](F32x16 v) HWY_ATTR { return v; }) / width);
  loss += a.z_loss * log_sum * log_sum;
  a.losses[row] = loss;
  a.log_likelihoods[row] = at_target - log_sum;
  if (!a.gradient) return;
  const float weight = a.weights[row];
  const F32x16 scale = set(weight * (1.0F + 2.0F * a.z_loss * log_sum)) / sum;
  const F32x16 shift = set(weight * smoothing / width);
  int64_t i = 0;
  for (; i + kLanes <= a.width; i += kLanes)
    store(exp_nonpositive(load(z + i) - largest) * scale - shift, z + i);
  if (i < a.width) {
    const F32x16 v = load_partial(z + i, a.width - i, 0.0F);
    store_partial(exp_nonpositive(v - largest) * scale - shift, z + i, a.width - i);
  }
  z[target] -= weight * (1.0F - smoothing);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(CrossEntropyRow);

void cross_entropy(const CrossEntropyArgs& args, const Context& context) {
  const auto run = choose(HWY_DISPATCH_TABLE(CrossEntropyRow), context.isa);
  const int64_t grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(args.width, 1));
  context.pool.parallel_for(args.rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) run(args, row);
  });
}

}  // namespace linnet::kernels::cpu
#endif
