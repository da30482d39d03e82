// RmsNorm: root-mean-square normalisation with a learned scale.
#pragma once

#include "nn/weights.hpp"
#include "ops/norm.hpp"

namespace linnet::nn {

/// y = x / sqrt(mean(x^2) + eps) * weight over the last axis.
struct RmsNorm {
  Array weight;  // [size] f32
  float eps = 0;

  /// Reads "<name>.weight"; `offset` is added to it once (1 for Gemma).
  static RmsNorm load(Weights& weights, const std::string& name, int64_t size, double eps,
                      float offset = 0.0F) {
    return {weights.vector(name + ".weight", size, offset), static_cast<float>(eps)};
  }

  [[nodiscard]] Array operator()(const Array& x) const { return ops::rms_norm(x, weight, eps); }
  /// This norm as a part of another op.
  [[nodiscard]] ops::RmsTerm term() const { return {weight, eps}; }
};

}  // namespace linnet::nn
