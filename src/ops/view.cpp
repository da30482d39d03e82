#include "ops/view.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "kernels/cast.hpp"
#include "ops/cast.hpp"
#include "ops/creation.hpp"
#include "ops/indexing.hpp"
#include "ops/promotion.hpp"
#include "ops/tape.hpp"

namespace linnet::ops {
namespace {

/// Fills in an extent of -1. Errors: invalid_argument if the count cannot be x's.
Shape resolve_shape(const Array& x, const Shape& shape) {
  Shape result = shape;
  int open = -1;
  int64_t known = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool is_open = shape[axis] == -1 && open < 0;
    require(is_open || shape[axis] >= 0, "reshape: {} to {}", x.shape(), shape);
    if (is_open)
      open = axis;
    else
      known = checked_mul(known, shape[axis]);
  }
  if (open >= 0) {
    require(known > 0 && x.size() % known == 0, "reshape: {} to {}", x.shape(), shape);
    result[open] = x.size() / known;
    known = x.size();
  }
  require(known == x.size(), "reshape: {} has {} elements, {} has {}", x.shape(), x.size(), shape,
          known);
  return result;
}

/// Strides that give x the shape without a copy, if there are any. Walks groups of axes with equal
/// products of extents; within a group x's axes must be mergeable into one.
std::optional<Strides> strides_for(const Array& x, const Shape& shape) {
  if (x.size() == 0 || x.is_contiguous()) return dense_strides(shape);
  Dims extents;  // of x without axes of extent 1
  Dims steps;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (x.shape()[axis] == 1) continue;
    extents.push_back(x.shape()[axis]);
    steps.push_back(x.strides()[axis]);
  }
  Strides result = shape;
  int from = 0;
  int to = 0;
  while (from < extents.rank()) {
    const int from_begin = from;
    const int to_begin = to;
    int64_t from_count = extents[from++];
    int64_t to_count = to < shape.rank() ? shape[to++] : 1;
    while (from_count != to_count) {
      if (from_count < to_count)
        from_count *= extents[from++];
      else
        to_count *= shape[to++];
    }
    for (int axis = from_begin; axis + 1 < from; ++axis)
      if (steps[axis] != steps[axis + 1] * extents[axis + 1]) return std::nullopt;
    int64_t step = steps[from - 1];
    for (int axis = to - 1; axis >= to_begin; --axis) {
      result[axis] = step;
      step *= shape[axis];
    }
  }
  for (; to < shape.rank(); ++to) result[to] = 1;  // what is left has extent 1
  return result;
}

/// The view that slices select.
Array select(std::string_view op, const Array& x, const std::vector<Slice>& slices) {
  require(static_cast<int>(slices.size()) <= x.rank(), "{}: {} slices for the shape {}", op,
          slices.size(), x.shape());
  Shape shape = x.shape();
  Strides strides = x.strides();
  int64_t offset = x.offset();
  for (int axis = 0; axis < static_cast<int>(slices.size()); ++axis) {
    const Slice& which = slices[static_cast<size_t>(axis)];
    const int64_t extent = x.shape()[axis];
    const int64_t step = which.step;
    require(step != 0, "{}: the step of axis {} is 0, shape {}", op, axis, x.shape());
    // Backwards, -1 stands for "before the first".
    const int64_t low = step > 0 ? 0 : -1;
    const int64_t high = step > 0 ? extent : extent - 1;
    const auto end = [&](const std::optional<int64_t>& value, int64_t absent) {
      if (!value) return absent;
      return std::clamp(*value < 0 ? *value + extent : *value, low, high);
    };
    const int64_t start = end(which.start, step > 0 ? low : high);
    const int64_t stop = end(which.stop, step > 0 ? high : low);
    const int64_t span = step > 0 ? stop - start : start - stop;
    // The smallest int64 has no opposite, but no axis is that long.
    const int64_t width = step > 0 ? step : -std::max(step, -std::numeric_limits<int64_t>::max());
    const int64_t count = span <= 0 ? 0 : (span - 1) / width + 1;
    if (count > 0) offset += start * x.strides()[axis];
    shape[axis] = count;
    strides[axis] = count > 1 ? x.strides()[axis] * step : x.strides()[axis];
  }
  return x.with_layout(shape, strides, offset);
}

/// Records that y has x's elements in row-major order.
Array same_elements(std::string_view op, const Array& x, Array y) {
  if (Tape* tape = recording({&x}))
    tape->record(
        op, {&x}, {&y},
        {.vjp = [shape = x.shape()](const Arrays& c) { return Arrays{reshape(c[0], shape)}; },
         .jvp = [shape = y.shape()](const Arrays& t) { return Arrays{reshape(t[0], shape)}; }});
  return y;
}

/// Records that y is slice(x, slices).
Array recorded_slice(const Array& x, Array y, const std::vector<Slice>& slices) {
  if (Tape* tape = recording({&x}))
    tape->record("slice", {&x}, {&y},
                 {.vjp =
                      [slices, shape = x.shape()](const Arrays& c) {
                        Array all = zeros(shape, DType::f32, c[0].device());
                        slice_update_into(all, c[0], slices);
                        return Arrays{all};
                      },
                  .jvp = [slices](const Arrays& t) { return Arrays{slice(t[0], slices)}; }});
  return y;
}

void copy_into(Array& to, const Array& from) {
  kernels::cpu::cast({.from = from.view(), .to = to.mutable_view()}, to.device()->context());
}

}  // namespace

Array reshape(const Array& x, const Shape& shape) {
  const Shape resolved = resolve_shape(x, shape);
  if (const auto strides = strides_for(x, resolved))
    return same_elements("reshape", x, x.with_layout(resolved, *strides, x.offset()));
  const Array dense = contiguous(stop_gradient(x));
  return same_elements("reshape", x,
                       dense.with_layout(resolved, dense_strides(resolved), dense.offset()));
}

Array transpose(const Array& x, const std::vector<int>& axes) {
  std::vector<int> order = axes;
  if (axes.empty()) {
    order.resize(static_cast<size_t>(x.rank()));
    std::iota(order.rbegin(), order.rend(), 0);
  }
  require(static_cast<int>(order.size()) == x.rank(), "transpose: {} axes for the shape {}",
          order.size(), x.shape());
  Shape shape;
  Strides strides;
  std::vector<bool> seen(order.size());
  for (const int given : order) {
    const int axis = normalize_axis(given, x.rank(), "transpose");
    require(!seen[static_cast<size_t>(axis)], "transpose: axis {} is named twice, shape {}", given,
            x.shape());
    seen[static_cast<size_t>(axis)] = true;
    shape.push_back(x.shape()[axis]);
    strides.push_back(x.strides()[axis]);
  }
  Array y = x.with_layout(shape, strides, x.offset());
  if (Tape* tape = recording({&x})) {
    std::vector<int> inverse(order.size());
    for (size_t i = 0; i < order.size(); ++i)
      inverse[static_cast<size_t>(normalize_axis(order[i], x.rank(), "transpose"))] =
          static_cast<int>(i);
    const auto by = [](const std::vector<int>& axes_of_result) {
      return [axes_of_result](const Arrays& d) {
        return Arrays{axes_of_result.empty() ? d[0] : transpose(d[0], axes_of_result)};
      };
    };
    tape->record("transpose", {&x}, {&y}, {.vjp = by(inverse), .jvp = by(order)});
  }
  return y;
}

Array swap_axes(const Array& x, int a, int b) {
  const int first = normalize_axis(a, x.rank(), "swap_axes");
  const int second = normalize_axis(b, x.rank(), "swap_axes");
  Shape shape = x.shape();
  Strides strides = x.strides();
  std::swap(shape[first], shape[second]);
  std::swap(strides[first], strides[second]);
  Array y = x.with_layout(shape, strides, x.offset());
  if (Tape* tape = recording({&x})) {
    const auto back = [a, b](const Arrays& d) { return Arrays{swap_axes(d[0], a, b)}; };
    tape->record("swap_axes", {&x}, {&y}, {.vjp = back, .jvp = back});
  }
  return y;
}

Array expand_dims(const Array& x, int axis) {
  const int at = normalize_axis(axis, x.rank() + 1, "expand_dims");
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.insert(at, 1);
  strides.insert(at, 1);
  return same_elements("expand_dims", x, x.with_layout(shape, strides, x.offset()));
}

Array squeeze(const Array& x, int axis) {
  const int at = normalize_axis(axis, x.rank(), "squeeze");
  require(x.shape()[at] == 1, "squeeze: axis {} of {} is not 1", axis, x.shape());
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.erase(at);
  strides.erase(at);
  return same_elements("squeeze", x, x.with_layout(shape, strides, x.offset()));
}

Array squeeze(const Array& x) {
  Shape shape;
  Strides strides;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (x.shape()[axis] == 1) continue;
    shape.push_back(x.shape()[axis]);
    strides.push_back(x.strides()[axis]);
  }
  return same_elements("squeeze", x, x.with_layout(shape, strides, x.offset()));
}

Array broadcast_to(const Array& x, const Shape& shape) {
  Array y = broadcast_view("broadcast_to", x, shape);
  if (Tape* tape = recording({&x}))
    tape->record("broadcast_to", {&x}, {&y},
                 {.vjp = [from = x.shape()](const Arrays& c) { return Arrays{sum_to(c[0], from)}; },
                  .jvp = [shape](const Arrays& t) { return Arrays{broadcast_to(t[0], shape)}; }});
  return y;
}

Array as_strided(const Array& x, const Shape& shape, const Strides& strides, int64_t offset) {
  Array y = x.with_layout(shape, strides, x.offset() + offset);
  if (Tape* tape = recording({&x})) {
    // The elements as positions in x, which must be all that the view reaches.
    require(x.is_contiguous(), "as_strided: the derivative of a view of a view, {} with strides {}",
            x.shape(), x.strides());
    const Array places =
        contiguous(arange(x.size(), DType::i64, x.device()).with_layout(shape, strides, offset));
    const Array flat = reshape(places, {-1});
    tape->record(
        "as_strided", {&x}, {&y},
        {.vjp =
             [flat, from = x.shape()](const Arrays& c) {
               const Array zero = zeros({element_count(from)}, DType::f32, c[0].device());
               return Arrays{reshape(scatter_add(zero, flat, reshape(c[0], {-1}), 0), from)};
             },
         .jvp =
             [flat, shape](const Arrays& t) {
               return Arrays{reshape(take(reshape(t[0], {-1}), flat, 0), shape)};
             }});
  }
  return y;
}

Array slice(const Array& x, const std::vector<Slice>& slices) {
  return recorded_slice(x, select("slice", x, slices), slices);
}

Array slice_axis(const Array& x, int axis, const Slice& which) {
  std::vector<Slice> slices(static_cast<size_t>(normalize_axis(axis, x.rank(), "slice_axis")));
  slices.push_back(which);
  return recorded_slice(x, select("slice_axis", x, slices), slices);
}

Array concat(const std::vector<Array>& arrays, int axis) {
  require(!arrays.empty(), "concat: no arrays");
  const Array& first = arrays.front();
  const int at = normalize_axis(axis, first.rank(), "concat");
  Shape shape = first.shape();
  DType dtype = first.dtype();
  shape[at] = 0;
  for (const Array& x : arrays) {
    check_same_device("concat", first, x);
    Shape expected = first.shape();
    if (x.rank() == first.rank()) expected[at] = x.shape()[at];
    require(x.shape() == expected, "concat: {} and {} along axis {}", first.shape(), x.shape(), at);
    shape[at] = checked_add(shape[at], x.shape()[at]);
    dtype = promote(dtype, x.dtype());
  }
  Array y = Array::empty(shape, dtype, first.device());
  int64_t done = 0;
  for (const Array& x : arrays) {
    Array part = slice_axis(y, at, {.start = done, .stop = done + x.shape()[at]});
    copy_into(part, x);
    done += x.shape()[at];
  }
  std::vector<const Array*> parts;
  for (const Array& x : arrays) parts.push_back(&x);
  if (Tape* tape = recording(parts)) {
    std::vector<Shape> shapes;
    for (const Array& x : arrays) shapes.push_back(x.shape());
    Array* result = &y;
    tape->record("concat", parts, {&result, 1},
                 {.vjp =
                      [shapes, at](const Arrays& c) {
                        Arrays pieces;
                        int64_t begin = 0;
                        for (const Shape& piece : shapes) {
                          pieces.push_back(
                              slice_axis(c[0], at, {.start = begin, .stop = begin + piece[at]}));
                          begin += piece[at];
                        }
                        return pieces;
                      },
                  .jvp =
                      [shapes, at, device = y.device()](const Arrays& t) {
                        Arrays tangents;
                        for (size_t i = 0; i < shapes.size(); ++i)
                          tangents.push_back(or_zeros(t[i], shapes[i], device));
                        return Arrays{concat(tangents, at)};
                      }});
  }
  return y;
}

Array slice_update(const Array& x, const Array& update, const std::vector<Slice>& slices) {
  check_same_device("slice_update", x, update);
  Array y = Array::empty(x.shape(), x.dtype(), x.device());
  copy_into(y, x);
  slice_update_into(y, stop_gradient(update), slices);
  if (Tape* tape = recording({&x, &update}))
    tape->record("slice_update", {&x, &update}, {&y},
                 {.vjp =
                      [slices, shape = update.shape()](const Arrays& c) {
                        const Array nothing = zeros({}, DType::f32, c[0].device());
                        return Arrays{slice_update(c[0], nothing, slices),
                                      sum_to(slice(c[0], slices), shape)};
                      },
                  .jvp =
                      [slices, x_shape = x.shape(), shape = update.shape(),
                       device = y.device()](const Arrays& t) {
                        return Arrays{slice_update(or_zeros(t[0], x_shape, device),
                                                   or_zeros(t[1], shape, device), slices)};
                      }});
  return y;
}

void slice_update_into(Array& x, const Array& update, const std::vector<Slice>& slices) {
  check_same_device("slice_update", x, update);
  require(recording({&x, &update}) == nullptr,
          "slice_update_into: derivatives of writing in place are not defined; use slice_update");
  for (int axis = 0; axis < x.rank(); ++axis)
    require(x.strides()[axis] != 0 || x.shape()[axis] <= 1,
            "slice_update: axis {} of the array that is written, {}, repeats one element", axis,
            x.shape());
  Array part = select("slice_update", x, slices);
  copy_into(part, broadcast_view("slice_update", update, part.shape()));
}

}  // namespace linnet::ops
