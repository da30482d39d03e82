// Reading and writing elements at indices. Indices are dense int64 and were checked by the caller:
// 0 <= index < the axis' extent.
#pragma once

#include "kernels/cpu/context.hpp"
#include "kernels/view.hpp"

namespace linnet::kernels {

struct TakeArgs {
  ConstView x;                       // [outer..., extent, inner...]
  const int64_t* indices = nullptr;  // [count]
  int64_t count = 0;
  int axis = 0;       // of x
  void* y = nullptr;  // [outer..., count, inner...], dense, x's dtype
};

struct AlongAxisArgs {
  ConstView indices;  // int64, of the result's shape (broadcast axes have strides of zero)
  ConstView x;        // the same shape, but for the axis; what is read or written at the indices
  int axis = 0;
};

/// y[o, indices[o, j, i], i] += values[o, j, i], j rising
struct ScatterAddArgs {
  const int64_t* indices = nullptr;  // [outer, count, inner], or [count] if `shared`
  bool shared = false;
  const float* values = nullptr;  // [outer, count, inner]
  float* y = nullptr;             // [outer, extent, inner]
  int64_t outer = 0;
  int64_t count = 0;
  int64_t inner = 0;
  int64_t extent = 0;
};

namespace cpu {
/// Each element of y gets its additions in rising order of j, whatever the threads.
void scatter_add(const ScatterAddArgs& args, const Context& context);
/// y[o, j, i] = x[o, indices[j], i]
void take(const TakeArgs& args, const Context& context);
/// y[.., j, ..] = x[.., indices[.., j, ..], ..]; y has the indices' shape and x's dtype.
void take_along_axis(const AlongAxisArgs& args, const View& y, const Context& context);
/// x[.., indices[.., j, ..], ..] = values[.., j, ..], in row-major order, so the last of equal
/// indices stays; x is written through x.data. On one thread.
void put_along_axis(const AlongAxisArgs& args, const ConstView& values, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
