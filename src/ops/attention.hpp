// Causal attention with grouped queries, over a block cache or over packed sequences.
#pragma once

#include <span>

#include "array/array.hpp"
#include "kernels/attention.hpp"
#include "ops/linear.hpp"
#include "ops/norm.hpp"
#include "ops/rope.hpp"

namespace linnet::ops {

struct AttentionOptions {
  float scale = 1;
  int64_t window = 0;                  ///< keys a row sees, itself included; 0: all before it
  Rounding rounding = Rounding::none;  ///< of queries, keys, values and probabilities

  // What is done to q and k first, with the bits of rms_norm and rope.
  RmsTerm q_norm = {};              ///< f32, over D
  RmsTerm k_norm = {};              ///< f32, over D
  const RopeTable* rope = nullptr;  ///< of T rows; null: q and k are not rotated
};

/// Prepares queries and keys as the options say, writes keys and values into the cache blocks of
/// their sequences, then attends to everything visible.
///   q       [T, H, D]  f32
///   k, v    [T, K, D]  f32; H is a multiple of K, D at most 512
///   result  [T, H, D]  f32
/// Errors: invalid_argument naming the shapes. Devices: cpu.
Array cached_attention(const Array& q, const Array& k, const Array& v,
                       const kernels::KvLayout& layout, int64_t layer_offset,
                       std::span<const kernels::KvSequence> sequences,
                       const AttentionOptions& options);

/// Causal attention inside each of several sequences packed one after the other; no cache is kept.
/// The result has the bits that cached_attention gives.
///   lengths  of the sequences; their sum is T. The other arguments as above.
/// Errors: invalid_argument naming the shapes or the sum. Gradient: q, k, v and the weights of the
/// norms (kernels/attention_gradient.hpp); rounding counts as the identity. Devices: cpu.
Array attention(const Array& q, const Array& k, const Array& v, std::span<const int64_t> lengths,
                const AttentionOptions& options);

}  // namespace linnet::ops
