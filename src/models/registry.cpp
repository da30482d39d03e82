#include "models/registry.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/error.hpp"
#include "models/families.hpp"

namespace linnet::models {
namespace {

constexpr std::array kFamilies{
    Family{"gemma3_text", "Gemma3ForCausalLM", load_gemma3},
    Family{"gemma3", "Gemma3ForConditionalGeneration", load_gemma3},
    Family{"qwen3", "Qwen3ForCausalLM", load_qwen3},
    Family{"qwen2", "Qwen2ForCausalLM", load_qwen2},
    Family{"llama", "LlamaForCausalLM", load_llama},
};

struct Places {
  std::string_view prefix;  // of the text model's tensors
  std::string_view head;
};

// A plain checkpoint, and a multimodal one as transformers wrote it before and after 4.52.
constexpr std::array kPlaces{
    Places{"model.", "lm_head"},
    Places{"language_model.model.", "language_model.lm_head"},
    Places{"model.language_model.", "lm_head"},
};

const Places& places_of(const io::Checkpoint& checkpoint) {
  for (const Places& places : kPlaces)
    if (checkpoint.find(std::string(places.prefix) + "embed_tokens.weight")) return places;
  fail(ErrorCode::not_found, "{} has no tensor model.embed_tokens.weight", checkpoint.name());
}

}  // namespace

std::span<const Family> families() { return kFamilies; }

Json text_config(const Json& config) { return config.find("text_config").value_or(config); }

const Family& family_of(const io::Checkpoint& checkpoint) {
  return family_of(checkpoint.config(), checkpoint.name());
}

const Family& family_of(const Json& config, std::string_view name) {
  const Json type = config.at("model_type");
  const auto found = std::ranges::find(kFamilies, type.as_string(), &Family::model_type);
  if (found == kFamilies.end()) {
    std::vector<std::string_view> known;
    known.reserve(kFamilies.size());
    for (const Family& family : kFamilies) known.push_back(family.model_type);
    fail(ErrorCode::unsupported, "{}: model_type \"{}\" is not one of {}", name, type.as_string(),
         fmt::join(known, ", "));
  }
  return *found;
}

std::unique_ptr<Model> assemble(const Json& config, const nn::ParameterSource& source,
                                const DevicePtr& device, Compute compute) {
  nn::ParameterWeights weights(source, device, compute);
  weights.set_places(std::string(kPlaces[0].prefix), std::string(kPlaces[0].head));
  return family_of(config, config.where()).load(text_config(config), weights);
}

LoadedModel load(const io::Checkpoint& checkpoint, const DevicePtr& device,
                 const nn::StoredWeights::Options& options) {
  const Family& family = family_of(checkpoint);
  nn::StoredWeights weights(checkpoint, device, options);
  const Places& places = places_of(checkpoint);
  weights.set_places(std::string(places.prefix), std::string(places.head));
  // Parts of multimodal checkpoints that text does not need, and a buffer of old Llama files.
  for (const char* tower : {"vision_tower.", "multi_modal_projector.", "model.vision_tower.",
                            "model.multi_modal_projector."})
    weights.ignore_prefix(tower);
  weights.ignore_infix(".rotary_emb.inv_freq");
  LoadedModel result;
  result.model = family.load(text_config(checkpoint.config()), weights);
  weights.finish();
  result.weight_bytes = weights.packed_bytes();
  result.stored_bytes = weights.stored_bytes();
  result.elements = weights.elements();
  result.main_dtype = weights.main_dtype();
  result.modules = weights.modules();
  result.tensors.assign(weights.uses().begin(), weights.uses().end());
  return result;
}

}  // namespace linnet::models
