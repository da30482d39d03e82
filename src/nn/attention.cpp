#include "nn/attention.hpp"

#include "ops/attention.hpp"
#include "ops/view.hpp"

namespace linnet::nn {

Attention Attention::load(Weights& weights, const std::string& name,
                          const AttentionConfig& config) {
  const int64_t m = config.hidden_size;
  const int64_t q = config.num_attention_heads * config.head_dim;
  const int64_t kv = config.num_key_value_heads * config.head_dim;
  Attention result;
  result.config_ = config;
  result.q_proj_ = Linear::load(weights, name + ".q_proj", q, m, config.qkv_bias);
  result.k_proj_ = Linear::load(weights, name + ".k_proj", kv, m, config.qkv_bias);
  result.v_proj_ = Linear::load(weights, name + ".v_proj", kv, m, config.qkv_bias);
  result.o_proj_ = Linear::load(weights, name + ".o_proj", m, q, config.output_bias);
  result.layout_ = {.dtype = weights.compute() == Compute::bf16 ? DType::bf16 : DType::f32,
                    .kv_heads = config.num_key_value_heads,
                    .head_dim = config.head_dim};
  return result;
}

Array Attention::operator()(const Array& x, const Forward& forward) const {
  const AttentionConfig& c = config_;
  const int64_t tokens = x.dim(0);
  const auto heads = [&](const Array& a, int64_t count) {
    return ops::reshape(a, {tokens, count, c.head_dim});
  };
  const ops::LinearTerm projections[] = {{q_proj_.weight, q_proj_.bias},
                                         {k_proj_.weight, k_proj_.bias},
                                         {v_proj_.weight, v_proj_.bias}};
  std::vector<Array> qkv = ops::linear(x, projections, q_proj_.rounding);
  if (!forward.adapters.empty()) {
    const int modules[] = {q_proj_.module, k_proj_.module, v_proj_.module};
    for (size_t i = 0; i < qkv.size(); ++i)
      qkv[i] = adapt(x, std::move(qkv[i]), modules[i], forward.adapters);
  }
  const Array q = heads(qkv[0], c.num_attention_heads);  // [T, H, D]
  const Array k = heads(qkv[1], c.num_key_value_heads);  // [T, K, D]
  const Array v = heads(qkv[2], c.num_key_value_heads);  // [T, K, D]
  const ops::AttentionOptions options{.scale = c.scale,
                                      .window = c.window,
                                      .rounding = q_proj_.rounding,
                                      .q_norm = q_norm ? q_norm->term() : ops::RmsTerm(),
                                      .k_norm = k_norm ? k_norm->term() : ops::RmsTerm(),
                                      .rope = &forward.rope[c.rope]};
  const nn::Batch& batch = forward.batch;
  const Array y =
      batch.sequences.empty()
          ? ops::attention(q, k, v, batch.lengths, options)
          : ops::cached_attention(q, k, v, layout_, c.layer_in_group * layout_.block_bytes(),
                                  batch.sequences[c.cache_group], options);
  return o_proj_(ops::reshape(y, {tokens, c.num_attention_heads * c.head_dim}), forward.adapters);
}

}  // namespace linnet::nn
