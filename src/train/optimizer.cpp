#include "train/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/checked.hpp"

namespace linnet::train {
namespace {

constexpr std::string_view kStep = "step";

void check_range(std::string_view name, double value, double low, double high) {
  require(value >= low && value <= high, "{} is {}, expected {} to {}", name, value, low, high);
}

/// A decay rate: 1 would never forget.
void check_rate(std::string_view name, double value) {
  require(value >= 0 && value < 1, "{} is {}, expected 0 or more and less than 1", name, value);
}

bool has_buffer(const OptimizerOptions& options) {
  return options.kind == OptimizerKind::sgd && options.momentum != 0;
}

void copy_into(Array& to, const Array& from) {
  if (from.is_contiguous()) {
    std::copy_n(from.data<float>(), from.size(), to.mutable_data<float>());
    return;
  }
  const auto values = from.to_vector<float>();
  std::copy(values.begin(), values.end(), to.mutable_data<float>());
}

}  // namespace

std::string_view to_string(OptimizerKind kind) noexcept {
  switch (kind) {
    case OptimizerKind::adamw: return "adamw";
    case OptimizerKind::sgd: return "sgd";
    case OptimizerKind::lion: return "lion";
    case OptimizerKind::adafactor: return "adafactor";
  }
  return "?";
}

OptimizerKind parse_optimizer(std::string_view name) {
  for (const auto kind :
       {OptimizerKind::adamw, OptimizerKind::sgd, OptimizerKind::lion, OptimizerKind::adafactor})
    if (name == to_string(kind)) return kind;
  fail(ErrorCode::invalid_argument,
       "optimizer \"{}\" is unknown; there are adamw, sgd, lion and adafactor", name);
}

OptimizerOptions default_options(OptimizerKind kind) {
  OptimizerOptions options{.kind = kind};
  if (kind == OptimizerKind::lion) options.beta2 = 0.99;
  if (kind == OptimizerKind::sgd || kind == OptimizerKind::adafactor) options.weight_decay = 0;
  return options;
}

void check(const OptimizerOptions& options) {
  check_range("weight_decay", options.weight_decay, 0, 1e6);
  check_rate("beta1", options.beta1);
  check_rate("beta2", options.beta2);
  check_range("epsilon", options.epsilon, 0, 1);
  check_rate("momentum", options.momentum);
  check_range("beta2_decay", options.beta2_decay, -10, 0);
  check_range("epsilon1", options.epsilon1, 0, 1);
  check_range("epsilon2", options.epsilon2, 0, 1e6);
  check_range("clip_threshold", options.clip_threshold, 1e-6, 1e6);
  require(!options.nesterov || options.momentum > 0, "nesterov needs a momentum above 0");
  const bool is_sgd = options.kind == OptimizerKind::sgd;
  require(is_sgd || options.momentum == 0, "momentum is an option of sgd, not of {}",
          to_string(options.kind));
}

int64_t state_bytes(const OptimizerOptions& options, const Shape& shape) {
  const int64_t size = element_count(shape);
  const auto bytes = [](int64_t elements) { return checked_mul(elements, size_of(DType::f32)); };
  switch (options.kind) {
    case OptimizerKind::adamw: return bytes(checked_mul(size, 2));
    case OptimizerKind::sgd: return has_buffer(options) ? bytes(size) : 0;
    case OptimizerKind::lion: return bytes(size);
    case OptimizerKind::adafactor:
      return shape.rank() == 2 ? bytes(checked_add(shape[0], shape[1])) : bytes(size);
  }
  return 0;
}

Optimizer::Optimizer(const OptimizerOptions& options, std::vector<Parameter> parameters)
    : options_(options), parameters_(std::move(parameters)) {
  check(options_);
  std::set<std::string_view> names;
  for (const auto& [name, value, decay] : parameters_) {
    require(!name.empty() && name != kStep, "a parameter is called \"{}\"", name);
    require(names.insert(name).second, "two parameters are called {}", name);
    require(value.defined() && value.dtype() == DType::f32 && value.is_contiguous(),
            "parameter {} is not dense f32", name);
  }
  states_.resize(parameters_.size());
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Array& value = parameters_[i].value;
    const auto zeros = [&](const Shape& shape) {
      return Array::zeros(shape, DType::f32, value.device());
    };
    State& state = states_[i];
    switch (options_.kind) {
      case OptimizerKind::adamw:
        state.exp_avg = zeros(value.shape());
        state.exp_avg_sq = zeros(value.shape());
        break;
      case OptimizerKind::sgd:
        if (has_buffer(options_)) state.exp_avg = zeros(value.shape());
        break;
      case OptimizerKind::lion: state.exp_avg = zeros(value.shape()); break;
      case OptimizerKind::adafactor:
        if (value.rank() == 2)
          state.moments = {.row_var = zeros({value.dim(0)}), .col_var = zeros({value.dim(1)})};
        else
          state.moments = {.variance = zeros(value.shape())};
        break;
    }
  }
}

void Optimizer::step(std::span<const Array> gradients, double learning_rate,
                     double gradient_scale) {
  require(gradients.size() == parameters_.size(), "{} gradients for {} parameters",
          gradients.size(), parameters_.size());
  require(std::isfinite(learning_rate) && learning_rate >= 0, "the learning rate is {}",
          learning_rate);
  require(std::isfinite(gradient_scale), "the scale of gradients is {}", gradient_scale);
  for (size_t i = 0; i < gradients.size(); ++i) {
    const auto& [name, value, decay] = parameters_[i];
    const Array& gradient = gradients[i];
    require(gradient.defined(), "parameter {} has no gradient", name);
    require(gradient.dtype() == DType::f32 && gradient.shape() == value.shape(),
            "the gradient of {} is {} {}, expected f32 {}", name,
            linnet::to_string(gradient.dtype()), gradient.shape(), value.shape());
  }
  ++steps_;
  for (size_t i = 0; i < gradients.size(); ++i)
    update(i, gradients[i], learning_rate, gradient_scale);
}

void Optimizer::update(size_t index, const Array& gradient, double learning_rate,
                       double gradient_scale) {
  auto& [name, value, decay] = parameters_[index];
  State& state = states_[index];
  const double weight_decay = decay ? options_.weight_decay : 0;
  switch (options_.kind) {
    case OptimizerKind::adamw:
      ops::adamw_into(value, gradient, state.exp_avg, state.exp_avg_sq,
                      {.learning_rate = learning_rate,
                       .beta1 = options_.beta1,
                       .beta2 = options_.beta2,
                       .epsilon = options_.epsilon,
                       .weight_decay = weight_decay,
                       .step = steps_,
                       .gradient_scale = gradient_scale});
      return;
    case OptimizerKind::sgd:
      ops::sgd_into(value, gradient, state.exp_avg,
                    {.learning_rate = learning_rate,
                     .momentum = options_.momentum,
                     .weight_decay = weight_decay,
                     .nesterov = options_.nesterov,
                     .gradient_scale = gradient_scale});
      return;
    case OptimizerKind::lion:
      ops::lion_into(value, gradient, state.exp_avg,
                     {.learning_rate = learning_rate,
                      .beta1 = options_.beta1,
                      .beta2 = options_.beta2,
                      .weight_decay = weight_decay,
                      .gradient_scale = gradient_scale});
      return;
    case OptimizerKind::adafactor:
      ops::adafactor_into(value, gradient, state.moments,
                          {.learning_rate = learning_rate,
                           .beta2_decay = options_.beta2_decay,
                           .epsilon1 = options_.epsilon1,
                           .epsilon2 = options_.epsilon2,
                           .clip_threshold = options_.clip_threshold,
                           .weight_decay = weight_decay,
                           .step = steps_,
                           .gradient_scale = gradient_scale});
      return;
  }
}

NamedArrays Optimizer::state() const {
  NamedArrays result;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const auto add = [&](std::string_view what, const Array& array) {
      if (array.defined()) result.emplace(fmt::format("{}.{}", parameters_[i].name, what), array);
    };
    const State& state = states_[i];
    add(options_.kind == OptimizerKind::sgd ? "momentum_buffer" : "exp_avg", state.exp_avg);
    add("exp_avg_sq", state.exp_avg_sq);
    add("row_var", state.moments.row_var);
    add("col_var", state.moments.col_var);
    add("variance", state.moments.variance);
  }
  if (parameters_.empty()) return result;
  result.emplace(
      kStep, Array::from(std::vector<int64_t>{steps_}, {1}, parameters_.front().value.device()));
  return result;
}

void Optimizer::load_state(const NamedArrays& saved) {
  const NamedArrays own = state();
  for (const auto& [name, array] : own) {
    const auto found = saved.find(name);
    if (found == saved.end())
      fail(ErrorCode::malformed_file, "the optimizer's state has no {}; was it saved by {}?", name,
           to_string(options_.kind));
    const Array& other = found->second;
    if (other.dtype() != array.dtype() || other.shape() != array.shape())
      fail(ErrorCode::malformed_file, "{} of the optimizer's state is {} {}, expected {} {}", name,
           linnet::to_string(other.dtype()), other.shape(), linnet::to_string(array.dtype()),
           array.shape());
  }
  for (const auto& [name, array] : saved)
    if (!own.contains(name))
      fail(ErrorCode::malformed_file, "{} of the optimizer's state belongs to no parameter of {}",
           name, to_string(options_.kind));
  if (parameters_.empty()) return;
  const int64_t steps = saved.find(std::string(kStep))->second.item<int64_t>();
  if (steps < 0) fail(ErrorCode::malformed_file, "the optimizer's state says step {}", steps);
  for (const auto& [name, array] : own)
    if (name != kStep) {
      Array to = array;
      copy_into(to, saved.find(name)->second);
    }
  steps_ = steps;
}

Clip clip_global_norm(std::span<const Array> gradients, double max_norm, double multiplier) {
  require(std::isfinite(max_norm) && max_norm >= 0, "the largest norm of gradients is {}",
          max_norm);
  double squares = 0;
  for (const Array& gradient : gradients) squares += ops::sum_of_squares(gradient);
  Clip clip{.norm = std::sqrt(squares) * std::fabs(multiplier), .scale = multiplier};
  if (max_norm > 0 && std::isfinite(clip.norm))
    clip.scale = multiplier * std::min(1.0, max_norm / (clip.norm + 1e-6));
  return clip;
}

}  // namespace linnet::train
