// Gemma 3, text: norms on both sides of attention and MLP (scaled by 1 + weight), norms of queries
// and keys, five sliding layers to each full one with a rope of their own, GELU gated MLP, scaled
// and tied embeddings.
#include <cmath>

#include "base/half.hpp"
#include "models/families.hpp"
#include "nn/attention.hpp"
#include "nn/mlp.hpp"

namespace linnet::models {
namespace {

struct Block {
  nn::RmsNorm input_layernorm;
  nn::Attention self_attn;
  nn::RmsNorm post_attention_layernorm;
  nn::RmsNorm pre_feedforward_layernorm;
  nn::GatedMlp mlp;
  nn::RmsNorm post_feedforward_layernorm;

  [[nodiscard]] Array operator()(const Array& x, const nn::Forward& forward) const {  // [T, M]
    const Array attended = self_attn(input_layernorm(x), forward);
    const auto [h, y] =
        ops::residual_norm(forward.kept(x), forward.kept(attended), post_attention_layernorm.term(),
                           pre_feedforward_layernorm.term(), mlp.rounding());
    return ops::residual_norm(h, mlp(y, forward.kept_adapters()), post_feedforward_layernorm.term(),
                              {})
        .sum;
  }
};

constexpr size_t kFullRope = 0;
constexpr size_t kSlidingRope = 1;

/// rope_parameters with an entry for each kind of layer, or rope_theta with rope_scaling for full
/// layers and rope_local_base_freq for sliding ones.
std::vector<ops::RopeFrequencies> read_ropes(const Json& config, int64_t head_dim) {
  ops::RopeParameters full;
  ops::RopeParameters sliding;
  if (const auto parameters = config.find("rope_parameters")) {
    full = read_rope_entry(config, parameters->at("full_attention"), 1000000);
    sliding = read_rope_entry(config, parameters->at("sliding_attention"), 10000);
  } else {
    full = read_rope(config, 1000000);
    sliding.theta = config.get("rope_local_base_freq", 10000.0);
  }
  return {frequencies(config, full, head_dim), frequencies(config, sliding, head_dim)};
}

/// layer_types, or every sliding_window_pattern-th layer full.
std::vector<int64_t> read_windows(const Json& config, int64_t layers) {
  if (auto windows = read_layer_windows(config, layers)) return *std::move(windows);
  const int64_t window = config.get("sliding_window", int64_t{4096});
  const int64_t pattern =
      config.get("sliding_window_pattern", config.get("_sliding_window_pattern", int64_t{6}));
  if (window < 1 || window > kMaxPositions || pattern < 1)
    fail(ErrorCode::malformed_file, "{}: sliding_window {} with pattern {}", config.where(), window,
         pattern);
  std::vector<int64_t> result;
  for (int64_t i = 0; i < layers; ++i) result.push_back((i + 1) % pattern == 0 ? 0 : window);
  return result;
}

DecoderConfig read_config(const Json& config) {
  DecoderConfig c = read_decoder_config(config, {.vocab_size = 262208,
                                                 .num_attention_heads = 8,
                                                 .num_key_value_heads = 4,
                                                 .head_dim = 256,
                                                 .max_position_embeddings = 131072,
                                                 .tie_word_embeddings = true,
                                                 .activation_key = "hidden_activation",
                                                 .activation = "gelu_pytorch_tanh"});
  for (const char* key :
       {"attn_logit_softcapping", "final_logit_softcapping", "use_bidirectional_attention"})
    reject_if_on(config, key);
  c.rope = read_ropes(config, c.head_dim);
  for (const int64_t window : read_windows(config, c.num_hidden_layers))
    c.layers.push_back({.window = window, .rope = window == 0 ? kFullRope : kSlidingRope});
  return c;
}

/// sqrt(hidden_size), rounded to the compute type as Hugging Face does: 34 for 1152 in bf16.
float embedding_scale(const Json& config, Compute compute) {
  const double width = config.at("hidden_size").as_number();
  const auto scale = static_cast<float>(std::sqrt(width));
  return compute == Compute::bf16 ? to_float(to_bf16(scale)) : scale;
}

class Gemma3 final : public Model {
 public:
  Gemma3(const Json& json, nn::Weights& weights)
      : Model(read_config(json), weights,
              {.embedding_scale = embedding_scale(json, weights.compute()), .norm_offset = 1}) {
    const DecoderConfig& c = config();
    const std::string& model = weights.prefix();
    const auto bias = json.get("attention_bias", false) ? nn::Bias::present : nn::Bias::absent;
    const double scalar = json.get("query_pre_attn_scalar", 256.0);
    if (!(scalar > 0))
      fail(ErrorCode::malformed_file, "{}: query_pre_attn_scalar is {}", json.where(), scalar);
    const auto norm = [&](const std::string& name, int64_t size) {
      return nn::RmsNorm::load(weights, name, size, c.rms_norm_eps, 1.0F);
    };
    for (size_t i = 0; i < c.layers.size(); ++i) {
      const std::string layer = fmt::format("{}layers.{}", model, i);
      nn::AttentionConfig attention = attention_config(i);
      attention.scale = static_cast<float>(1.0 / std::sqrt(scalar));
      attention.qkv_bias = attention.output_bias = bias;
      nn::Attention self_attn = nn::Attention::load(weights, layer + ".self_attn", attention);
      self_attn.q_norm = norm(layer + ".self_attn.q_norm", c.head_dim);
      self_attn.k_norm = norm(layer + ".self_attn.k_norm", c.head_dim);
      layers_.push_back(
          {.input_layernorm = norm(layer + ".input_layernorm", c.hidden_size),
           .self_attn = std::move(self_attn),
           .post_attention_layernorm = norm(layer + ".post_attention_layernorm", c.hidden_size),
           .pre_feedforward_layernorm = norm(layer + ".pre_feedforward_layernorm", c.hidden_size),
           .mlp = nn::GatedMlp::load(weights, layer + ".mlp",
                                     {c.hidden_size, c.intermediate_size, c.activation}),
           .post_feedforward_layernorm =
               norm(layer + ".post_feedforward_layernorm", c.hidden_size)});
    }
  }

 private:
  [[nodiscard]] Array layer(size_t index, const Array& x,
                            const nn::Forward& forward) const override {
    return layers_[index](x, forward);
  }

  std::vector<Block> layers_;
};

}  // namespace

std::unique_ptr<Model> load_gemma3(const Json& config, nn::Weights& weights) {
  return std::make_unique<Gemma3>(config, weights);
}

}  // namespace linnet::models
