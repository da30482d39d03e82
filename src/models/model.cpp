#include "models/model.hpp"

#include <algorithm>
#include <cmath>

#include "ops/autograd.hpp"
#include "ops/indexing.hpp"

namespace linnet::models {

Model::Model(DecoderConfig config, nn::Weights& weights, const Options& options)
    : config_(std::move(config)), device_(weights.device()) {
  const DecoderConfig& c = config_;
  const kernels::KvLayout layout{
      .dtype = weights.compute() == Compute::bf16 ? DType::bf16 : DType::f32,
      .kv_heads = c.num_key_value_heads,
      .head_dim = c.head_dim};
  for (const LayerAttention& attention : config_.layers) {
    auto group = std::ranges::find(cache_groups_, attention.window, &nn::CacheGroup::window);
    if (group == cache_groups_.end())
      group = cache_groups_.insert(group, {.window = attention.window, .layout = layout});
    ++group->layers;
  }
  const std::string embed_tokens = weights.prefix() + "embed_tokens";
  embed_tokens_ = nn::Embedding::load(weights, embed_tokens, c.vocab_size, c.hidden_size,
                                      options.embedding_scale);
  norm_ = nn::RmsNorm::load(weights, weights.prefix() + "norm", c.hidden_size, c.rms_norm_eps,
                            options.norm_offset);
  if (c.tie_word_embeddings)
    weights.accept_tied_head(embed_tokens + ".weight");
  else
    lm_head_ = nn::Linear::load(weights, weights.head(), c.vocab_size, c.hidden_size);
}

Array Model::head(const Array& states) const {
  return lm_head_ ? (*lm_head_)(states, {}) : embed_tokens_.as_head(states);
}

const ops::PackedMatrix& Model::head_weights() const {
  return lm_head_ ? lm_head_->weight : embed_tokens_.table;
}

nn::AttentionConfig Model::attention_config(size_t layer) const {
  const LayerAttention& attention = config_.layers[layer];
  const auto group = std::ranges::find(cache_groups_, attention.window, &nn::CacheGroup::window);
  const auto before =
      std::count_if(config_.layers.begin(), config_.layers.begin() + static_cast<int64_t>(layer),
                    [&](const LayerAttention& other) { return other.window == attention.window; });
  return {.hidden_size = config_.hidden_size,
          .num_attention_heads = config_.num_attention_heads,
          .num_key_value_heads = config_.num_key_value_heads,
          .head_dim = config_.head_dim,
          .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(config_.head_dim))),
          .window = attention.window,
          .rope = attention.rope,
          .cache_group = static_cast<size_t>(group - cache_groups_.begin()),
          .layer_in_group = before};
}

Array Model::forward(const nn::Batch& batch) const { return head(states(batch)); }

Array Model::rows_of(const nn::Batch& batch) const {
  return Array::from(batch.logit_rows, {static_cast<int64_t>(batch.logit_rows.size())}, device_);
}

void Model::keep_wanted_rows(const nn::Batch& batch, nn::Forward& forward) const {
  forward.wanted = rows_of(batch);
  const std::vector<int32_t>& rows = batch.logit_rows;
  for (const nn::AdapterRows& adapted : forward.adapters) {
    const auto begin = std::ranges::lower_bound(rows, adapted.first_row);
    const auto end = std::ranges::lower_bound(rows, adapted.first_row + adapted.rows);
    if (begin != end)
      forward.wanted_adapters.push_back(
          {.first_row = begin - rows.begin(), .rows = end - begin, .adapter = adapted.adapter});
  }
}

Array Model::states(const nn::Batch& batch) const {
  nn::Forward forward{.batch = batch, .rope = {}, .adapters = batch.adapters};
  for (const ops::RopeFrequencies& frequencies : config_.rope)
    forward.rope.push_back(ops::rope_table(frequencies, batch.positions, device_));
  Array x = embed_tokens_(batch.ids);
  for (size_t i = 0; i < config_.layers.size(); ++i) {
    if (batch.hidden_states != nullptr) batch.hidden_states->push_back(x);
    // hidden_states has the last layer's rows too, all of them.
    if (i + 1 == config_.layers.size() && batch.hidden_states == nullptr &&
        static_cast<int64_t>(batch.logit_rows.size()) != x.dim(0))
      keep_wanted_rows(batch, forward);
    if (batch.recompute_layers)
      x = ops::checkpoint(
          [this, i, forward](const ops::Arrays& in) {
            return ops::Arrays{layer(i, in[0], forward)};
          },
          {x})[0];
    else
      x = layer(i, x, forward);
    if (batch.between_layers && i + 1 < config_.layers.size()) batch.between_layers();
  }
  if (batch.hidden_states != nullptr) batch.hidden_states->push_back(norm_(x));
  if (static_cast<int64_t>(batch.logit_rows.size()) != x.dim(0))
    x = ops::take(x, rows_of(batch), 0);
  return norm_(x);
}

}  // namespace linnet::models
