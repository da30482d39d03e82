#include "ops/indexing.hpp"

#include "kernels/cast.hpp"
#include "kernels/indexing.hpp"
#include "ops/cast.hpp"
#include "ops/promotion.hpp"
#include "ops/trace.hpp"

namespace linnet::ops {
namespace {

/// The indices as dense int64 in 0..extent-1. Errors: invalid_argument naming `op`.
Array resolve_indices(std::string_view op, const Array& indices, int64_t extent) {
  require(is_integral(indices.dtype()), "{}: the indices are {} {}, expected integers", op,
          to_string(indices.dtype()), indices.shape());
  Array result = Array::empty(indices.shape(), DType::i64, indices.device());
  kernels::cpu::cast({.from = indices.view(), .to = result.mutable_view()},
                     indices.device()->context());
  auto* values = result.mutable_data<int64_t>();
  for (int64_t i = 0; i < result.size(); ++i) {
    require(values[i] >= -extent && values[i] < extent,
            "{}: the index {} is outside an axis of extent {}", op, values[i], extent);
    if (values[i] < 0) values[i] += extent;
  }
  return result;
}

void check_ranks(std::string_view op, const Array& x, const Array& indices) {
  check_same_device(op, x, indices);
  require(x.rank() == indices.rank(), "{}: the indices have the shape {} and x has {}", op,
          indices.shape(), x.shape());
}

Shape with_extent(const Shape& shape, int axis, int64_t extent) {
  Shape result = shape;
  result[axis] = extent;
  return result;
}

}  // namespace

Array take(const Array& x, const Array& indices, int axis) {
  check_same_device("take", x, indices);
  const int at = normalize_axis(axis, x.rank(), "take");
  const Array resolved = resolve_indices("take", indices, x.shape()[at]);
  require(x.rank() - 1 + indices.rank() <= Dims::kMaxRank,
          "take: x {} and indices {} give more than {} axes", x.shape(), indices.shape(),
          Dims::kMaxRank);
  Shape shape;
  for (int i = 0; i < at; ++i) shape.push_back(x.shape()[i]);
  for (const int64_t extent : indices.shape()) shape.push_back(extent);
  for (int i = at + 1; i < x.rank(); ++i) shape.push_back(x.shape()[i]);
  Array y = Array::empty(shape, x.dtype(), x.device());
  if (y.size() == 0) return y;
  const auto span = trace_lanes("take", y, y.size() * size_of(y.dtype()));
  kernels::cpu::take({.x = x.view(),
                      .indices = resolved.data<int64_t>(),
                      .count = resolved.size(),
                      .axis = at,
                      .y = y.mutable_view().data},
                     x.device()->context());
  return y;
}

Array take_along_axis(const Array& x, const Array& indices, int axis) {
  check_ranks("take_along_axis", x, indices);
  const int at = normalize_axis(axis, x.rank(), "take_along_axis");
  const Array resolved = resolve_indices("take_along_axis", indices, x.shape()[at]);
  // The axis itself does not broadcast.
  const Shape others = broadcast_shapes("take_along_axis", with_extent(x.shape(), at, 1),
                                        with_extent(indices.shape(), at, 1));
  const Shape shape = with_extent(others, at, indices.shape()[at]);
  const Shape x_shape = with_extent(others, at, x.shape()[at]);
  Array y = Array::empty(shape, x.dtype(), x.device());
  kernels::cpu::take_along_axis(
      {.indices = broadcast_view("take_along_axis", resolved, shape).view(),
       .x = broadcast_view("take_along_axis", x, x_shape).view(),
       .axis = at},
      y.mutable_view(), x.device()->context());
  return y;
}

Array put_along_axis(const Array& x, const Array& indices, const Array& values, int axis) {
  check_ranks("put_along_axis", x, indices);
  check_same_device("put_along_axis", x, values);
  const int at = normalize_axis(axis, x.rank(), "put_along_axis");
  const Array resolved = resolve_indices("put_along_axis", indices, x.shape()[at]);
  const Shape shape = with_extent(x.shape(), at, indices.shape()[at]);
  const Array where = broadcast_view("put_along_axis", resolved, shape);
  const Array what = broadcast_view("put_along_axis", astype(values, x.dtype()), shape);
  Array y = Array::empty(x.shape(), x.dtype(), x.device());
  kernels::cpu::cast({.from = x.view(), .to = y.mutable_view()}, x.device()->context());
  kernels::cpu::put_along_axis({.indices = where.view(), .x = y.mutable_view(), .axis = at},
                               what.view(), x.device()->context());
  return y;
}

}  // namespace linnet::ops
