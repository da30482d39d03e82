// Elements at indices.
//
// Indices may have any integer dtype; negative ones count from the end, as in NumPy. An index
// outside -extent..extent-1 is invalid_argument naming the op, the index and the extent; nothing is
// read or written then. Any dtype of x, any strides. Devices: cpu.
#pragma once

#include "array/array.hpp"

namespace linnet::ops {

/// y[o..., j..., i...] = x[o..., indices[j...], i...]; on axis 0 a gather of rows (embeddings).
///   x        [O..., extent, I...]
///   indices  [J...]
///   result   [O..., J..., I...]  dtype of x, dense
/// Errors: invalid_argument for a missing axis, indices that are no integers, or too many axes.
Array take(const Array& x, const Array& indices, int axis);

/// y[..., j, ...] = x[..., indices[..., j, ...], ...], j and the indices along `axis`
///   x, indices  the same number of axes; all but `axis` broadcast together
///   result      the indices' extent on `axis`, the broadcast extents elsewhere; dtype of x
/// Errors: invalid_argument for a missing axis, other ranks, shapes that do not broadcast, or
/// indices that are no integers.
Array take_along_axis(const Array& x, const Array& indices, int axis);

/// A copy of x with y[..., indices[..., j, ...], ...] = values[..., j, ...]; of equal indices the
/// last one in row-major order stays
///   x        [...]
///   indices  the same number of axes; broadcasts to x's shape on all axes but `axis`
///   values   broadcasts to the indices' (broadcast) shape; converted to x's dtype
///   result   x's shape and dtype
/// Errors: as take_along_axis.
Array put_along_axis(const Array& x, const Array& indices, const Array& values, int axis);

/// A copy of x with values added at indices: y[o..., indices[j...], i...] += values[o..., j...,
/// i...]
///   x        [O..., extent, I...]  f32
///   indices  [J...]
///   values   [O..., J..., I...]    f32
///   result   x's shape, f32; what meets in one element is added in rising order of j
/// What gradients of take() and of embeddings are made of. Errors: as take; invalid_argument for
/// other dtypes, or if values has not take()'s shape.
Array scatter_add(const Array& x, const Array& indices, const Array& values, int axis);

}  // namespace linnet::ops
