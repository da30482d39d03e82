// Linear: a dense projection.
#pragma once

#include "nn/adapter.hpp"
#include "nn/weights.hpp"

namespace linnet::nn {

enum class Bias { absent, present };

/// y = x W^T + b with x [T, inputs] f32, y [T, outputs] f32.
struct Linear {
  ops::PackedMatrix weight;  // [outputs, inputs]
  Array bias;                // [outputs] or undefined
  ops::Rounding rounding = ops::Rounding::none;
  int module = -1;  // its number among the model's

  /// Reads "<name>.weight" and, where `has_bias` says so, "<name>.bias".
  static Linear load(Weights& weights, const std::string& name, int64_t outputs, int64_t inputs,
                     Bias has_bias = Bias::absent);

  /// With the adapters of x's rows.
  [[nodiscard]] Array operator()(const Array& x, const std::vector<AdapterRows>& adapters) const {
    return adapt(x, ops::linear(x, weight, bias, rounding), module, adapters);
  }
};

}  // namespace linnet::nn
