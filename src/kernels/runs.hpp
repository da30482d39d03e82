// Walking several strided operands of one shape together.
#pragma once

#include <algorithm>
#include <array>

#include "base/shape.hpp"

namespace linnet::kernels {

/// The axes of N operands of one shape, with neighbours merged wherever every operand steps through
/// both as through one. Dense operands end with a single axis.
template <int N>
struct Runs {
  int rank = 1;       ///< axes left, at least 1
  int64_t total = 0;  ///< elements of the shape
  std::array<int64_t, Dims::kMaxRank> extent{};
  std::array<std::array<int64_t, Dims::kMaxRank>, N> stride{};

  /// The step of operand i along a run, in elements.
  [[nodiscard]] int64_t inner(int i) const { return stride[i][rank - 1]; }
};

/// strides: one entry per operand, each of the shape's rank.
template <int N>
Runs<N> merge_axes(const Shape& shape, const std::array<Strides, N>& strides) {
  Runs<N> runs;
  runs.rank = 0;
  runs.total = element_count(shape);
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    bool merge = runs.rank > 0;
    for (int i = 0; i < N && merge; ++i)
      merge = runs.stride[i][runs.rank - 1] == strides[i][axis] * shape[axis];
    if (!merge) ++runs.rank;
    const int last = runs.rank - 1;
    runs.extent[last] = merge ? runs.extent[last] * shape[axis] : shape[axis];
    for (int i = 0; i < N; ++i) runs.stride[i][last] = strides[i][axis];
  }
  if (runs.rank == 0) {
    runs.rank = 1;
    runs.extent[0] = 1;
    for (int i = 0; i < N; ++i) runs.stride[i][0] = 1;
  }
  return runs;
}

/// Calls body(offsets, n) for the runs along the last axis that make up elements begin..end in
/// row-major order; offsets[i] is where operand i's run starts, in elements.
template <int N, class Body>
void for_each_run(const Runs<N>& runs, int64_t begin, int64_t end, const Body& body) {
  const int last = runs.rank - 1;
  std::array<int64_t, Dims::kMaxRank> index{};
  std::array<int64_t, N> offset{};
  int64_t rest = begin;
  for (int axis = last; axis >= 0; --axis) {
    index[axis] = rest % runs.extent[axis];
    rest /= runs.extent[axis];
    for (int i = 0; i < N; ++i) offset[i] += index[axis] * runs.stride[i][axis];
  }
  while (begin < end) {
    const int64_t n = std::min(runs.extent[last] - index[last], end - begin);
    body(offset, n);
    begin += n;
    if (begin >= end) return;
    // The run ended with its axis: back to the axis' start, then the next outer axis steps.
    for (int i = 0; i < N; ++i) offset[i] -= index[last] * runs.stride[i][last];
    index[last] = 0;
    for (int axis = last - 1; axis >= 0; --axis) {
      for (int i = 0; i < N; ++i) offset[i] += runs.stride[i][axis];
      if (++index[axis] < runs.extent[axis]) break;
      for (int i = 0; i < N; ++i) offset[i] -= runs.stride[i][axis] * runs.extent[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace linnet::kernels
