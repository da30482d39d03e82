// How an op over some axes meets a kernel over rows: the axes are moved to the end, the elements
// become f32 or i64, and what the kernel gives is moved back. Used by the ops of this folder only.
#pragma once

#include "ops/axes.hpp"
#include "ops/cast.hpp"

namespace linnet::ops {

/// f32 for floating dtypes, i64 for bool and integers: what reductions and sorts compute in.
constexpr DType compute_dtype(DType dtype) { return is_floating(dtype) ? DType::f32 : DType::i64; }

/// Calls use(float{}) or use(int64_t{}), as compute_dtype says.
template <class Use>
auto with_compute_type(DType dtype, const Use& use) {
  return is_floating(dtype) ? use(float{}) : use(int64_t{});
}

/// x as rows [count, width] over the chosen axes.
struct Rows {
  Array dense;  ///< [kept..., reduced...] of compute_dtype
  Shape kept;   ///< extents of the other axes; with keepdims also a 1 for every chosen axis
  int64_t count = 1;
  int64_t width = 1;
};

/// The chosen axes in their order, behind the others in theirs. Errors: as Axes::flags.
Rows rows_over(const Array& x, const Axes& axes, bool keepdims, std::string_view op);

/// x as rows along one axis.
struct AxisRows {
  Array dense;  ///< [others..., axis] of compute_dtype
  int axis = 0;
  int64_t count = 1;
  int64_t width = 1;

  /// The shape of a kernel's result with `extent` elements per row.
  [[nodiscard]] Shape result_shape(int64_t extent) const;
  /// A result of that shape with its last axis back in its place, dense.
  [[nodiscard]] Array restore(const Array& result) const;
};

/// Errors: invalid_argument naming `op` if x is a scalar or has no such axis.
AxisRows rows_along(const Array& x, int axis, std::string_view op);

}  // namespace linnet::ops
