#include "ops/elementwise.hpp"

#include <cmath>
#include <numbers>

#include "kernels/elementwise.hpp"
#include "ops/cast.hpp"
#include "ops/creation.hpp"
#include "ops/tape.hpp"
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

/// dy/dx of y = f(x), of f32 constants.
using Derivative = Array (*)(const Array& x, const Array& y);

Array differentiable(UnaryOp op, const Array& x, Derivative derivative) {
  Array y = unary(op, x);
  if (Tape* tape = recording({&x})) {
    // One function for both directions: the Jacobian is diagonal.
    const auto scale = [derivative, x = as_f32(x), y = as_f32(y)](const Arrays& c) {
      return Arrays{mul(c[0], derivative(x, y))};
    };
    tape->record(to_string(op), {&x}, {&y}, {.vjp = scale, .jvp = scale});
  }
  return y;
}

/// dy/da and dy/db of y = f(a, b), of f32 constants of y's shape; undefined: 1 (dy/db of sub: -1).
struct Partials {
  Array a;
  Array b;
};
using PartialsOf = Partials (*)(const Array& a, const Array& b, const Array& y);

/// Which of them the partial derivatives are made of; the tape holds no others.
struct Kept {
  bool a = true;
  bool b = true;
  bool y = true;
};

/// An operand as a constant f32 array that is seen with the result's shape.
Array spread(const Operand& operand, const Array& y) {
  const Array array =
      operand.is_array()
          ? as_f32(operand.array())
          : full({}, static_cast<float>(operand.scalar().to_double()), DType::f32, y.device());
  return broadcast_view("broadcast_to", array, y.shape());
}

Array differentiable(BinaryOp op, const Operand& a, const Operand& b, PartialsOf partials,
                     const Kept& kept) {
  Array y = binary(op, a, b);
  const Array constant;
  const Array* left = a.is_array() ? &a.array() : &constant;
  const Array* right = b.is_array() ? &b.array() : &constant;
  Tape* tape = recording({left, right});
  if (tape == nullptr) return y;
  require(is_floating(y.dtype()), "{}: a derivative of a {} result", to_string(op),
          to_string(y.dtype()));
  const auto parts = [partials, a = kept.a ? spread(a, y) : Array(),
                      b = kept.b ? spread(b, y) : Array(),
                      y = kept.y ? as_f32(y) : Array()] { return partials(a, b, y); };
  const Shape a_shape = left->shape();
  const Shape b_shape = right->shape();
  const bool wants_a = left->tape() != nullptr;
  const bool wants_b = right->tape() != nullptr;
  const float sign = op == BinaryOp::sub ? -1.0F : 1.0F;  // of dy/db where it is not given
  const auto times = [](const Array& c, const Array& part, float otherwise) {
    if (part.defined()) return mul(c, part);
    return otherwise < 0 ? neg(c) : c;
  };
  tape->record(
      to_string(op), {left, right}, {&y},
      {.vjp =
           [=](const Arrays& c) {
             const Partials p = parts();
             return Arrays{wants_a ? sum_to(times(c[0], p.a, 1.0F), a_shape) : Array(),
                           wants_b ? sum_to(times(c[0], p.b, sign), b_shape) : Array()};
           },
       .jvp =
           [=, shape = y.shape()](const Arrays& t) {
             const Partials p = parts();
             const auto of = [&](const Array& tangent, const Array& part, float otherwise) {
               if (!tangent.defined()) return Array();
               return times(broadcast_view("broadcast_to", tangent, shape), part, otherwise);
             };
             return Arrays{plus(of(t[0], p.a, 1.0F), of(t[1], p.b, sign))};
           }});
  return y;
}

/// 1 where the condition holds, 1/2 where both operands are equal, else 0.
Array share(const Array& wins, const Array& ties) {
  return where(ties, 0.5F, where(wins, 1.0F, 0.0F));
}

/// The dtype of two scalars that meet no array.
DType scalar_dtype(const Scalar& a, const Scalar& b) {
  return promote(promote(DType::boolean, a), b);
}

}  // namespace

Array add(const Operand& a, const Operand& b) {
  return differentiable(BinaryOp::add, a, b,
                        [](const Array&, const Array&, const Array&) { return Partials(); },
                        {.a = false, .b = false, .y = false});
}
Array sub(const Operand& a, const Operand& b) {
  return differentiable(BinaryOp::sub, a, b,
                        [](const Array&, const Array&, const Array&) { return Partials(); },
                        {.a = false, .b = false, .y = false});
}
Array mul(const Operand& a, const Operand& b) {
  // Each factor is only kept for the other's derivative.
  const auto varies = [](const Operand& x) { return x.is_array() && x.array().tape() != nullptr; };
  return differentiable(
      BinaryOp::mul, a, b,
      [](const Array& x, const Array& z, const Array&) { return Partials{.a = z, .b = x}; },
      {.a = varies(b), .b = varies(a), .y = false});
}
Array div(const Operand& a, const Operand& b) {
  return differentiable(BinaryOp::div, a, b,
                        [](const Array&, const Array& z, const Array& y) {
                          return Partials{.a = div(1.0F, z), .b = neg(div(y, z))};
                        },
                        {.a = false});
}
Array power(const Operand& a, const Operand& b) {
  return differentiable(BinaryOp::power, a, b,
                        [](const Array& x, const Array& z, const Array& y) {
                          // 0^b has the derivative 0 by b, as PyTorch says, not y * log 0.
                          const Array zero = equal(x, 0.0F);
                          return Partials{
                              .a = where(equal(z, 0.0F), 0.0F, mul(z, power(x, sub(z, 1.0F)))),
                              .b = where(zero, 0.0F, mul(y, log(where(zero, 1.0F, x))))};
                        },
                        {});
}
Array maximum(const Operand& a, const Operand& b) {
  return differentiable(BinaryOp::maximum, a, b,
                        [](const Array& x, const Array& z, const Array&) {
                          return Partials{.a = share(greater(x, z), equal(x, z)),
                                          .b = share(less(x, z), equal(x, z))};
                        },
                        {.y = false});
}
Array minimum(const Operand& a, const Operand& b) {
  return differentiable(BinaryOp::minimum, a, b,
                        [](const Array& x, const Array& z, const Array&) {
                          return Partials{.a = share(less(x, z), equal(x, z)),
                                          .b = share(greater(x, z), equal(x, z))};
                        },
                        {.y = false});
}

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

namespace {

Array select(const Array& condition, const Operand& a, const Operand& b) {
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

}  // namespace

Array where(const Array& condition, const Operand& a, const Operand& b) {
  Array y = select(condition, a, b);
  const Array constant;
  const Array* left = a.is_array() ? &a.array() : &constant;
  const Array* right = b.is_array() ? &b.array() : &constant;
  if (Tape* tape = recording({left, right})) {
    const auto either = [condition](const Array& c, const Array& d) {
      return select(condition, c.defined() ? Operand(c) : Operand(0.0F),
                    d.defined() ? Operand(d) : Operand(0.0F));
    };
    tape->record("where", {left, right}, {&y},
                 {.vjp =
                      [either, a = left->shape(), b = right->shape()](const Arrays& c) {
                        return Arrays{sum_to(either(c[0], {}), a), sum_to(either({}, c[0]), b)};
                      },
                  .jvp =
                      [either, shape = y.shape()](const Arrays& t) {
                        return Arrays{broadcast_view("broadcast_to", either(t[0], t[1]), shape)};
                      }});
  }
  return y;
}

Array neg(const Array& x) {
  return differentiable(UnaryOp::neg, x,
                        [](const Array& a, const Array&) { return full_like(a, -1.0F); });
}
Array abs(const Array& x) {
  return differentiable(UnaryOp::abs, x, [](const Array& a, const Array&) {
    return where(greater(a, 0.0F), 1.0F, where(less(a, 0.0F), -1.0F, 0.0F));
  });
}
Array square(const Array& x) {
  return differentiable(UnaryOp::square, x,
                        [](const Array& a, const Array&) { return mul(a, 2.0F); });
}
Array sqrt(const Array& x) {
  return differentiable(UnaryOp::sqrt, x,
                        [](const Array&, const Array& y) { return div(0.5F, y); });
}
Array rsqrt(const Array& x) {
  return differentiable(UnaryOp::rsqrt, x,
                        [](const Array& a, const Array& y) { return div(mul(y, -0.5F), a); });
}
Array exp(const Array& x) {
  return differentiable(UnaryOp::exp, x, [](const Array&, const Array& y) { return y; });
}
Array log(const Array& x) {
  return differentiable(UnaryOp::log, x, [](const Array& a, const Array&) { return div(1.0F, a); });
}
Array tanh(const Array& x) {
  return differentiable(UnaryOp::tanh, x,
                        [](const Array&, const Array& y) { return sub(1.0F, square(y)); });
}
Array erf(const Array& x) {
  return differentiable(UnaryOp::erf, x, [](const Array& a, const Array&) {
    return mul(exp(neg(square(a))), 2.0F * std::numbers::inv_sqrtpi_v<float>);
  });
}
Array sigmoid(const Array& x) {
  return differentiable(UnaryOp::sigmoid, x,
                        [](const Array&, const Array& y) { return mul(y, sub(1.0F, y)); });
}
Array silu(const Array& x) {
  return differentiable(UnaryOp::silu, x, [](const Array& a, const Array& y) {
    const Array s = sigmoid(a);
    return add(s, mul(y, sub(1.0F, s)));
  });
}
Array gelu(const Array& x) {
  return differentiable(UnaryOp::gelu, x, [](const Array& a, const Array&) {
    const Array cdf = mul(add(erf(mul(a, 1.0F / std::numbers::sqrt2_v<float>)), 1.0F), 0.5F);
    constexpr float kPeak = std::numbers::inv_sqrtpi_v<float> / std::numbers::sqrt2_v<float>;
    return add(cdf, mul(a, mul(exp(mul(square(a), -0.5F)), kPeak)));
  });
}
Array gelu_tanh(const Array& x) {
  return differentiable(UnaryOp::gelu_tanh, x, [](const Array& a, const Array&) {
    constexpr float kScale = std::numbers::sqrt2_v<float> * std::numbers::inv_sqrtpi_v<float>;
    constexpr float kCubic = 0.044715F;
    const Array squared = square(a);
    const Array t = tanh(mul(mul(a, add(mul(squared, kCubic), 1.0F)), kScale));
    const Array slope = mul(add(mul(squared, 3 * kCubic), 1.0F), kScale);
    return mul(add(add(t, 1.0F), mul(mul(a, sub(1.0F, square(t))), slope)), 0.5F);
  });
}

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
