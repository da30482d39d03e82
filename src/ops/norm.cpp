#include "ops/norm.hpp"

#include "kernels/norm.hpp"
#include "ops/cast.hpp"
#include "ops/elementwise.hpp"
#include "ops/reduce.hpp"
#include "ops/tape.hpp"
#include "ops/trace.hpp"
#include "ops/view.hpp"

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

/// Of rms_norm(x, weight): r = 1 / sqrt(mean(x^2) + eps), y = x r w.
Array rms_norm_tangent(const Array& x, const Array& weight, float eps, const Array& tx,
                       const Array& tw) {
  const Array r = rsqrt(add(mean(square(x), -1, true), eps));
  Array result;
  if (tx.defined()) {
    const Array along = mean(mul(x, tx), -1, true);
    const Array change = sub(mul(tx, r), mul(x, mul(mul(r, square(r)), along)));
    result = mul(change, weight);
  }
  return tw.defined() ? plus(result, mul(mul(x, r), tw)) : result;
}

/// What layer_norm's rule needs: n = (x - mean) * scale.
struct Standardised {
  Array n;
  Array scale;

  Standardised(const Array& x, float eps) {
    const Array centred = sub(x, mean(x, -1, true));
    scale = rsqrt(add(mean(square(centred), -1, true), eps));
    n = mul(centred, scale);
  }
  /// The Jacobian of n by x, which is symmetric, times d.
  [[nodiscard]] Array times(const Array& d) const {
    const Array along = mul(n, mean(mul(n, d), -1, true));
    return mul(sub(sub(d, mean(d, -1, true)), along), scale);
  }
};

void record_layer_norm(const Array& x, const Array& weight, const Array& bias, float eps,
                       Array& y) {
  Tape* tape = recording({&x, &weight, &bias});
  if (tape == nullptr) return;
  tape->record("layer_norm", {&x, &weight, &bias}, {&y},
               {.vjp =
                    [x = as_f32(x), weight = as_f32(weight), eps](const Arrays& c) {
                      const Standardised s(x, eps);
                      return Arrays{s.times(mul(c[0], weight)),
                                    sum_to(mul(c[0], s.n), weight.shape()),
                                    sum_to(c[0], weight.shape())};
                    },
                .jvp =
                    [x = as_f32(x), weight = as_f32(weight), eps](const Arrays& t) {
                      const Standardised s(x, eps);
                      Array result;
                      if (t[0].defined()) result = mul(s.times(t[0]), weight);
                      if (t[1].defined()) result = plus(result, mul(s.n, t[1]));
                      if (t[2].defined()) result = plus(result, broadcast_to(t[2], x.shape()));
                      return Arrays{result};
                    }});
}

}  // namespace

RmsNormGradient rms_norm_gradient(const Array& x, const Array& weight, float eps, const Array& dy,
                                  bool wants_weight, const Array& add) {
  constexpr int64_t kPart = kernels::RmsNormGradientArgs::kRowsPerPart;
  const Array dense_x = contiguous(as_f32(x));
  const Array dense_weight = contiguous(as_f32(weight));
  const Array dense_dy = contiguous(dy);
  const Array dense_add = add.defined() ? contiguous(add) : add;
  const int64_t width = x.dim(-1);
  const int64_t rows = width == 0 ? 0 : x.size() / width;
  RmsNormGradient result{.x = Array::empty(x.shape(), DType::f32, x.device()), .weight = {}};
  Array parts;
  if (wants_weight) parts = Array::empty({ceil_div(rows, kPart), width}, DType::f32, x.device());
  kernels::cpu::rms_norm_gradient(
      {.x = dense_x.data<float>(),
       .weight = dense_weight.data<float>(),
       .dy = dense_dy.data<float>(),
       .add = add.defined() ? dense_add.data<float>() : nullptr,
       .dx = result.x.mutable_data<float>(),
       .dweight_parts = wants_weight ? parts.mutable_data<float>() : nullptr,
       .rows = rows,
       .width = width,
       .eps = eps},
      x.device()->context());
  if (wants_weight) result.weight = sum(parts, 0);
  return result;
}

Array rms_norm(const Array& x, const Array& weight, float eps) {
  Array y = normalize("rms_norm", kernels::cpu::rms_norm, stop_gradient(x), stop_gradient(weight),
                      Array(), eps);
  if (Tape* tape = recording({&x, &weight})) {
    const bool wants_weight = weight.tape() != nullptr;
    tape->record("rms_norm", {&x, &weight}, {&y},
                 {.vjp =
                      [x = stop_gradient(x), weight = stop_gradient(weight), eps,
                       wants_weight](const Arrays& c) {
                        const auto g = rms_norm_gradient(x, weight, eps, c[0], wants_weight);
                        return Arrays{g.x, g.weight};
                      },
                  .jvp =
                      [x = as_f32(x), weight = as_f32(weight), eps](const Arrays& t) {
                        return Arrays{rms_norm_tangent(x, weight, eps, t[0], t[1])};
                      }});
  }
  return y;
}

Array layer_norm(const Array& x, const Array& weight, const Array& bias, float eps) {
  Array y = normalize("layer_norm", kernels::cpu::layer_norm, stop_gradient(x),
                      stop_gradient(weight), stop_gradient(bias), eps);
  record_layer_norm(x, weight, bias, eps, y);
  return y;
}

namespace {

/// Records sum = x + inner(y), norm = outer(sum).
void record_residual(const Array& x, const Array& y, const RmsTerm& inner, const RmsTerm& outer,
                     ResidualNorm& result) {
  Tape* tape = recording({&x, &y, &inner.weight, &outer.weight});
  if (tape == nullptr) return;
  const auto constant = [](const RmsTerm& term) {
    return RmsTerm{term.weight.defined() ? as_f32(term.weight) : Array(), term.eps};
  };
  Rule rule;
  rule.vjp = [y = stop_gradient(y), sum = stop_gradient(result.sum), inner = constant(inner),
              outer = constant(outer), wants_inner = inner.weight.tape() != nullptr,
              wants_outer = outer.weight.tape() != nullptr](const Arrays& c) {
    Array dsum = c[0];
    Array dinner;
    Array douter;
    if (c.size() > 1 && c[1].defined()) {
      const auto g = rms_norm_gradient(sum, outer.weight, outer.eps, c[1], wants_outer, dsum);
      dsum = g.x;
      douter = g.weight;
    }
    Array dy = dsum;
    if (inner.weight.defined()) {
      const auto g = rms_norm_gradient(y, inner.weight, inner.eps, dsum, wants_inner);
      dy = g.x;
      dinner = g.weight;
    }
    return Arrays{dsum, dy, dinner, douter};
  };
  rule.jvp = [y = stop_gradient(y), sum = stop_gradient(result.sum), inner = constant(inner),
              outer = constant(outer)](const Arrays& t) {
    const Array ty =
        inner.weight.defined() ? rms_norm_tangent(y, inner.weight, inner.eps, t[1], t[2]) : t[1];
    const Array tsum = plus(t[0], ty);
    if (!outer.weight.defined()) return Arrays{tsum};
    return Arrays{tsum, rms_norm_tangent(sum, outer.weight, outer.eps, tsum, t[3])};
  };
  const Array* inputs[] = {&x, &y, &inner.weight, &outer.weight};
  Array* outputs[] = {&result.sum, &result.norm};
  tape->record("residual_norm", inputs, std::span(outputs).first(result.norm.defined() ? 2 : 1),
               std::move(rule));
}

}  // namespace

ResidualNorm residual_norm(const Array& x, const Array& y, const RmsTerm& inner,
                           const RmsTerm& outer, Rounding rounding) {
  require(
      x.rank() >= 1 && x.shape() == y.shape() && x.dtype() == DType::f32 && y.dtype() == DType::f32,
      "residual_norm: x is {} {}, y is {} {}, expected the same f32 [..., D]", to_string(x.dtype()),
      x.shape(), to_string(y.dtype()), y.shape());
  const auto weight_of = [&](std::string_view name, const RmsTerm& term) {
    if (!term.weight.defined()) return Array();
    check_vector("residual_norm", name, x, term.weight);
    return contiguous(as_f32(term.weight));
  };
  const Array inner_weight = weight_of("inner", inner);
  const Array outer_weight = weight_of("outer", outer);
  const auto data_of = [](const Array& a) { return a.defined() ? a.data<float>() : nullptr; };
  const Array dense_x = contiguous(stop_gradient(x));
  const Array dense_y = contiguous(stop_gradient(y));
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
  record_residual(x, y, inner, outer, result);
  return result;
}

}  // namespace linnet::ops
