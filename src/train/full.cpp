#include <algorithm>
#include <cmath>
#include <map>

#include "nn/stored_array.hpp"
#include "ops/cast.hpp"
#include "ops/creation.hpp"
#include "ops/elementwise.hpp"
#include "ops/random.hpp"
#include "train/subject.hpp"

namespace linnet::train {

std::vector<Array> Subject::values() const {
  std::vector<Array> result;
  for (const Parameter& parameter : parameters_) result.push_back(parameter.value);
  return result;
}

int64_t Subject::elements() const {
  int64_t result = 0;
  for (const Parameter& parameter : parameters_) result += parameter.value.size();
  return result;
}

void FullSubject::collect(const nn::ParameterSource& make) {
  static_cast<void>(models::assemble(
      config_,
      [&](const nn::TensorUse& use, float offset) {
        const auto same = [&](const Parameter& p) { return p.name == use.name; };
        if (const auto found = std::ranges::find_if(parameters_, same); found != parameters_.end())
          return found->value;
        parameters_.push_back(
            {.name = use.name, .value = make(use, offset), .decay = use.is_matrix()});
        return parameters_.back().value;
      },
      device_, Compute::f32));
}

FullSubject::FullSubject(const Json& config, const DevicePtr& device, Compute compute,
                         uint64_t seed)
    : config_(config), device_(device), compute_(compute) {
  const double range = models::text_config(config).get("initializer_range", 0.02);
  require(std::isfinite(range) && range >= 0, "{}: initializer_range is {}", config.where(), range);
  collect([&](const nn::TensorUse& use, float offset) {
    if (use.is_matrix())
      return ops::normal({use.outputs, use.inputs}, split({.seed = seed}, parameters_.size()),
                         device_, {.stddev = static_cast<float>(range)});
    const bool bias = use.name.ends_with(".bias");
    return ops::full({use.outputs}, bias ? 0.0F : 1.0F - offset, DType::f32, device_);
  });
}

FullSubject::FullSubject(const io::Checkpoint& checkpoint, const DevicePtr& device, Compute compute)
    : config_(checkpoint.config()), device_(device), compute_(compute) {
  if (io::QuantizationConfig::read(config_).defined())
    fail(ErrorCode::unsupported,
         "{} is quantised: its weights cannot be trained, only adapters beside them",
         checkpoint.name());
  collect([&](const nn::TensorUse& use, float) {
    const Shape shape = use.is_matrix() ? Shape{use.outputs, use.inputs} : Shape{use.outputs};
    const io::StoredTensor tensor = nn::find_tensor(checkpoint, use.name, shape);
    static_cast<void>(nn::floating_dtype(tensor));
    // A sum makes a copy of its own: nothing keeps the file mapped, and it may be written.
    return ops::add(ops::astype(nn::as_array(tensor, device_), DType::f32), 0.0F);
  });
}

Bound FullSubject::bind(const std::vector<Array>& values, const std::optional<Key>&) const {
  std::map<std::string_view, size_t> by_name;
  for (size_t i = 0; i < parameters_.size(); ++i) by_name[parameters_[i].name] = i;
  return {
      .model = models::assemble(
          config_, [&](const nn::TensorUse& use, float) { return values[by_name.at(use.name)]; },
          device_, compute_),
      .adapter = nullptr};
}

NamedArrays FullSubject::tensors() const {
  NamedArrays result;
  for (const Parameter& parameter : parameters_) result[parameter.name] = parameter.value;
  return result;
}

}  // namespace linnet::train
