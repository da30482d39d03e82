#include "models/config.hpp"

#include "base/error.hpp"
#include "kernels/attention.hpp"

namespace linnet::models {
namespace {

/// A count that sizes something: within 1..limit, so that no product of two of them can overflow.
int64_t read_count(const Json& config, std::string_view key, int64_t fallback, int64_t limit) {
  const auto entry = config.find(key);
  if (!entry && fallback == 0)
    fail(ErrorCode::malformed_file, "{} has no entry \"{}\"", config.where(), key);
  const int64_t value = entry ? entry->as_integer() : fallback;
  if (value < 1 || value > limit)
    fail(ErrorCode::malformed_file, "{}: {} is {}, expected 1..{}", config.where(), key, value,
         limit);
  return value;
}

ops::Activation parse_activation(const Json& config, std::string_view key, std::string_view name) {
  if (name == "silu" || name == "swish") return ops::Activation::silu;
  if (name == "gelu_pytorch_tanh") return ops::Activation::gelu_tanh;
  if (name == "gelu") return ops::Activation::gelu;
  fail(ErrorCode::unsupported, "{}: {} \"{}\" is not implemented", config.where(), key, name);
}

}  // namespace

void reject_if_on(const Json& config, std::string_view key) {
  const auto entry = config.find(key);
  if (!entry || (entry->is_bool() && !entry->as_bool())) return;
  fail(ErrorCode::unsupported, "{}: {} is set, which linnet does not implement for this model type",
       config.where(), key);
}

DecoderConfig read_decoder_config(const Json& config, const FamilyDefaults& defaults) {
  DecoderConfig c;
  c.vocab_size = read_count(config, "vocab_size", defaults.vocab_size, int64_t{1} << 24);
  c.hidden_size = read_count(config, "hidden_size", 0, int64_t{1} << 20);
  c.intermediate_size = read_count(config, "intermediate_size", 0, int64_t{1} << 22);
  c.num_hidden_layers = read_count(config, "num_hidden_layers", 0, 4096);
  c.num_attention_heads =
      read_count(config, "num_attention_heads", defaults.num_attention_heads, 4096);
  const int64_t kv_heads =
      defaults.num_key_value_heads > 0 ? defaults.num_key_value_heads : c.num_attention_heads;
  c.num_key_value_heads = read_count(config, "num_key_value_heads", kv_heads, 4096);
  if (c.num_attention_heads % c.num_key_value_heads != 0)
    fail(ErrorCode::malformed_file,
         "{}: num_attention_heads {} is not a multiple of num_key_value_heads {}", config.where(),
         c.num_attention_heads, c.num_key_value_heads);
  int64_t head_dim = defaults.head_dim;
  if (head_dim == 0 && !config.find("head_dim")) {
    if (c.hidden_size % c.num_attention_heads != 0)
      fail(ErrorCode::malformed_file,
           "{}: no head_dim, and hidden_size {} is not a multiple of num_attention_heads {}",
           config.where(), c.hidden_size, c.num_attention_heads);
    head_dim = c.hidden_size / c.num_attention_heads;
  }
  c.head_dim = read_count(config, "head_dim", head_dim, kernels::kMaxHeadDim);
  if (c.head_dim % 2 != 0)
    fail(ErrorCode::malformed_file, "{}: head_dim {} is odd", config.where(), c.head_dim);
  c.max_position_embeddings = read_count(config, "max_position_embeddings",
                                         defaults.max_position_embeddings, kMaxPositions);
  c.rms_norm_eps = config.get("rms_norm_eps", defaults.rms_norm_eps);
  if (!(c.rms_norm_eps >= 0 && c.rms_norm_eps < 1))
    fail(ErrorCode::malformed_file, "{}: rms_norm_eps is {}", config.where(), c.rms_norm_eps);
  c.tie_word_embeddings = config.get("tie_word_embeddings", defaults.tie_word_embeddings);
  c.activation = parse_activation(
      config, defaults.activation_key,
      config.get(defaults.activation_key, std::string(defaults.activation).c_str()));
  return c;
}

ops::RopeParameters read_rope_entry(const Json& config, const Json& entry, double default_theta) {
  ops::RopeParameters p;
  p.theta = entry.get("rope_theta", config.get("rope_theta", default_theta));
  const std::string type = entry.get("rope_type", entry.get("type", "default").c_str());
  if (entry.get("partial_rotary_factor", config.get("partial_rotary_factor", 1.0)) != 1.0)
    fail(ErrorCode::unsupported, "{}: partial_rotary_factor is not implemented", entry.where());
  if (type == "default") return p;
  const auto original = entry.find("original_max_position_embeddings");
  const auto maximum = config.find("max_position_embeddings");
  p.original_max_positions = original ? original->as_number() : maximum ? maximum->as_number() : 0;
  if (type == "linear") {
    p.type = ops::RopeType::linear;
    p.factor = entry.at("factor").as_number();
  } else if (type == "llama3") {
    p.type = ops::RopeType::llama3;
    p.factor = entry.at("factor").as_number();
    p.low_freq_factor = entry.at("low_freq_factor").as_number();
    p.high_freq_factor = entry.at("high_freq_factor").as_number();
    p.original_max_positions = entry.at("original_max_position_embeddings").as_number();
  } else if (type == "yarn") {
    p.type = ops::RopeType::yarn;
    // Without a factor it is what the context grew by.
    const auto factor = entry.find("factor");
    p.factor = factor    ? factor->as_number()
               : maximum ? maximum->as_number() / p.original_max_positions
                         : 1;
    p.beta_fast = entry.get("beta_fast", p.beta_fast);
    p.beta_slow = entry.get("beta_slow", p.beta_slow);
    if (const auto factor_entry = entry.find("attention_factor"))
      p.attention_factor = factor_entry->as_number();
    p.mscale = entry.get("mscale", 0.0);
    p.mscale_all_dim = entry.get("mscale_all_dim", 0.0);
    p.truncate = entry.get("truncate", true);
  } else {
    fail(ErrorCode::unsupported, "{}: rope type \"{}\" is not implemented", entry.where(), type);
  }
  return p;
}

ops::RopeParameters read_rope(const Json& config, double default_theta) {
  if (const auto entry = config.find("rope_parameters"))
    return read_rope_entry(config, *entry, default_theta);
  if (const auto entry = config.find("rope_scaling"))
    return read_rope_entry(config, *entry, default_theta);
  return {.theta = config.get("rope_theta", default_theta)};
}

ops::RopeFrequencies frequencies(const Json& config, const ops::RopeParameters& rope,
                                 int64_t head_dim) {
  try {
    return ops::rope_frequencies(rope, head_dim);
  } catch (const Error& error) {
    fail(ErrorCode::malformed_file, "{}: {}", config.where(), error.what());
  }
}

std::optional<std::vector<int64_t>> read_layer_windows(const Json& config, int64_t layers) {
  const auto types = config.find("layer_types");
  if (!types) return std::nullopt;
  std::vector<int64_t> result;
  for (const Json& type : types->elements()) {
    if (type.as_string() == "full_attention") {
      result.push_back(0);
    } else if (type.as_string() == "sliding_attention") {
      result.push_back(read_count(config, "sliding_window", 0, kMaxPositions));
    } else {
      fail(ErrorCode::unsupported, "{} \"{}\" is not implemented", type.where(), type.as_string());
    }
  }
  if (static_cast<int64_t>(result.size()) != layers)
    fail(ErrorCode::malformed_file, "{} has {} entries for {} layers", types->where(),
         result.size(), layers);
  return result;
}

std::vector<int64_t> read_qwen_windows(const Json& config, int64_t layers) {
  if (auto windows = read_layer_windows(config, layers)) return *std::move(windows);
  std::vector<int64_t> result(static_cast<size_t>(layers), 0);
  if (!config.get("use_sliding_window", false)) return result;
  const int64_t window = read_count(config, "sliding_window", 0, kMaxPositions);
  for (int64_t i = config.get("max_window_layers", int64_t{28}); i < layers; ++i)
    if (i >= 0) result[static_cast<size_t>(i)] = window;
  return result;
}

}  // namespace linnet::models
