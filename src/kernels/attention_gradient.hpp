// The gradient of causal attention inside packed sequences, without a cache.
//
// With S = scale * q k^T over the keys that a row sees, P = softmax(S) and y = P v:
//   dP = dy v^T    dS = P * (dP - sum(dP * P))    dq = scale * dS k    dk = scale * dS^T q
//   dv = P^T dy
// P is computed again from q and k, a block of rows at a time; nothing of size T x T is kept.
//
// Numerics: every product is one chain of fused multiply-adds in rising order (over D, over keys,
// or over rows, heads of one kv head in rising order); sums over a row's keys go over 16 lanes from
// the block of 16 keys that its first visible key is in, then a fixed tree. No bit depends on
// threads or instruction sets.
#pragma once

#include <span>

#include "kernels/cpu/context.hpp"

namespace linnet::kernels {

struct AttentionGradientArgs {
  const float* q = nullptr;   // [T, H, D], as attention takes them: after norms and rotation
  const float* k = nullptr;   // [T, K, D]
  const float* v = nullptr;   // [T, K, D]
  const float* dy = nullptr;  // [T, H, D]
  float* dq = nullptr;        // [T, H, D]
  float* dk = nullptr;        // [T, K, D]
  float* dv = nullptr;        // [T, K, D]
  int64_t heads = 0;          // H, a multiple of kv_heads
  int64_t kv_heads = 0;       // K
  int64_t head_dim = 0;       // D
  float scale = 1;
  int64_t window = 0;                // keys a row sees, itself included; 0: all before it
  std::span<const int64_t> lengths;  // of the sequences; their sum is T
  float* statistics = nullptr;       // [3, T, H]: largest score, sum of exp, sum of dP P
  float* workspace = nullptr;        // attention_gradient_workspace floats, aligned to 64
};

namespace cpu {
/// Floats that attention_gradient() needs for sequences of at most `longest` tokens.
int64_t attention_gradient_workspace(int64_t longest, int64_t head_dim, int threads);
void attention_gradient(const AttentionGradientArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
