#include "train/memory.hpp"

#include <algorithm>

namespace linnet::train {
namespace {

/// Weights of one layer's matrices.
int64_t layer_weights(const models::DecoderConfig& c) {
  const int64_t heads = c.num_attention_heads + c.num_key_value_heads;
  return c.hidden_size * (2 * heads * c.head_dim + 3 * c.intermediate_size);
}

}  // namespace

int64_t pass_bytes(const models::DecoderConfig& c, const PassSize& size) {
  const int64_t m = c.hidden_size;
  const int64_t q = c.num_attention_heads * c.head_dim;
  const int64_t kv = c.num_key_value_heads * c.head_dim;
  const int64_t f = c.intermediate_size;
  // Floats that a token's derivative needs of a layer: inputs of norms and products, queries and
  // keys before and after their norms, gate, up and their product; with adapters the inputs again
  // as float32 where they were rounded.
  const int64_t kept = 8 * m + 4 * q + 6 * kv + (size.narrow ? 4 : 3) * f +
                       size.adapted * (size.narrow ? m : 0) + size.adapted * 64;
  // What a layer's backward pass works in beside that: cotangents of the widest arrays.
  const int64_t work = 6 * m + 4 * q + 4 * kv + 6 * f;
  const int64_t layers = c.num_hidden_layers;
  const int64_t held = size.checkpoint_layers ? layers * m + kept : layers * kept;
  const int64_t ends = 8 * m;  // embedding, last norm, states and their gradients
  const int64_t token_floats = held + work + ends;
  const int64_t logits = 2 * std::max(size.logits_bytes, 16 * c.vocab_size * 4);
  // Gradients of this pass beside the sum of those before it.
  const int64_t gradients = 2 * size.trained * 4;
  return token_floats * size.tokens * 4 + logits + gradients + (int64_t{24} << 20);
}

double flops_per_token(const models::DecoderConfig& c, bool all_trained, bool checkpoint_layers) {
  const auto layers =
      static_cast<double>(layer_weights(c)) * static_cast<double>(c.num_hidden_layers);
  const double head = static_cast<double>(c.vocab_size) * static_cast<double>(c.hidden_size);
  const double passes = all_trained ? 6 : 4;
  return layers * (passes + (checkpoint_layers ? 2 : 0)) + head * passes;
}

}  // namespace linnet::train
