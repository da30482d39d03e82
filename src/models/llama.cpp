// Llama 3 (and other checkpoints of model_type "llama"): pre-norm blocks, grouped-query attention,
// SiLU gated MLP.
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
  DecoderConfig c = read_decoder_config(config, {.max_position_embeddings = 2048});
  reject_if_on(config, "sliding_window");
  c.rope = {frequencies(config, read_rope(config, 10000), c.head_dim)};
  c.layers.resize(static_cast<size_t>(c.num_hidden_layers));
  return c;
}

class Llama final : public Model {
 public:
  Llama(const Json& json, nn::Weights& weights) : Model(read_config(json), weights, {}) {
    const DecoderConfig& c = config();
    const std::string& model = weights.prefix();
    const auto attention_bias =
        json.get("attention_bias", false) ? nn::Bias::present : nn::Bias::absent;
    const auto mlp_bias = json.get("mlp_bias", false) ? nn::Bias::present : nn::Bias::absent;
    for (size_t i = 0; i < c.layers.size(); ++i) {
      const std::string layer = fmt::format("{}layers.{}", model, i);
      nn::AttentionConfig attention = attention_config(i);
      attention.qkv_bias = attention.output_bias = attention_bias;
      const auto norm = [&](const char* name) {
        return nn::RmsNorm::load(weights, layer + name, c.hidden_size, c.rms_norm_eps);
      };
      layers_.push_back({.input_layernorm = norm(".input_layernorm"),
                         .self_attn = nn::Attention::load(weights, layer + ".self_attn", attention),
                         .post_attention_layernorm = norm(".post_attention_layernorm"),
                         .mlp = nn::GatedMlp::load(
                             weights, layer + ".mlp",
                             {c.hidden_size, c.intermediate_size, c.activation, mlp_bias})});
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

std::unique_ptr<Model> load_llama(const Json& config, nn::Weights& weights) {
  return std::make_unique<Llama>(config, weights);
}

}  // namespace linnet::models
