// Arrays made from nothing.
#pragma once

#include "ops/promotion.hpp"

namespace linnet::ops {

/// An array of one value, rounded to `dtype`. result: `shape`, dense.
/// Errors: invalid_argument for a bad shape or a value that an integer dtype cannot hold. Devices:
/// cpu.
Array full(const Shape& shape, const Scalar& value, DType dtype, const DevicePtr& device);
Array zeros(const Shape& shape, DType dtype, const DevicePtr& device);
Array ones(const Shape& shape, DType dtype, const DevicePtr& device);

/// The same with the shape, dtype and device of x.
Array full_like(const Array& x, const Scalar& value);
Array zeros_like(const Array& x);
Array ones_like(const Array& x);

/// start, start + step, start + 2 step ... up to and without stop
///   result  [N]  N = max(0, ceil((stop - start) / step))
/// Integer dtypes take integer (or whole) scalars and count exactly; floating dtypes compute
/// start + i * step in double and round once to f32, then to `dtype`.
/// Errors: invalid_argument if step is 0, a number is not finite, or the dtype cannot hold the
/// values. Devices: cpu.
Array arange(const Scalar& start, const Scalar& stop, const Scalar& step, DType dtype,
             const DevicePtr& device);
/// 0, 1 ... stop - 1
Array arange(int64_t stop, DType dtype, const DevicePtr& device);

}  // namespace linnet::ops
