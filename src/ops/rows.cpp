#include "ops/rows.hpp"

namespace linnet::ops {
namespace {

/// A view with the flagged axes behind the others.
Array move_last(const Array& x, const std::array<bool, Dims::kMaxRank>& flags) {
  Shape shape;
  Strides strides;
  for (const bool chosen : {false, true})
    for (int axis = 0; axis < x.rank(); ++axis) {
      if (flags[static_cast<size_t>(axis)] != chosen) continue;
      shape.push_back(x.shape()[axis]);
      strides.push_back(x.strides()[axis]);
    }
  return x.with_layout(shape, strides, x.offset());
}

}  // namespace

Rows rows_over(const Array& x, const Axes& axes, bool keepdims, std::string_view op) {
  const auto flags = axes.flags(x.rank(), op);
  Rows rows;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const bool chosen = flags[static_cast<size_t>(axis)];
    const int64_t extent = x.shape()[axis];
    int64_t& product = chosen ? rows.width : rows.count;
    product = checked_mul(product, extent);
    if (!chosen || keepdims) rows.kept.push_back(chosen ? 1 : extent);
  }
  rows.dense = contiguous(astype(move_last(x, flags), compute_dtype(x.dtype())));
  return rows;
}

AxisRows rows_along(const Array& x, int axis, std::string_view op) {
  AxisRows rows;
  rows.axis = normalize_axis(axis, x.rank(), op);
  rows.dense =
      contiguous(astype(move_last(x, Axes(axis).flags(x.rank(), op)), compute_dtype(x.dtype())));
  rows.width = x.shape()[rows.axis];
  for (int other = 0; other < x.rank(); ++other)
    if (other != rows.axis) rows.count = checked_mul(rows.count, x.shape()[other]);
  return rows;
}

Shape AxisRows::result_shape(int64_t extent) const {
  Shape shape = dense.shape();
  shape[shape.rank() - 1] = extent;
  return shape;
}

Array AxisRows::restore(const Array& result) const {
  const int last = result.rank() - 1;
  if (axis == last) return result;
  Shape shape = result.shape();
  Strides strides = result.strides();
  shape.erase(last);
  strides.erase(last);
  shape.insert(axis, result.shape()[last]);
  strides.insert(axis, result.strides()[last]);
  return contiguous(result.with_layout(shape, strides, result.offset()));
}

}  // namespace linnet::ops
