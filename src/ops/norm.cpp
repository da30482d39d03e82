#include "ops/norm.hpp"

#include "kernels/norm.hpp"
#include "ops/cast.hpp"
#include "ops/trace.hpp"

namespace linnet::ops {
namespace {

void check_vector(std::string_view op, std::string_view name, const Array& x, const Array& vector) {
  require(vector.rank() == 1 && vector.dim(0) == x.dim(-1) && is_floating(vector.dtype()),
          "{}: {} is {} {}, expected floating [{}] for x {}", op, name, to_string(vector.dtype()),
          vector.shape(), x.dim(-1), x.shape());
}

using Kernel = void (*)(const kernels::NormArgs&, const kernels::cpu::Context&);

Array normalize(std::string_view op, Kernel kernel, const Array& x, const Array& weight,
                const Array& bias, float eps) {
  require(x.rank() >= 1 && is_floating(x.dtype()), "{}: x is {} {}, expected floating [..., D]", op,
          to_string(x.dtype()), x.shape());
  check_vector(op, "weight", x, weight);
  if (bias.defined()) check_vector(op, "bias", x, bias);
  const Array dense = contiguous(astype(x, DType::f32));
  const Array dense_weight = contiguous(astype(weight, DType::f32));
  const Array dense_bias = bias.defined() ? contiguous(astype(bias, DType::f32)) : Array();
  Array y = Array::empty(x.shape(), DType::f32, x.device());
  const int64_t width = x.dim(-1);
  const auto span = trace_lanes(op, y, y.size() * size_of(DType::f32));
  kernel({.x = dense.data<float>(),
          .weight = dense_weight.data<float>(),
          .bias = bias.defined() ? dense_bias.data<float>() : nullptr,
          .y = y.mutable_data<float>(),
          .rows = width == 0 ? 0 : x.size() / width,
          .width = width,
          .eps = eps},
         x.device()->context());
  return astype(y, x.dtype());
}

}  // namespace

Array rms_norm(const Array& x, const Array& weight, float eps) {
  return normalize("rms_norm", kernels::cpu::rms_norm, x, weight, Array(), eps);
}

Array layer_norm(const Array& x, const Array& weight, const Array& bias, float eps) {
  return normalize("layer_norm", kernels::cpu::layer_norm, x, weight, bias, eps);
}

ResidualNorm residual_norm(const Array& x, const Array& y, const RmsTerm& inner,
                           const RmsTerm& outer, Rounding rounding) {
  require(
      x.rank() >= 1 && x.shape() == y.shape() && x.dtype() == DType::f32 && y.dtype() == DType::f32,
      "residual_norm: x is {} {}, y is {} {}, expected the same f32 [..., D]", to_string(x.dtype()),
      x.shape(), to_string(y.dtype()), y.shape());
  const auto weight_of = [&](std::string_view name, const RmsTerm& term) {
    if (!term.weight.defined()) return Array();
    check_vector("residual_norm", name, x, term.weight);
    return contiguous(astype(term.weight, DType::f32));
  };
  const Array inner_weight = weight_of("inner", inner);
  const Array outer_weight = weight_of("outer", outer);
  const auto data_of = [](const Array& a) { return a.defined() ? a.data<float>() : nullptr; };
  const Array dense_x = contiguous(x);
  const Array dense_y = contiguous(y);
  const int64_t width = x.dim(-1);
  const DType norm_dtype = rounding == Rounding::bf16 ? DType::bf16 : DType::f32;
  ResidualNorm result{.sum = Array::empty(x.shape(), DType::f32, x.device()), .norm = {}};
  if (outer_weight.defined()) result.norm = Array::empty(x.shape(), norm_dtype, x.device());
  const int64_t norm_bytes = outer_weight.defined() ? x.size() * size_of(norm_dtype) : 0;
  const auto span =
      trace_lanes("residual_norm", result.sum, 2 * x.size() * size_of(DType::f32) + norm_bytes);
  kernels::cpu::residual_norm(
      {.x = dense_x.data<float>(),
       .y = dense_y.data<float>(),
       .inner = {data_of(inner_weight), inner.eps},
       .outer = {data_of(outer_weight), outer.eps},
       .sum = result.sum.mutable_data<float>(),
       .norm = outer_weight.defined() ? result.norm.mutable_view().data : nullptr,
       .norm_dtype = norm_dtype,
       .rows = width == 0 ? 0 : x.size() / width,
       .width = width},
      x.device()->context());
  return result;
}

}  // namespace linnet::ops
