// From config.json's model_type to a model.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "models/model.hpp"

namespace linnet::models {

/// Reads a model of `model_type` from `weights`; `config` is the text model's part of config.json.
using Loader = std::unique_ptr<Model> (*)(const Json& config, nn::Weights& weights);

struct Family {
  std::string_view model_type;
  std::string_view architecture;  ///< the class name in transformers
  Loader load;
};

/// All model types that linnet reads.
std::span<const Family> families();

/// The text part of config.json: the object itself, or its text_config.
Json text_config(const Json& config);

/// The family of a checkpoint. Errors: unsupported naming its model_type and those that linnet
/// reads.
const Family& family_of(const io::Checkpoint& checkpoint);

struct LoadedModel {
  std::unique_ptr<Model> model;
  int64_t weight_bytes = 0;            ///< as they lie in memory
  int64_t stored_bytes = 0;            ///< of the tensors read, in the files
  int64_t elements = 0;                ///< of the tensors read; a quantised weight is one
  DType main_dtype = DType::bf16;      ///< of most of those elements, or their scales, in the files
  std::vector<nn::TensorUse> tensors;  ///< in the order of reading
};

/// Reads a checkpoint's config and weights; with options.plan_only the model has no weights and
/// must not be run. Every tensor must be there, of the right shape, and none may be left over.
/// Errors: malformed_file, not_found, unsupported, out_of_memory.
LoadedModel load(const io::Checkpoint& checkpoint, const DevicePtr& device,
                 const nn::Weights::Options& options);

}  // namespace linnet::models
