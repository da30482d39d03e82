// Reading config.json: the fields that all decoders share, in the old form (rope_theta,
// rope_scaling, sliding_window_pattern) and the new (rope_parameters, layer_types), with every
// value checked before it sizes anything. What linnet does not implement is an error that names the
// field.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "io/checkpoint.hpp"
#include "ops/activation.hpp"
#include "ops/rope.hpp"

namespace linnet::models {

/// The longest context or window that a config.json may name.
inline constexpr int64_t kMaxPositions = int64_t{1} << 22;

/// How one layer attends.
struct LayerAttention {
  int64_t window = 0;  ///< 0: full attention
  size_t rope = 0;     ///< index into DecoderConfig::rope
};

/// Names as in config.json.
struct DecoderConfig {
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t num_hidden_layers = 0;
  int64_t num_attention_heads = 0;
  int64_t num_key_value_heads = 0;
  int64_t head_dim = 0;
  int64_t max_position_embeddings = 0;
  double rms_norm_eps = 0;
  bool tie_word_embeddings = false;
  ops::Activation activation = ops::Activation::silu;
  std::vector<ops::RopeFrequencies> rope;  ///< one per kind of layer
  std::vector<LayerAttention> layers;      ///< [num_hidden_layers]
};

/// What a family assumes where config.json is silent (the defaults of its class in transformers); 0
/// means that the field must be there.
struct FamilyDefaults {
  int64_t vocab_size = 0;
  int64_t num_attention_heads = 0;
  int64_t num_key_value_heads = 0;  ///< 0: num_attention_heads
  int64_t head_dim = 0;             ///< 0: hidden_size / num_attention_heads
  int64_t max_position_embeddings = 0;
  double rms_norm_eps = 1e-6;
  bool tie_word_embeddings = false;
  std::string_view activation_key = "hidden_act";
  std::string_view activation = "silu";
};

/// The shared fields but rope and layers, checked. Errors: malformed_file, unsupported.
DecoderConfig read_decoder_config(const Json& config, const FamilyDefaults& defaults);

/// Rope of a model with one kind of layer: rope_parameters, or rope_theta with rope_scaling.
ops::RopeParameters read_rope(const Json& config, double default_theta);
/// One member of rope_parameters or rope_scaling (`entry`), completed from `config`.
ops::RopeParameters read_rope_entry(const Json& config, const Json& entry, double default_theta);

/// The frequencies of a rope that `config` describes. Errors: malformed_file for values out of
/// range.
ops::RopeFrequencies frequencies(const Json& config, const ops::RopeParameters& rope,
                                 int64_t head_dim);

/// layer_types as windows (0 for full_attention, sliding_window for sliding_attention); nothing if
/// the config has none. Errors: malformed_file for a wrong count, unsupported for another type.
std::optional<std::vector<int64_t>> read_layer_windows(const Json& config, int64_t layers);

/// Windows of a Qwen model: layer_types, or use_sliding_window from layer max_window_layers on.
std::vector<int64_t> read_qwen_windows(const Json& config, int64_t layers);

/// Errors: unsupported naming the field if it is there and not one of the values that mean "off".
void reject_if_on(const Json& config, std::string_view key);

}  // namespace linnet::models
