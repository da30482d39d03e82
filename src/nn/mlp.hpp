// GatedMlp: the feed-forward part of a block.
#pragma once

#include "nn/linear.hpp"
#include "ops/activation.hpp"
#include "ops/cast.hpp"

namespace linnet::nn {

/// y = down_proj(act(gate_proj(x)) * up_proj(x)), x [T, M] f32, or rounded already, y [T, M] f32.
struct GatedMlp {
  Linear gate_proj;  // [F, M]
  Linear up_proj;    // [F, M]
  Linear down_proj;  // [M, F]
  ops::Activation activation = ops::Activation::silu;

  struct Config {
    int64_t hidden_size = 0;
    int64_t intermediate_size = 0;
    ops::Activation activation = ops::Activation::silu;
    Bias bias = Bias::absent;
  };
  static GatedMlp load(Weights& weights, const std::string& name, const Config& config) {
    const int64_t m = config.hidden_size;
    const int64_t f = config.intermediate_size;
    return {Linear::load(weights, name + ".gate_proj", f, m, config.bias),
            Linear::load(weights, name + ".up_proj", f, m, config.bias),
            Linear::load(weights, name + ".down_proj", m, f, config.bias), config.activation};
  }

  /// Of x, where it enters: whoever computes x may round it.
  [[nodiscard]] ops::Rounding rounding() const { return gate_proj.rounding; }

  /// With the adapters of x's rows.
  [[nodiscard]] Array operator()(const Array& x, const std::vector<AdapterRows>& adapters) const {
    if (gate_proj.bias.defined() || up_proj.bias.defined() ||
        is_adapted(gate_proj.module, adapters) || is_adapted(up_proj.module, adapters)) {
      Array y = ops::gated_activation(gate_proj(x, adapters), up_proj(x, adapters), activation);
      // As gated_linear leaves it: what an adapter of down_proj reads may not depend on whether
      // another row's adapter has a part for the gate.
      if (down_proj.rounding == ops::Rounding::bf16) y = ops::astype(y, DType::bf16);
      return down_proj(y, adapters);
    }
    return down_proj(
        ops::gated_linear(x, gate_proj.weight, up_proj.weight, activation, gate_proj.rounding),
        adapters);
  }
};

}  // namespace linnet::nn
