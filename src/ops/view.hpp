// Other shapes and layouts of the same elements, and joining and replacing parts of arrays.
// What is called a view shares its elements with x; nothing is copied. Any dtype. Devices: cpu.
#pragma once

#include <optional>
#include <vector>

#include "array/array.hpp"

namespace linnet::ops {

/// x's elements in row-major order, as `shape`; one extent may be -1 and follows from the others.
/// A view where x's strides allow it, else a copy.
/// Errors: invalid_argument if the numbers of elements differ.
Array reshape(const Array& x, const Shape& shape);

/// Axis i of the result is axis axes[i] of x (negative: from the end); a view. No axes: all
/// reversed. Errors: invalid_argument if `axes` is not a permutation.
Array transpose(const Array& x, const std::vector<int>& axes = {});

/// Two axes exchanged; a view. Errors: invalid_argument for a missing axis.
Array swap_axes(const Array& x, int a, int b);

/// A new axis of extent 1, which will be axis `axis` of the result (-1: the last); a view.
/// Errors: invalid_argument if the result would have no such axis or too many.
Array expand_dims(const Array& x, int axis);

/// Without axis `axis`, whose extent must be 1; a view. Errors: invalid_argument.
Array squeeze(const Array& x, int axis);
/// Without all axes of extent 1; a view.
Array squeeze(const Array& x);

/// x repeated along missing axes and axes of extent 1 (NumPy's broadcasting); a view whose elements
/// share addresses. Errors: invalid_argument if the shape does not broadcast.
Array broadcast_to(const Array& x, const Shape& shape);

/// A view with any strides; `offset` counts elements from x's first one.
/// Errors: invalid_argument if it reaches outside x's storage.
Array as_strided(const Array& x, const Shape& shape, const Strides& strides, int64_t offset = 0);

/// Which indices of an axis: start, start + step ... up to and without stop, as Python's
/// [start:stop:step]: negative ends count from the end of the axis, ends outside it are moved to
/// it, a negative step walks backwards, and an absent end is the axis' own.
struct Slice {
  std::optional<int64_t> start = std::nullopt;
  std::optional<int64_t> stop = std::nullopt;
  int64_t step = 1;
};

/// One Slice per axis, outermost first; axes without one are whole. A view.
/// Errors: invalid_argument if a step is 0 or there are more slices than axes.
Array slice(const Array& x, const std::vector<Slice>& slices);
/// The same along one axis.
Array slice_axis(const Array& x, int axis, const Slice& which);

/// The arrays one after another along `axis`; their dtypes are promoted. result: a new array.
/// Errors: invalid_argument if there are none, or shapes differ elsewhere than on the axis.
Array concat(const std::vector<Array>& arrays, int axis);

/// A copy of x in which slice(x, slices) is replaced by `update`.
///   update  broadcasts to the slice's shape; converted to x's dtype
/// Errors: as slice; invalid_argument if update does not broadcast.
Array slice_update(const Array& x, const Array& update, const std::vector<Slice>& slices);

/// The same in place: x and every array that shares its elements change. `update` may not be a view
/// of the elements that are written.
/// Errors: as slice_update; invalid_argument if x repeats elements (broadcast); internal if x is
/// read-only.
void slice_update_into(Array& x, const Array& update, const std::vector<Slice>& slices);

}  // namespace linnet::ops
