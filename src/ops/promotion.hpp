// What ops with several operands agree on: one shape (NumPy's broadcasting), one dtype, one device;
// and scalars, which take the dtype of the array they meet.
#pragma once

#include <concepts>
#include <string_view>
#include <utility>
#include <variant>

#include "array/array.hpp"

namespace linnet::ops {

/// The dtype of an op over two arrays:
///   bool gives way to everything; integers give way to floating dtypes, however narrow;
///   u8 < u32 < i64 and u8 < i32 < i64; u32 with i32 is i64;
///   f16 with bf16 is f32, f32 with any is f32.
/// (64-bit integers with f16 are f16: the float dtype is the model's and stays.)
DType promote(DType a, DType b);

/// The shape of an op over two arrays, NumPy's rule: aligned at the last axis, extents are equal or
/// one of them is 1. Errors: invalid_argument naming `op` and both shapes.
Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b);

/// x seen with `shape`, which x's shape broadcasts to; a view. Errors: invalid_argument naming
/// `op`.
Array broadcast_view(std::string_view op, const Array& x, const Shape& shape);

/// Errors: invalid_argument naming `op` if the arrays live on two devices or one is undefined.
void check_same_device(std::string_view op, const Array& a, const Array& b);

/// A number without a dtype of its own.
class Scalar {
 public:
  template <std::same_as<bool> T>
  Scalar(T value) : value_(value) {}  // NOLINT(google-explicit-constructor): written as a number
  template <std::integral T>
  requires(!std::same_as<T, bool>) Scalar(T value)
      : value_(static_cast<int64_t>(value)) {  // NOLINT(google-explicit-constructor)
    require(std::in_range<int64_t>(value), "the scalar {} does not fit 63 bits", value);
  }
  template <std::floating_point T>
  Scalar(T value) : value_(static_cast<double>(value)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool is_bool() const noexcept { return value_.index() == 0; }
  [[nodiscard]] bool is_integer() const noexcept { return value_.index() == 1; }
  [[nodiscard]] bool is_floating() const noexcept { return value_.index() == 2; }
  [[nodiscard]] double to_double() const noexcept;
  /// Floating values are cut towards zero. Errors: invalid_argument if that does not fit.
  [[nodiscard]] int64_t to_int() const;

 private:
  std::variant<bool, int64_t, double> value_;
};

/// The dtype of an op over an array and a scalar: the array's, except that
///   a floating scalar makes integers and bools f32, an integer scalar makes bools i32.
DType promote(DType array, const Scalar& scalar);

/// A scalar as an array of shape []: rounded to `dtype`, as if it were an element of it.
/// Errors: invalid_argument if an integer dtype cannot hold the value.
Array to_array(const Scalar& scalar, DType dtype, const DevicePtr& device);

/// An argument of an op: an array or a scalar. Refers to the array, so it must not outlive the
/// call.
class Operand {
 public:
  Operand(const Array& array) : array_(&array) {}  // NOLINT(google-explicit-constructor)
  template <class T>
  requires std::is_arithmetic_v<T> Operand(T value)
      : scalar_(value) {}                           // NOLINT(google-explicit-constructor)
  Operand(const Scalar& value) : scalar_(value) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool is_array() const noexcept { return array_ != nullptr; }
  [[nodiscard]] const Array& array() const noexcept { return *array_; }
  [[nodiscard]] const Scalar& scalar() const noexcept { return scalar_; }

 private:
  const Array* array_ = nullptr;
  Scalar scalar_ = false;
};

/// Two operands as arrays of one shape and device, and the dtype that promotion gives.
/// The arrays keep their own dtypes; a scalar has become an array of `dtype`.
struct Pair {
  Array a;
  Array b;
  Shape shape;
  DType dtype = DType::f32;
};

/// Errors: invalid_argument naming `op` if both are scalars, devices differ or the shapes do not
/// broadcast.
Pair match(std::string_view op, const Operand& a, const Operand& b);

}  // namespace linnet::ops
