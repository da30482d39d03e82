#include "kernels/rope.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/rope.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/rope-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

void RopeRows(const RopeArgs& a, int64_t begin, int64_t end) {
  const int64_t half = a.head_dim / 2;
  for (int64_t row = begin; row < end; ++row)
    for (int64_t head = 0; head < a.heads; ++head) {
      const int64_t start = (row * a.heads + head) * a.head_dim;
      rotate(a.x + start, a.cos + row * half, a.sin + row * half, half, a.y + start);
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
