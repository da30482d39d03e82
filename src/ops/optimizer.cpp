#include "ops/optimizer.hpp"

#include <algorithm>
#include <cmath>

#include "base/math.hpp"
#include "kernels/optimizer.hpp"
#include "ops/cast.hpp"
#include "ops/trace.hpp"

namespace linnet::ops {
namespace {

void check_dense(std::string_view op, std::string_view name, const Array& x, const Shape& shape) {
  require(x.defined(), "{}: {} is undefined", op, name);
  require(x.dtype() == DType::f32 && x.shape() == shape && x.is_contiguous(),
          "{}: {} is {} {}, expected dense f32 {}", op, name, to_string(x.dtype()), x.shape(),
          shape);
}

/// The gradient as the kernels read it. Errors as in the header, for parameter and gradient.
Array check_pair(std::string_view op, const Array& parameter, const Array& gradient) {
  require(parameter.defined(), "{}: parameter is undefined", op);
  check_dense(op, "parameter", parameter, parameter.shape());
  require(gradient.defined(), "{}: gradient is undefined", op);
  require(gradient.dtype() == DType::f32 && gradient.shape() == parameter.shape(),
          "{}: gradient is {} {}, expected f32 {}", op, to_string(gradient.dtype()),
          gradient.shape(), parameter.shape());
  return contiguous(gradient);
}

kernels::StepArrays arrays_of(Array& parameter, const Array& gradient, double gradient_scale) {
  return {.parameter = parameter.mutable_data<float>(),
          .gradient = gradient.data<float>(),
          .size = parameter.size(),
          .gradient_scale = static_cast<float>(gradient_scale)};
}

void check_step(std::string_view op, int64_t step) {
  require(step >= 1, "{}: step is {}, expected 1 or more", op, step);
}

}  // namespace

void adamw_into(Array& parameter, const Array& gradient, Array& exp_avg, Array& exp_avg_sq,
                const AdamWStep& step) {
  const Array dense = check_pair("adamw", parameter, gradient);
  check_dense("adamw", "exp_avg", exp_avg, parameter.shape());
  check_dense("adamw", "exp_avg_sq", exp_avg_sq, parameter.shape());
  check_step("adamw", step.step);
  const auto t = static_cast<double>(step.step);
  const double first_bias = 1 - portable::pow(step.beta1, t);
  const double second_bias = 1 - portable::pow(step.beta2, t);
  const auto span = trace_lanes("adamw", parameter, 6 * parameter.nbytes());
  kernels::cpu::adamw({.arrays = arrays_of(parameter, dense, step.gradient_scale),
                       .exp_avg = exp_avg.mutable_data<float>(),
                       .exp_avg_sq = exp_avg_sq.mutable_data<float>(),
                       .decay = static_cast<float>(1 - step.learning_rate * step.weight_decay),
                       .first_weight = static_cast<float>(1 - step.beta1),
                       .beta2 = static_cast<float>(step.beta2),
                       .second_weight = static_cast<float>(1 - step.beta2),
                       .step_size = static_cast<float>(step.learning_rate / first_bias),
                       .second_root = static_cast<float>(std::sqrt(second_bias)),
                       .epsilon = static_cast<float>(step.epsilon)},
                      parameter.device()->context());
}

void sgd_into(Array& parameter, const Array& gradient, Array& buffer, const SgdStep& step) {
  const Array dense = check_pair("sgd", parameter, gradient);
  const bool with_momentum = step.momentum != 0;
  if (with_momentum) check_dense("sgd", "buffer", buffer, parameter.shape());
  const auto span = trace_lanes("sgd", parameter, (with_momentum ? 4 : 2) * parameter.nbytes());
  kernels::cpu::sgd({.arrays = arrays_of(parameter, dense, step.gradient_scale),
                     .momentum_buffer = with_momentum ? buffer.mutable_data<float>() : nullptr,
                     .weight_decay = static_cast<float>(step.weight_decay),
                     .momentum = static_cast<float>(step.momentum),
                     .learning_rate = static_cast<float>(step.learning_rate),
                     .nesterov = step.nesterov},
                    parameter.device()->context());
}

void lion_into(Array& parameter, const Array& gradient, Array& exp_avg, const LionStep& step) {
  const Array dense = check_pair("lion", parameter, gradient);
  check_dense("lion", "exp_avg", exp_avg, parameter.shape());
  const auto span = trace_lanes("lion", parameter, 4 * parameter.nbytes());
  kernels::cpu::lion({.arrays = arrays_of(parameter, dense, step.gradient_scale),
                      .exp_avg = exp_avg.mutable_data<float>(),
                      .decay = static_cast<float>(1 - step.learning_rate * step.weight_decay),
                      .beta1 = static_cast<float>(step.beta1),
                      .first_weight = static_cast<float>(1 - step.beta1),
                      .beta2 = static_cast<float>(step.beta2),
                      .second_weight = static_cast<float>(1 - step.beta2),
                      .learning_rate = static_cast<float>(step.learning_rate)},
                     parameter.device()->context());
}

void adafactor_into(Array& parameter, const Array& gradient, AdafactorMoments& moments,
                    const AdafactorStep& step) {
  const Array dense = check_pair("adafactor", parameter, gradient);
  check_step("adafactor", step.step);
  const auto t = static_cast<double>(step.step);
  kernels::AdafactorArgs args{
      .arrays = arrays_of(parameter, dense, step.gradient_scale),
      .weight = static_cast<float>(portable::pow(t, step.beta2_decay)),
      .decay = static_cast<float>(1 - step.learning_rate * step.weight_decay),
      .relative_rate = std::min(step.learning_rate, 1 / std::sqrt(t)),
      .epsilon1 = static_cast<float>(step.epsilon1),
      .epsilon2 = step.epsilon2,
      .clip_threshold = step.clip_threshold};
  if (parameter.rank() == 2 && parameter.size() > 0) {
    check_dense("adafactor", "row_var", moments.row_var, {parameter.dim(0)});
    check_dense("adafactor", "col_var", moments.col_var, {parameter.dim(1)});
    args.rows = parameter.dim(0);
    args.columns = parameter.dim(1);
    args.row_var = moments.row_var.mutable_data<float>();
    args.col_var = moments.col_var.mutable_data<float>();
  } else if (parameter.size() > 0) {
    check_dense("adafactor", "variance", moments.variance, parameter.shape());
    args.variance = moments.variance.mutable_data<float>();
  }
  const auto span = trace_lanes("adafactor", parameter, 6 * parameter.nbytes());
  kernels::cpu::adafactor(args, parameter.device()->context());
}

double sum_of_squares(const Array& x) {
  require(x.defined() && x.dtype() == DType::f32, "sum_of_squares: x is {}, expected f32",
          x.defined() ? to_string(x.dtype()) : "undefined");
  const Array dense = contiguous(x);
  return kernels::cpu::sum_of_squares(dense.data<float>(), dense.size(), x.device()->context());
}

void add_scaled_into(Array& sum, const Array& x, double scale) {
  const Array dense = check_pair("add_scaled", sum, x);
  const auto span = trace_lanes("add_scaled", sum, 2 * sum.nbytes());
  kernels::cpu::add_scaled(sum.mutable_data<float>(), dense.data<float>(), sum.size(),
                           static_cast<float>(scale), sum.device()->context());
}

}  // namespace linnet::ops
