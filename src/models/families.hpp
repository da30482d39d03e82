// The loaders of each family's file, for the registry.
#pragma once

#include "models/model.hpp"

namespace linnet::models {

std::unique_ptr<Model> load_gemma3(const Json& config, nn::Weights& weights);
std::unique_ptr<Model> load_llama(const Json& config, nn::Weights& weights);
std::unique_ptr<Model> load_qwen2(const Json& config, nn::Weights& weights);
std::unique_ptr<Model> load_qwen3(const Json& config, nn::Weights& weights);

}  // namespace linnet::models
