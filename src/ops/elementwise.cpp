#include "ops/elementwise.hpp"

#include "kernels/elementwise.hpp"
#include "ops/trace.hpp"

namespace linnet::ops {
namespace {

using kernels::BinaryOp;
using kernels::CompareOp;
using kernels::LogicalOp;
using kernels::UnaryOp;

Array binary(BinaryOp op, const Operand& a, const Operand& b) {
  const std::string_view name = to_string(op);
  const Pair pair = match(name, a, b);
  const DType dtype = has_integer_form(op) || is_floating(pair.dtype) ? pair.dtype : DType::f32;
  require(dtype != DType::boolean || (op != BinaryOp::sub && op != BinaryOp::power),
          "{}: not defined for bools, here {} and {}", name, pair.a.shape(), pair.b.shape());
  Array y = Array::empty(pair.shape, dtype, pair.a.device());
  const auto span = trace_lanes(name, y, 2 * y.size() * size_of(y.dtype()));
  kernels::cpu::binary({.op = op, .a = pair.a.view(), .b = pair.b.view(), .y = y.mutable_view()},
                       y.device()->context());
  return y;
}

Array compare(CompareOp op, const Operand& a, const Operand& b) {
  const Pair pair = match(to_string(op), a, b);
  Array y = Array::empty(pair.shape, DType::boolean, pair.a.device());
  kernels::cpu::compare({.op = op, .a = pair.a.view(), .b = pair.b.view(), .y = y.mutable_view()},
                        y.device()->context());
  return y;
}

Array logical(LogicalOp op, const Operand& a, const Operand& b) {
  const Pair pair = match(to_string(op), a, b);
  Array y = Array::empty(pair.shape, DType::boolean, pair.a.device());
  kernels::cpu::logical({.op = op, .a = pair.a.view(), .b = pair.b.view(), .y = y.mutable_view()},
                        y.device()->context());
  return y;
}

Array unary(UnaryOp op, const Array& x) {
  const std::string_view name = to_string(op);
  check_same_device(name, x, x);
  const DType dtype = has_integer_form(op) || is_floating(x.dtype()) ? x.dtype() : DType::f32;
  require(dtype != DType::boolean || op != UnaryOp::neg, "{}: not defined for bools, here {}", name,
          x.shape());
  Array y = Array::empty(x.shape(), dtype, x.device());
  const auto span = trace_lanes(name, y, y.size() * size_of(y.dtype()));
  kernels::cpu::unary({.op = op, .x = x.view(), .y = y.mutable_view()}, y.device()->context());
  return y;
}

/// The dtype of two scalars that meet no array.
DType scalar_dtype(const Scalar& a, const Scalar& b) {
  return promote(promote(DType::boolean, a), b);
}

}  // namespace

Array add(const Operand& a, const Operand& b) { return binary(BinaryOp::add, a, b); }
Array sub(const Operand& a, const Operand& b) { return binary(BinaryOp::sub, a, b); }
Array mul(const Operand& a, const Operand& b) { return binary(BinaryOp::mul, a, b); }
Array div(const Operand& a, const Operand& b) { return binary(BinaryOp::div, a, b); }
Array power(const Operand& a, const Operand& b) { return binary(BinaryOp::power, a, b); }
Array maximum(const Operand& a, const Operand& b) { return binary(BinaryOp::maximum, a, b); }
Array minimum(const Operand& a, const Operand& b) { return binary(BinaryOp::minimum, a, b); }

Array equal(const Operand& a, const Operand& b) { return compare(CompareOp::equal, a, b); }
Array not_equal(const Operand& a, const Operand& b) { return compare(CompareOp::not_equal, a, b); }
Array less(const Operand& a, const Operand& b) { return compare(CompareOp::less, a, b); }
Array less_equal(const Operand& a, const Operand& b) {
  return compare(CompareOp::less_equal, a, b);
}
Array greater(const Operand& a, const Operand& b) { return compare(CompareOp::greater, a, b); }
Array greater_equal(const Operand& a, const Operand& b) {
  return compare(CompareOp::greater_equal, a, b);
}

Array logical_and(const Operand& a, const Operand& b) {
  return logical(LogicalOp::logical_and, a, b);
}
Array logical_or(const Operand& a, const Operand& b) {
  return logical(LogicalOp::logical_or, a, b);
}
Array logical_xor(const Operand& a, const Operand& b) {
  return logical(LogicalOp::logical_xor, a, b);
}
Array logical_not(const Array& x) { return logical(LogicalOp::logical_xor, x, true); }

Array where(const Array& condition, const Operand& a, const Operand& b) {
  check_same_device("where", condition, condition);
  const DType dtype = a.is_array() && b.is_array() ? promote(a.array().dtype(), b.array().dtype())
                      : a.is_array()               ? promote(a.array().dtype(), b.scalar())
                      : b.is_array()               ? promote(b.array().dtype(), a.scalar())
                                                   : scalar_dtype(a.scalar(), b.scalar());
  const auto as_array = [&](const Operand& operand) {
    if (!operand.is_array()) return to_array(operand.scalar(), dtype, condition.device());
    check_same_device("where", condition, operand.array());
    return operand.array();
  };
  const Array chosen = as_array(a);
  const Array other = as_array(b);
  const Shape shape = broadcast_shapes("where", condition.shape(),
                                       broadcast_shapes("where", chosen.shape(), other.shape()));
  Array y = Array::empty(shape, dtype, condition.device());
  kernels::cpu::where({.condition = broadcast_view("where", condition, shape).view(),
                       .a = broadcast_view("where", chosen, shape).view(),
                       .b = broadcast_view("where", other, shape).view(),
                       .y = y.mutable_view()},
                      y.device()->context());
  return y;
}

Array neg(const Array& x) { return unary(UnaryOp::neg, x); }
Array abs(const Array& x) { return unary(UnaryOp::abs, x); }
Array square(const Array& x) { return unary(UnaryOp::square, x); }
Array sqrt(const Array& x) { return unary(UnaryOp::sqrt, x); }
Array rsqrt(const Array& x) { return unary(UnaryOp::rsqrt, x); }
Array exp(const Array& x) { return unary(UnaryOp::exp, x); }
Array log(const Array& x) { return unary(UnaryOp::log, x); }
Array tanh(const Array& x) { return unary(UnaryOp::tanh, x); }
Array erf(const Array& x) { return unary(UnaryOp::erf, x); }
Array sigmoid(const Array& x) { return unary(UnaryOp::sigmoid, x); }
Array silu(const Array& x) { return unary(UnaryOp::silu, x); }
Array gelu(const Array& x) { return unary(UnaryOp::gelu, x); }
Array gelu_tanh(const Array& x) { return unary(UnaryOp::gelu_tanh, x); }

}  // namespace linnet::ops

namespace linnet {

Array operator+(const Array& a, const ops::Operand& b) { return ops::add(a, b); }
Array operator-(const Array& a, const ops::Operand& b) { return ops::sub(a, b); }
Array operator*(const Array& a, const ops::Operand& b) { return ops::mul(a, b); }
Array operator/(const Array& a, const ops::Operand& b) { return ops::div(a, b); }
Array operator+(const ops::Scalar& a, const Array& b) { return ops::add(a, b); }
Array operator-(const ops::Scalar& a, const Array& b) { return ops::sub(a, b); }
Array operator*(const ops::Scalar& a, const Array& b) { return ops::mul(a, b); }
Array operator/(const ops::Scalar& a, const Array& b) { return ops::div(a, b); }
Array operator-(const Array& x) { return ops::neg(x); }

}  // namespace linnet
