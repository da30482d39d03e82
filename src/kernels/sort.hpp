// Sorting, partitioning and selecting within rows. Elements are float or int64_t; floats compare as
// order.hpp says (NaN is the largest), and equal elements keep the order of their indices, so every
// result is the only one possible.
//
// Workspaces come from the caller: one slice for each row that is worked on at the same time, that
// is parallel_rows(rows, context) of them.
#pragma once

#include <algorithm>

#include "kernels/cpu/context.hpp"

namespace linnet::kernels {

template <class T>
struct SortArgs {
  const T* x = nullptr;           // [rows, width]
  T* values = nullptr;            // [rows, width] or null
  int64_t* indices = nullptr;     // [rows, width] or null
  uint64_t* workspace = nullptr;  // [parallel_rows, sort_workspace(width)]
  int64_t rows = 0;
  int64_t width = 0;  // below 2^32
};

template <class T>
struct PartitionArgs {
  const T* x = nullptr;           // [rows, width]
  int64_t* indices = nullptr;     // [rows, width]
  uint64_t* workspace = nullptr;  // [parallel_rows, sort_workspace(width)]
  int64_t rows = 0;
  int64_t width = 0;  // below 2^32
  int64_t kth = 0;    // 0..width - 1
};

template <class T>
struct TopKArgs {
  const T* x = nullptr;           // [rows, width]
  T* values = nullptr;            // [rows, k] or null
  int64_t* indices = nullptr;     // [rows, k]
  uint64_t* workspace = nullptr;  // [parallel_rows, top_k_workspace(width, k)]
  int64_t rows = 0;
  int64_t width = 0;  // below 2^32
  int64_t k = 0;      // 1..width
};

namespace cpu {
/// Rows that are worked on at the same time.
inline int64_t parallel_rows(int64_t rows, const Context& context) {
  return std::min<int64_t>(rows, context.pool.size());
}

constexpr int64_t sort_workspace(int64_t width) { return 2 * width; }
/// Long rows with a small k need O(k); the others are sorted whole.
constexpr int64_t top_k_workspace(int64_t width, int64_t k) {
  return std::max<int64_t>(2 * width > 4096 && k <= width / 64 ? 2 * k + 1024 : 2 * width, 1);
}

/// Rising order.
void sort(const SortArgs<float>& args, const Context& context);
void sort(const SortArgs<int64_t>& args, const Context& context);

/// Indices of the elements before the kth in rising order, then of the kth, then of those after it;
/// the first and the last group in rising order of index.
void argpartition(const PartitionArgs<float>& args, const Context& context);
void argpartition(const PartitionArgs<int64_t>& args, const Context& context);

/// The k largest elements, largest first.
void top_k(const TopKArgs<float>& args, const Context& context);
void top_k(const TopKArgs<int64_t>& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
