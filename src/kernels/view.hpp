// What a kernel sees of an array: a pointer, an element type, a shape and strides. No ownership.
#pragma once

#include "base/dtype.hpp"
#include "base/shape.hpp"

namespace linnet::kernels {

/// A strided array that a kernel may write.
struct View {
  void* data = nullptr;  ///< the element at index [0, 0, ...]
  DType dtype = DType::f32;
  Shape shape;
  Strides strides;  ///< in elements
};

/// A strided array that a kernel only reads.
struct ConstView {
  ConstView() = default;
  ConstView(const void* data_, DType dtype_, Shape shape_, Strides strides_)
      : data(data_), dtype(dtype_), shape(shape_), strides(strides_) {}
  ConstView(const View& view)  // NOLINT(google-explicit-constructor): reading is always allowed
      : data(view.data), dtype(view.dtype), shape(view.shape), strides(view.strides) {}

  const void* data = nullptr;
  DType dtype = DType::f32;
  Shape shape;
  Strides strides;
};

}  // namespace linnet::kernels
