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

}  // namespace linnet::ops
