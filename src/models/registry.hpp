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
/// The same of a config.json; `name` stands for it in messages.
const Family& family_of(const Json& config, std::string_view name);

struct LoadedModel {
  std::unique_ptr<Model> model;
  int64_t weight_bytes = 0;            ///< as they lie in memory
  int64_t stored_bytes = 0;            ///< of the tensors read, in the files
  int64_t elements = 0;                ///< of the tensors read; a quantised weight is one
  DType main_dtype = DType::bf16;      ///< of most of those elements, or their scales, in the files
  std::vector<nn::TensorUse> tensors;  ///< in the order of reading
  std::vector<nn::Module> modules;     ///< that adapters can have a part for, by number
};

/// A model made of arrays that training owns: `config` is a whole config.json, `source` is asked
/// for each tensor under its name in a plain checkpoint. Cheap beside a step of training, so each
/// step makes one. Errors: malformed_file and unsupported as load(); those of `source`.
std::unique_ptr<Model> assemble(const Json& config, const nn::ParameterSource& source,
                                const DevicePtr& device, Compute compute);

/// Reads a checkpoint's config and weights; with options.plan_only the model has no weights and
/// must not be run. Every tensor must be there, of the right shape, and none may be left over.
/// Errors: malformed_file, not_found, unsupported, out_of_memory.
LoadedModel load(const io::Checkpoint& checkpoint, const DevicePtr& device,
                 const nn::StoredWeights::Options& options);

}  // namespace linnet::models
