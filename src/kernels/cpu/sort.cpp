#include "kernels/sort.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "kernels/cpu/candidates.hpp"
#include "kernels/cpu/order.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/sort.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/order-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

// Elements between two looks at the bar: most blocks of a long row have nothing above it.
inline constexpr int64_t kBlock = 4 * kLanes;

/// Walks a row once and leaves its k best elements (and perhaps others) in `candidates`.
void SelectCandidates(const float* x, int64_t width, Candidates& candidates) {
  int64_t i = 0;
  for (; i + kBlock <= width; i += kBlock) {
    const I32x16 a = order_key(load(x + i));
    const I32x16 b = order_key(load(x + i + kLanes));
    const I32x16 c = order_key(load(x + i + 2 * kLanes));
    const I32x16 d = order_key(load(x + i + 3 * kLanes));
    const I32x16 bar = set_int(candidates.bar);
    if (!any_greater(max(max(a, b), max(c, d)), bar)) continue;
    if (candidates.full(kBlock)) {
      candidates.shrink();
    }
    int32_t keys[kBlock];
    store(a, keys);
    store(b, keys + kLanes);
    store(c, keys + 2 * kLanes);
    store(d, keys + 3 * kLanes);
    for (int64_t j = 0; j < kBlock; ++j)
      if (keys[j] > candidates.bar) candidates.add(keys[j], i + j);
  }
  if (candidates.full(kBlock)) candidates.shrink();
  for (; i < width; ++i) {
    const int32_t key = order_key(x[i]);
    if (key > candidates.bar) candidates.add(key, i);
  }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(SelectCandidates);

namespace {

/// Calls body(row, workspace) for every row; rows at the same time get different workspaces of
/// `size` elements.
template <class Body>
void for_each_row(int64_t rows, uint64_t* workspace, int64_t size, const Context& context,
                  const Body& body) {
  const int64_t slots = parallel_rows(rows, context);
  context.pool.parallel_for(slots, 1, [&](int64_t begin, int64_t end) {
    for (int64_t slot = begin; slot < end; ++slot)
      for (int64_t row = slot; row < rows; row += slots) body(row, workspace + slot * size);
  });
}

/// Sorts by the upper 32 bits; elements come in rising order of their lower bits, and equal ones
/// stay so. Three counting passes of 11 bits. The result is in the array returned, one of the two.
uint64_t* radix_sort(uint64_t* from, uint64_t* to, int64_t n) {
  if (n < 1024) {  // counting would cost more than it sorts
    std::sort(from, from + n);
    return from;
  }
  constexpr int bits = 11;
  constexpr int passes = 3;
  constexpr uint64_t mask = (1U << bits) - 1;
  uint32_t counts[passes][1U << bits] = {};
  for (int64_t i = 0; i < n; ++i)
    for (int pass = 0; pass < passes; ++pass) ++counts[pass][from[i] >> (32 + bits * pass) & mask];
  for (int pass = 0; pass < passes; ++pass) {
    const int shift = 32 + bits * pass;
    if (counts[pass][from[0] >> shift & mask] == n) continue;  // all have the same digit
    uint32_t next = 0;
    for (uint32_t& count : counts[pass]) next += std::exchange(count, next);
    for (int64_t i = 0; i < n; ++i) to[counts[pass][from[i] >> shift & mask]++] = from[i];
    std::swap(from, to);
  }
  return from;
}

int64_t index_of(uint64_t packed) { return static_cast<int64_t>(packed & 0xffffffffU); }

int64_t key_of(float x) { return order_key(x); }
int64_t key_of(int64_t x) { return x; }

/// Orders indices of a row by key, then index.
template <class T>
struct Rising {
  const T* x;
  bool operator()(uint64_t a, uint64_t b) const {
    const int64_t ka = key_of(x[a]);
    const int64_t kb = key_of(x[b]);
    return ka != kb ? ka < kb : a < b;
  }
};
template <class T>
struct Falling {
  const T* x;
  bool operator()(uint64_t a, uint64_t b) const {
    const int64_t ka = key_of(x[a]);
    const int64_t kb = key_of(x[b]);
    return ka != kb ? ka > kb : a < b;
  }
};

/// The first n of the sorted elements, by their packed indices.
template <class T>
void write_row(const T* x, const uint64_t* packed, int64_t n, T* values, int64_t* indices) {
  for (int64_t i = 0; i < n; ++i) {
    const int64_t index = index_of(packed[i]);
    if (values != nullptr) values[i] = x[index];
    if (indices != nullptr) indices[i] = index;
  }
}

template <class Args>
auto values_of(const Args& args, int64_t row, int64_t width) {
  return args.values == nullptr ? nullptr : args.values + row * width;
}
template <class Args>
int64_t* indices_of(const Args& args, int64_t row, int64_t width) {
  return args.indices == nullptr ? nullptr : args.indices + row * width;
}

template <class T>
void argpartition_rows(const PartitionArgs<T>& args, const Context& context) {
  for_each_row(args.rows, args.workspace, sort_workspace(args.width), context,
               [&](int64_t row, uint64_t* order) {
                 const T* x = args.x + row * args.width;
                 int64_t* out = args.indices + row * args.width;
                 const Rising<T> rising{x};
                 std::iota(order, order + args.width, uint64_t{0});
                 std::nth_element(order, order + args.kth, order + args.width, rising);
                 const uint64_t pivot = order[args.kth];
                 // nth_element leaves the rest in an order of the standard library's choice.
                 int64_t* before = out;
                 int64_t* after = out + args.kth + 1;
                 out[args.kth] = static_cast<int64_t>(pivot);
                 for (uint64_t i = 0; i < static_cast<uint64_t>(args.width); ++i)
                   if (i != pivot) *(rising(i, pivot) ? before : after)++ = static_cast<int64_t>(i);
               });
}

}  // namespace

void sort(const SortArgs<float>& args, const Context& context) {
  const int64_t width = args.width;
  for_each_row(args.rows, args.workspace, sort_workspace(width), context,
               [&](int64_t row, uint64_t* workspace) {
                 const float* x = args.x + row * width;
                 for (int64_t i = 0; i < width; ++i) {
                   const uint32_t rising = static_cast<uint32_t>(order_key(x[i])) ^ 0x80000000U;
                   workspace[i] = static_cast<uint64_t>(rising) << 32 | static_cast<uint64_t>(i);
                 }
                 const uint64_t* sorted = radix_sort(workspace, workspace + width, width);
                 write_row(x, sorted, width, values_of(args, row, width),
                           indices_of(args, row, width));
               });
}

void sort(const SortArgs<int64_t>& args, const Context& context) {
  const int64_t width = args.width;
  for_each_row(
      args.rows, args.workspace, sort_workspace(width), context, [&](int64_t row, uint64_t* order) {
        const int64_t* x = args.x + row * width;
        std::iota(order, order + width, uint64_t{0});
        std::sort(order, order + width, Rising<int64_t>{x});
        write_row(x, order, width, values_of(args, row, width), indices_of(args, row, width));
      });
}

void argpartition(const PartitionArgs<float>& args, const Context& context) {
  argpartition_rows(args, context);
}
void argpartition(const PartitionArgs<int64_t>& args, const Context& context) {
  argpartition_rows(args, context);
}

void top_k(const TopKArgs<float>& args, const Context& context) {
  const auto select = choose(HWY_DISPATCH_TABLE(SelectCandidates), context.isa);
  const int64_t size = top_k_workspace(args.width, args.k);
  const bool whole = size >= 2 * args.width;
  for_each_row(args.rows, args.workspace, size, context, [&](int64_t row, uint64_t* workspace) {
    const float* x = args.x + row * args.width;
    const uint64_t* sorted = workspace;
    if (whole) {
      for (int64_t i = 0; i < args.width; ++i) workspace[i] = pack_descending(order_key(x[i]), i);
      sorted = radix_sort(workspace, workspace + args.width, args.width);
    } else {
      Candidates candidates{workspace, size, args.k};
      select(x, args.width, candidates);
      candidates.shrink();
      std::sort(workspace, workspace + args.k);
    }
    write_row(x, sorted, args.k, values_of(args, row, args.k), args.indices + row * args.k);
  });
}

void top_k(const TopKArgs<int64_t>& args, const Context& context) {
  // A workspace of O(k) cannot hold every index: the best so far are kept in a heap, worst on top.
  for_each_row(args.rows, args.workspace, top_k_workspace(args.width, args.k), context,
               [&](int64_t row, uint64_t* best) {
                 const int64_t* x = args.x + row * args.width;
                 const Falling<int64_t> falling{x};
                 const int64_t k = args.k;
                 std::iota(best, best + k, uint64_t{0});
                 std::make_heap(best, best + k, falling);
                 for (int64_t i = k; i < args.width; ++i) {
                   if (x[i] <= x[best[0]]) continue;
                   std::pop_heap(best, best + k, falling);
                   best[k - 1] = static_cast<uint64_t>(i);
                   std::push_heap(best, best + k, falling);
                 }
                 std::sort(best, best + k, falling);
                 write_row(x, best, k, values_of(args, row, k), args.indices + row * k);
               });
}

}  // namespace linnet::kernels::cpu
#endif
