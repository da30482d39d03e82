// Attention: projections, optional norms of queries and keys, rotation, cached attention.
#pragma once

#include <optional>

#include "nn/batch.hpp"
#include "nn/linear.hpp"
#include "nn/norm.hpp"

namespace linnet::nn {

/// How one layer attends, and where its keys and values lie.
struct AttentionConfig {
  int64_t hidden_size = 0;          ///< M
  int64_t num_attention_heads = 0;  ///< H
  int64_t num_key_value_heads = 0;  ///< K
  int64_t head_dim = 0;             ///< D
  float scale = 1;                  ///< of q k^T
  int64_t window = 0;               ///< 0: full attention
  size_t rope = 0;                  ///< index into Forward::rope
  size_t cache_group = 0;           ///< index into Batch::sequences
  int64_t layer_in_group = 0;
  Bias qkv_bias = Bias::absent;
  Bias output_bias = Bias::absent;
};

class Attention {
 public:
  /// Reads q_proj, k_proj, v_proj and o_proj below `name`.
  static Attention load(Weights& weights, const std::string& name, const AttentionConfig& config);

  /// x [T, M] f32 -> [T, M] f32; writes the tokens' keys and values into their cache blocks, if the
  /// batch has any.
  [[nodiscard]] Array operator()(const Array& x, const Forward& forward) const;

  std::optional<RmsNorm> q_norm;  // over D, before the rotation
  std::optional<RmsNorm> k_norm;

 private:
  AttentionConfig config_;
  Linear q_proj_;  // [H D, M]
  Linear k_proj_;  // [K D, M]
  Linear v_proj_;  // [K D, M]
  Linear o_proj_;  // [M, H D]
  kernels::KvLayout layout_;
};

}  // namespace linnet::nn
