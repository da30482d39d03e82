#include "ops/indexing.hpp"

#include "kernels/cast.hpp"
#include "kernels/indexing.hpp"
#include "ops/cast.hpp"
#include "ops/creation.hpp"
#include "ops/elementwise.hpp"
#include "ops/promotion.hpp"
#include "ops/tape.hpp"
#include "ops/trace.hpp"
#include "ops/view.hpp"

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

/// The shape of take(x, indices, axis).
Shape taken_shape(std::string_view op, const Array& x, const Array& indices, int axis) {
  require(x.rank() - 1 + indices.rank() <= Dims::kMaxRank,
          "{}: x {} and indices {} give more than {} axes", op, x.shape(), indices.shape(),
          Dims::kMaxRank);
  Shape shape;
  for (int i = 0; i < axis; ++i) shape.push_back(x.shape()[i]);
  for (const int64_t extent : indices.shape()) shape.push_back(extent);
  for (int i = axis + 1; i < x.rank(); ++i) shape.push_back(x.shape()[i]);
  return shape;
}

int64_t extents(const Shape& shape, int begin, int end) {
  int64_t result = 1;
  for (int axis = begin; axis < end; ++axis) result *= shape[axis];
  return result;
}

Shape with_extent(const Shape& shape, int axis, int64_t extent) {
  Shape result = shape;
  result[axis] = extent;
  return result;
}

/// Zeros of `shape` with y[.., indices[.., j, ..], ..] += values[.., j, ..]; what the derivative of
/// take_along_axis needs.
Array add_along_axis(const Shape& shape, const Array& indices, const Array& values, int axis) {
  Array y = zeros(shape, DType::f32, values.device());
  const Array places = contiguous(indices);
  const Array dense = contiguous(values);
  kernels::cpu::scatter_add({.indices = places.data<int64_t>(),
                             .values = dense.data<float>(),
                             .y = y.mutable_data<float>(),
                             .outer = extents(shape, 0, axis),
                             .count = indices.shape()[axis],
                             .inner = extents(shape, axis + 1, shape.rank()),
                             .extent = shape[axis]},
                            values.device()->context());
  return y;
}

}  // namespace

Array take(const Array& x, const Array& indices, int axis) {
  check_same_device("take", x, indices);
  const int at = normalize_axis(axis, x.rank(), "take");
  const Array resolved = resolve_indices("take", indices, x.shape()[at]);
  const Shape shape = taken_shape("take", x, indices, at);
  Array y = Array::empty(shape, x.dtype(), x.device());
  if (Tape* tape = recording({&x}))
    tape->record(
        "take", {&x}, {&y},
        {.vjp =
             [resolved, at, from = x.shape()](const Arrays& c) {
               const Array none = zeros(from, DType::f32, c[0].device());
               return Arrays{scatter_add(none, resolved, c[0], at)};
             },
         .jvp = [resolved, at](const Arrays& t) { return Arrays{take(t[0], resolved, at)}; }});
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
  if (Tape* tape = recording({&x}))
    tape->record(
        "take_along_axis", {&x}, {&y},
        {.vjp =
             [resolved, at, x_shape, shape, from = x.shape()](const Arrays& c) {
               const Array sums = add_along_axis(x_shape, broadcast_to(resolved, shape), c[0], at);
               return Arrays{sum_to(sums, from)};
             },
         .jvp = [resolved,
                 at](const Arrays& t) { return Arrays{take_along_axis(t[0], resolved, at)}; }});
  return y;
}

Array put_along_axis(const Array& x, const Array& indices, const Array& values, int axis) {
  check_ranks("put_along_axis", x, indices);
  check_same_device("put_along_axis", x, values);
  const int at = normalize_axis(axis, x.rank(), "put_along_axis");
  const Array resolved = resolve_indices("put_along_axis", indices, x.shape()[at]);
  const Shape shape = with_extent(x.shape(), at, indices.shape()[at]);
  const Array places = broadcast_view("put_along_axis", resolved, shape);
  const Array what =
      broadcast_view("put_along_axis", astype(stop_gradient(values), x.dtype()), shape);
  Array y = Array::empty(x.shape(), x.dtype(), x.device());
  kernels::cpu::cast({.from = x.view(), .to = y.mutable_view()}, x.device()->context());
  kernels::cpu::put_along_axis({.indices = places.view(), .x = y.mutable_view(), .axis = at},
                               what.view(), x.device()->context());
  if (Tape* tape = recording({&x, &values}))
    tape->record(
        "put_along_axis", {&x, &values}, {&y},
        {.vjp =
             [resolved, at, shape, x_shape = x.shape(), from = values.shape()](const Arrays& c) {
               // Of equal indices the last value stays; the others have no part in y.
               const DevicePtr& device = c[0].device();
               const Array numbers =
                   reshape(arange(element_count(shape), DType::i64, device), shape);
               const Array places = broadcast_to(resolved, shape);
               const Array owners =
                   put_along_axis(full(x_shape, -1, DType::i64, device), places, numbers, at);
               const Array stays = equal(take_along_axis(owners, places, at), numbers);
               return Arrays{put_along_axis(c[0], resolved, zeros({}, DType::f32, device), at),
                             sum_to(where(stays, take_along_axis(c[0], places, at), 0.0F), from)};
             },
         .jvp =
             [resolved, at, x_shape = x.shape(), from = values.shape(),
              device = y.device()](const Arrays& t) {
               return Arrays{put_along_axis(or_zeros(t[0], x_shape, device), resolved,
                                            or_zeros(t[1], from, device), at)};
             }});
  return y;
}

Array scatter_add(const Array& x, const Array& indices, const Array& values, int axis) {
  check_same_device("scatter_add", x, indices);
  check_same_device("scatter_add", x, values);
  const int at = normalize_axis(axis, x.rank(), "scatter_add");
  const Array resolved = resolve_indices("scatter_add", indices, x.shape()[at]);
  require(x.dtype() == DType::f32 && values.dtype() == DType::f32 &&
              values.shape() == taken_shape("scatter_add", x, indices, at),
          "scatter_add: values are {} {} for x {} {} and indices {} on axis {}",
          to_string(values.dtype()), values.shape(), to_string(x.dtype()), x.shape(),
          indices.shape(), at);
  Array y = Array::empty(x.shape(), DType::f32, x.device());
  kernels::cpu::cast({.from = x.view(), .to = y.mutable_view()}, x.device()->context());
  const Array dense = contiguous(stop_gradient(values));
  kernels::cpu::scatter_add({.indices = resolved.data<int64_t>(),
                             .shared = true,
                             .values = dense.data<float>(),
                             .y = y.mutable_data<float>(),
                             .outer = extents(x.shape(), 0, at),
                             .count = resolved.size(),
                             .inner = extents(x.shape(), at + 1, x.rank()),
                             .extent = x.shape()[at]},
                            x.device()->context());
  if (Tape* tape = recording({&x, &values}))
    tape->record("scatter_add", {&x, &values}, {&y},
                 {.vjp =
                      [resolved, at](const Arrays& c) {
                        return Arrays{c[0], take(c[0], resolved, at)};
                      },
                  .jvp =
                      [resolved, at, x_shape = x.shape(), device = y.device()](const Arrays& t) {
                        if (!t[1].defined()) return Arrays{t[0]};
                        const Array to = or_zeros(t[0], x_shape, device);
                        return Arrays{scatter_add(to, resolved, t[1], at)};
                      }});
  return y;
}

}  // namespace linnet::ops
