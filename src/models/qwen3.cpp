// Qwen 3: pre-norm blocks, norms of each head's queries and keys, SiLU gated MLP.
#include "models/families.hpp"
#include "nn/attention.hpp"
#include "nn/mlp.hpp"
#include "ops/elementwise.hpp"

namespace linnet::models {
namespace {

struct Block {
  nn::RmsNorm input_layernorm;
  nn::Attention self_attn;
  nn::RmsNorm post_attention_layernorm;
  nn::GatedMlp mlp;

  [[nodiscard]] Array operator()(const Array& x, const nn::Forward& forward) const {  // [T, M]
    const Array attended = self_attn(input_layernorm(x), forward);
    const auto [h, y] = ops::residual_norm(forward.kept(x), forward.kept(attended), {},
                                           post_attention_layernorm.term(), mlp.rounding());
    return ops::add(h, mlp(y, forward.kept_adapters()));
  }
};

DecoderConfig read_config(const Json& config) {
  DecoderConfig c =
      read_decoder_config(config, {.head_dim = 128, .max_position_embeddings = 32768});
  c.rope = {frequencies(config, read_rope(config, 10000), c.head_dim)};
  for (const int64_t window : read_qwen_windows(config, c.num_hidden_layers))
    c.layers.push_back({.window = window});
  return c;
}

class Qwen3 final : public Model {
 public:
  Qwen3(const Json& json, nn::Weights& weights) : Model(read_config(json), weights, {}) {
    const DecoderConfig& c = config();
    const std::string& model = weights.prefix();
    const auto attention_bias =
        json.get("attention_bias", false) ? nn::Bias::present : nn::Bias::absent;
    for (size_t i = 0; i < c.layers.size(); ++i) {
      const std::string layer = fmt::format("{}layers.{}", model, i);
      nn::AttentionConfig attention = attention_config(i);
      attention.qkv_bias = attention.output_bias = attention_bias;
      const auto norm = [&](const char* name) {
        return nn::RmsNorm::load(weights, layer + name, c.hidden_size, c.rms_norm_eps);
      };
      nn::Attention self_attn = nn::Attention::load(weights, layer + ".self_attn", attention);
      self_attn.q_norm =
          nn::RmsNorm::load(weights, layer + ".self_attn.q_norm", c.head_dim, c.rms_norm_eps);
      self_attn.k_norm =
          nn::RmsNorm::load(weights, layer + ".self_attn.k_norm", c.head_dim, c.rms_norm_eps);
      layers_.push_back(
          {.input_layernorm = norm(".input_layernorm"),
           .self_attn = std::move(self_attn),
           .post_attention_layernorm = norm(".post_attention_layernorm"),
           .mlp = nn::GatedMlp::load(weights, layer + ".mlp",
                                     {c.hidden_size, c.intermediate_size, c.activation})});
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

std::unique_ptr<Model> load_qwen3(const Json& config, nn::Weights& weights) {
  return std::make_unique<Qwen3>(config, weights);
}

}  // namespace linnet::models
