#include "kernels/rope.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/rope.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

void RopeRows(const RopeArgs& a, int64_t begin, int64_t end) {
  const int64_t half = a.head_dim / 2;
  for (int64_t row = begin; row < end; ++row) {
    const float* cos = a.cos + row * half;
    const float* sin = a.sin + row * half;
    for (int64_t head = 0; head < a.heads; ++head) {
      const float* x = a.x + (row * a.heads + head) * a.head_dim;
      float* y = a.y + (row * a.heads + head) * a.head_dim;
      int64_t i = 0;
      for (; i + kLanes <= half; i += kLanes) {
        const F32x16 first = load(x + i);
        const F32x16 second = load(x + half + i);
        store(first * load(cos + i) - second * load(sin + i), y + i);
        store(second * load(cos + i) + first * load(sin + i), y + half + i);
      }
      for (; i < half; ++i) {
        const float first = x[i];
        const float second = x[half + i];
        y[i] = first * cos[i] - second * sin[i];
        y[half + i] = second * cos[i] + first * sin[i];
      }
    }
  }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(RopeRows);

void rope(const RopeArgs& args, const Context& context) {
  const auto rows = choose(HWY_DISPATCH_TABLE(RopeRows), context.isa);
  context.pool.parallel_for(
      args.rows, std::max<int64_t>(1, 4096 / std::max<int64_t>(args.heads * args.head_dim, 1)),
      [&](int64_t begin, int64_t end) { rows(args, begin, end); });
}

}  // namespace linnet::kernels::cpu
#endif
