#include "ops/promotion.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace linnet::ops {

DType promote(DType a, DType b) {
  if (a == b) return a;
  const DType low = std::min(a, b);
  const DType high = std::max(a, b);
  if (is_floating(low)) return DType::f32;  // f16 with bf16, or either with f32
  if (low == DType::u32 && high == DType::i32) return DType::i64;
  return high;
}

DType promote(DType array, const Scalar& scalar) {
  if (linnet::is_floating(array) || scalar.is_bool()) return array;
  if (scalar.is_floating()) return DType::f32;
  return array == DType::boolean ? DType::i32 : array;
}

double Scalar::to_double() const noexcept {
  return std::visit([](auto value) { return static_cast<double>(value); }, value_);
}

int64_t Scalar::to_int() const {
  if (const auto* value = std::get_if<int64_t>(&value_)) return *value;
  const double value = std::trunc(to_double());
  require(value >= -0x1p63 && value < 0x1p63, "the scalar {} does not fit 63 bits", value);
  return static_cast<int64_t>(value);
}

Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape result = longer;
  const int skipped = longer.rank() - shorter.rank();
  for (int axis = 0; axis < shorter.rank(); ++axis) {
    int64_t& extent = result[axis + skipped];
    if (extent == 1) extent = shorter[axis];
    require(shorter[axis] == extent || shorter[axis] == 1,
            "{}: the shapes {} and {} do not broadcast", op, a, b);
  }
  return result;
}

Array broadcast_view(std::string_view op, const Array& x, const Shape& shape) {
  const int skipped = shape.rank() - x.rank();
  bool fits = skipped >= 0;
  Strides strides = shape;
  for (int axis = 0; axis < shape.rank(); ++axis) strides[axis] = 0;
  for (int axis = 0; axis < x.rank() && fits; ++axis) {
    fits = x.shape()[axis] == shape[axis + skipped] || x.shape()[axis] == 1;
    if (x.shape()[axis] != 1) strides[axis + skipped] = x.strides()[axis];
  }
  require(fits, "{}: the shape {} does not broadcast to {}", op, x.shape(), shape);
  return x.with_layout(shape, strides, x.offset());
}

void check_same_device(std::string_view op, const Array& a, const Array& b) {
  require(a.defined() && b.defined(), "{}: an operand is undefined", op);
  require(a.device() == b.device(), "{}: operands {} and {} are on two devices", op, a.shape(),
          b.shape());
}

Array to_array(const Scalar& scalar, DType dtype, const DevicePtr& device) {
  const auto integer = [&]<class T>(T) {
    const int64_t value = scalar.to_int();
    require(std::in_range<T>(value), "the scalar {} does not fit {}", value, to_string(dtype));
    return Array::from(std::vector<T>{static_cast<T>(value)}, {}, device);
  };
  const auto value = static_cast<float>(scalar.to_double());
  switch (dtype) {
    case DType::boolean: {
      const bool truth = scalar.to_double() != 0;
      return Array::from(std::span<const bool>(&truth, 1), {}, device);
    }
    case DType::u8: return integer(uint8_t{});
    case DType::u32: return integer(uint32_t{});
    case DType::i32: return integer(int32_t{});
    case DType::i64: return integer(int64_t{});
    case DType::f16: return Array::from(std::vector<F16>{to_f16(value)}, {}, device);
    case DType::bf16: return Array::from(std::vector<BF16>{to_bf16(value)}, {}, device);
    case DType::f32: break;
  }
  return Array::from(std::vector<float>{value}, {}, device);
}

Pair match(std::string_view op, const Operand& a, const Operand& b) {
  require(a.is_array() || b.is_array(), "{}: both operands are scalars", op);
  Pair result;
  if (a.is_array() && b.is_array()) {
    check_same_device(op, a.array(), b.array());
    result.dtype = promote(a.array().dtype(), b.array().dtype());
    result.shape = broadcast_shapes(op, a.array().shape(), b.array().shape());
    result.a = broadcast_view(op, a.array(), result.shape);
    result.b = broadcast_view(op, b.array(), result.shape);
    return result;
  }
  const Array& array = a.is_array() ? a.array() : b.array();
  const Scalar& scalar = a.is_array() ? b.scalar() : a.scalar();
  check_same_device(op, array, array);
  result.dtype = promote(array.dtype(), scalar);
  result.shape = array.shape();
  const Array other =
      broadcast_view(op, to_array(scalar, result.dtype, array.device()), result.shape);
  result.a = a.is_array() ? array : other;
  result.b = a.is_array() ? other : array;
  return result;
}

}  // namespace linnet::ops
