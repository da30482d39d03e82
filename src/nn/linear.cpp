#include "nn/linear.hpp"

namespace linnet::nn {

Linear Linear::load(Weights& weights, const std::string& name, int64_t outputs, int64_t inputs,
                    Bias has_bias) {
  Linear result;
  result.module = weights.add_module(name, outputs, inputs);
  result.weight = weights.matrix(name + ".weight", outputs, inputs);
  if (has_bias == Bias::present) result.bias = weights.vector(name + ".bias", outputs);
  result.rounding = rounding_of(weights.compute());
  return result;
}

}  // namespace linnet::nn
