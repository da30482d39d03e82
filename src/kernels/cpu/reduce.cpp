#include "kernels/reduce.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/reduce.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/lanes-inl.h"
#include "kernels/cpu/math-inl.h"
#include "kernels/cpu/order-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

void SumRows(const ReduceArgs<float>& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row)
    a.y[row] = sum_of(a.x + row * a.width, a.width, [](F32x16 v) HWY_ATTR { return v; });
}

void LogSumExpRows(const ReduceArgs<float>& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float* x = a.x + row * a.width;
    const float largest = max_of(x, a.width);
    // An infinite maximum would turn into NaN; without it the sum is 0 or infinity, as it should.
    const float shift = largest - largest == 0 ? largest : 0.0F;
    const F32x16 m = set(shift);
    const float sum =
        shift == largest
            ? sum_of(x, a.width, [m](F32x16 v) HWY_ATTR { return exp_nonpositive(v - m); })
            : sum_of(x, a.width, [](F32x16 v) HWY_ATTR { return exp(v); });
    float logarithm[kLanes];
    store(log(set(sum)), logarithm);
    a.y[row] = shift + logarithm[0];
  }
}

/// The largest key of a row; of its negated elements for a minimum, so that NaN stays on top.
template <bool kNegate>
HWY_INLINE int32_t best_key(const float* x, int64_t width) {
  const auto key_of = [](F32x16 v) HWY_ATTR { return order_key(kNegate ? negate(v) : v); };
  I32x16 best = set_int(kLowestKey);
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) best = max(best, key_of(load(x + i)));
  if (i < width) best = max(best, key_of(load_partial(x + i, width - i, x[i])));
  return max_lanes(best);
}

template <bool kNegate>
HWY_INLINE void extreme_rows(const ReduceArgs<float>& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const int32_t key = best_key<kNegate>(a.x + row * a.width, a.width);
    const float value = from_order_key(key);
    // NaN stays as it is, and the minimum of zeros is +0 as well.
    a.y[row] = kNegate && key != kNanKey && key != 0 ? -value : value;
  }
}

template <bool kNegate>
HWY_INLINE void extreme_index_rows(const ReduceToIndexArgs<float>& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float* x = a.x + row * a.width;
    const int32_t best = best_key<kNegate>(x, a.width);
    const I32x16 wanted = set_int(best);
    int64_t i = 0;
    for (; i + kLanes <= a.width; i += kLanes) {
      const F32x16 v = load(x + i);
      if (any_equal(order_key(kNegate ? negate(v) : v), wanted)) break;
    }
    while (order_key(kNegate ? -x[i] : x[i]) != best) ++i;
    a.y[row] = i;
  }
}

void MaxRows(const ReduceArgs<float>& a, int64_t begin, int64_t end) {
  extreme_rows<false>(a, begin, end);
}
void MinRows(const ReduceArgs<float>& a, int64_t begin, int64_t end) {
  extreme_rows<true>(a, begin, end);
}
void ArgMaxRows(const ReduceToIndexArgs<float>& a, int64_t begin, int64_t end) {
  extreme_index_rows<false>(a, begin, end);
}
void ArgMinRows(const ReduceToIndexArgs<float>& a, int64_t begin, int64_t end) {
  extreme_index_rows<true>(a, begin, end);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(SumRows);
HWY_EXPORT(LogSumExpRows);
HWY_EXPORT(MaxRows);
HWY_EXPORT(MinRows);
HWY_EXPORT(ArgMaxRows);
HWY_EXPORT(ArgMinRows);

namespace {

/// Runs rows(args, begin, end) on the pool; at least about 16 KiB of floats at a time, so that the
/// fork pays.
template <class Args, class Rows>
void run_rows(const Args& args, const Context& context, const Rows& rows) {
  const int64_t grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(args.width, 1));
  context.pool.parallel_for(args.rows, grain,
                            [&](int64_t begin, int64_t end) { rows(args, begin, end); });
}

/// y[row] = reduce(first, last) over the row's elements: integers need no vectors of ours.
template <class Args, class Reduce>
void reduce_each(const Args& args, const Context& context, const Reduce& reduce) {
  run_rows(args, context, [&reduce](const Args& a, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      a.y[row] = reduce(a.x + row * a.width, a.x + (row + 1) * a.width);
  });
}

/// Subnormals count as zero, as they do in arithmetic.
bool is_nonzero(float x) { return (std::bit_cast<uint32_t>(x) & 0x7f800000U) != 0; }
bool is_nonzero(int64_t x) { return x != 0; }

template <class T>
void any_of(const ReduceToBoolArgs<T>& args, const Context& context) {
  reduce_each(args, context, [](const T* first, const T* last) {
    return std::any_of(first, last, [](T x) { return is_nonzero(x); });
  });
}
template <class T>
void all_of(const ReduceToBoolArgs<T>& args, const Context& context) {
  reduce_each(args, context, [](const T* first, const T* last) {
    return std::all_of(first, last, [](T x) { return is_nonzero(x); });
  });
}

}  // namespace

void sum(const ReduceArgs<float>& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(SumRows), context.isa));
}
void sum(const ReduceArgs<int64_t>& args, const Context& context) {
  reduce_each(args, context, [](const int64_t* first, const int64_t* last) {
    uint64_t total = 0;
    for (; first != last; ++first) total += static_cast<uint64_t>(*first);
    return static_cast<int64_t>(total);
  });
}

void max(const ReduceArgs<float>& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(MaxRows), context.isa));
}
void max(const ReduceArgs<int64_t>& args, const Context& context) {
  reduce_each(args, context, [](const int64_t* first, const int64_t* last) {
    return *std::max_element(first, last);
  });
}
void min(const ReduceArgs<float>& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(MinRows), context.isa));
}
void min(const ReduceArgs<int64_t>& args, const Context& context) {
  reduce_each(args, context, [](const int64_t* first, const int64_t* last) {
    return *std::min_element(first, last);
  });
}

void argmax(const ReduceToIndexArgs<float>& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(ArgMaxRows), context.isa));
}
void argmax(const ReduceToIndexArgs<int64_t>& args, const Context& context) {
  reduce_each(args, context, [](const int64_t* first, const int64_t* last) {
    return std::max_element(first, last) - first;
  });
}
void argmin(const ReduceToIndexArgs<float>& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(ArgMinRows), context.isa));
}
void argmin(const ReduceToIndexArgs<int64_t>& args, const Context& context) {
  reduce_each(args, context, [](const int64_t* first, const int64_t* last) {
    return std::min_element(first, last) - first;
  });
}

void logsumexp(const ReduceArgs<float>& args, const Context& context) {
  run_rows(args, context, choose(HWY_DISPATCH_TABLE(LogSumExpRows), context.isa));
}

void any(const ReduceToBoolArgs<float>& args, const Context& context) { any_of(args, context); }
void any(const ReduceToBoolArgs<int64_t>& args, const Context& context) { any_of(args, context); }
void all(const ReduceToBoolArgs<float>& args, const Context& context) { all_of(args, context); }
void all(const ReduceToBoolArgs<int64_t>& args, const Context& context) { all_of(args, context); }

}  // namespace linnet::kernels::cpu
#endif
