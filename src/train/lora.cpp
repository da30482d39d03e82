#include <algorithm>
#include <charconv>
#include <cmath>

#include "ops/creation.hpp"
#include "ops/random.hpp"
#include "train/subject.hpp"

namespace linnet::train {
namespace {

/// Whether `text` is `pattern`, in which * stands for any characters.
bool fits(std::string_view pattern, std::string_view text) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (size_t from = star; from <= text.size(); ++from)
    if (fits(rest, text.substr(from))) return true;
  return false;
}

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('.') + 1); }

/// The layer that a module is in: "layers.3.mlp.up_proj".
int64_t layer_of(std::string_view name) {
  constexpr std::string_view kLayers = "layers.";
  int64_t layer = -1;
  if (name.starts_with(kLayers))
    std::from_chars(name.data() + kLayers.size(), name.data() + name.size(), layer);
  return layer;
}

}  // namespace

double LoraOptions::scale() const {
  const auto r = static_cast<double>(rank);
  return rslora ? alpha / std::sqrt(r) : alpha / r;
}

void check(const LoraOptions& o) {
  require(o.rank >= 1 && o.rank <= 4096, "the rank {} is outside 1..4096", o.rank);
  require(std::isfinite(o.alpha) && o.alpha > 0, "alpha {} is not positive", o.alpha);
  require(o.dropout >= 0 && o.dropout < 1, "the dropout {} is outside 0 <= p < 1", o.dropout);
  require(!o.targets.empty(), "no target modules");
  for (const std::string& target : o.targets)
    require(std::ranges::count(target, '*') <= 4, "the target {} has more than four *", target);
}

std::vector<nn::Module> choose_modules(const std::vector<nn::Module>& modules,
                                       const LoraOptions& options) {
  check(options);
  const auto any_layer = [&](int64_t layer) {
    return options.layers.empty() || std::ranges::count(options.layers, layer) > 0;
  };
  const auto matches = [](const std::string& target, const nn::Module& module) {
    return fits(target, module.name) || fits(target, last_part(module.name));
  };
  for (const std::string& target : options.targets) {
    const bool found = std::ranges::any_of(
        modules, [&](const nn::Module& module) { return matches(target, module); });
    require(found, "the target {} fits no module; there are {} and others like it", target,
            modules.empty() ? "none" : modules.front().name);
  }
  for (const int64_t layer : options.layers)
    require(std::ranges::count(modules, layer,
                               [](const nn::Module& m) { return layer_of(m.name); }) > 0,
            "there is no layer {}", layer);
  std::vector<nn::Module> result;
  for (const nn::Module& module : modules)
    if (any_layer(layer_of(module.name)) &&
        std::ranges::any_of(options.targets,
                            [&](const std::string& target) { return matches(target, module); }))
      result.push_back(module);
  require(!result.empty(), "no module is in one of the layers");
  return result;
}

LoraSubject::LoraSubject(std::shared_ptr<const models::Model> model,
                         std::vector<nn::Module> modules, LoraOptions options)
    : model_(std::move(model)), modules_(std::move(modules)), options_(std::move(options)) {
  adapted_ = choose_modules(modules_, options_);
  const Key key{.seed = options_.seed};
  for (size_t i = 0; i < adapted_.size(); ++i) {
    const nn::Module& module = adapted_[i];
    const auto bound = static_cast<float>(1.0 / std::sqrt(static_cast<double>(module.inputs)));
    parameters_.push_back({.name = module.name + ".lora_a",
                           .value = ops::uniform({options_.rank, module.inputs}, split(key, i),
                                                 device(), {.low = -bound, .high = bound})});
    parameters_.push_back(
        {.name = module.name + ".lora_b",
         .value = Array::zeros({module.outputs, options_.rank}, DType::f32, device())});
  }
}

Bound LoraSubject::bind(const std::vector<Array>& values, const std::optional<Key>& dropout) const {
  const auto adapter = std::make_shared<nn::Adapter>("being trained");
  for (size_t i = 0; i < adapted_.size(); ++i)
    adapter->add(modules_, adapted_[i].name,
                 {.a = ops::pack(values[2 * i], DType::f32),
                  .b = ops::pack(values[2 * i + 1], DType::f32),
                  .scale = static_cast<float>(options_.scale()),
                  .dropout = dropout ? static_cast<float>(options_.dropout) : 0.0F,
                  .key = dropout ? split(*dropout, i) : Key()});
  return {.model = model_, .adapter = adapter};
}

}  // namespace linnet::train
