// Attention over a block cache, and the cache's layout.
//
// Numerics (docs/numerics.md): a row's visible keys are walked in chunks of 128 absolute positions.
// In a chunk the scores are dot products by the contract, times the scale; the running maximum, the
// sum (16 lanes) and the weighted values are rescaled once per chunk; the values are a product by
// the contract over the chunk's four blocks of 32 keys. Chunks that hold no visible key of a row do
// not touch it. So a row's bits depend on its query and its visible keys alone: not on how many
// rows are computed together, nor on where the blocks lie, nor on threads or instruction set.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "kernels/cpu/context.hpp"
#include "kernels/norm.hpp"
#include "kernels/view.hpp"

namespace linnet::kernels {

inline constexpr int64_t kBlockTokens = 32;      ///< tokens of one cache block
inline constexpr int64_t kAttentionChunk = 128;  ///< keys between two rescalings
inline constexpr int64_t kMaxHeadDim = 512;

/// One layer's part of a cache block: for each kv head the keys, then the values, both in the panel
/// layout of kernels/matmul.hpp, so that scores and values are computed by the same inner loop.
///   keys    weights [32 tokens, D]:       [2][Dp/2][16][2] bf16 or [2][Dp][16] f32, Dp = D up to
///   32 values  weights [D, 32 tokens]: [ceil(D/16)][16][16][2] bf16 or [ceil(D/16)][32][16] f32
struct KvLayout {
  DType dtype = DType::bf16;  ///< bf16 or f32
  int64_t kv_heads = 0;
  int64_t head_dim = 0;

  [[nodiscard]] int64_t key_elements() const { return kBlockTokens * round_up(head_dim, 32); }
  [[nodiscard]] int64_t value_elements() const { return kBlockTokens * round_up(head_dim, 16); }
  [[nodiscard]] int64_t head_elements() const { return key_elements() + value_elements(); }
  [[nodiscard]] int64_t block_bytes() const { return kv_heads * head_elements() * size_of(dtype); }
};

/// The rows of one sequence in a packed batch, and where its cache lies.
struct KvSequence {
  int64_t first_row = 0;       ///< of the batch
  int64_t rows = 0;            ///< consecutive tokens
  int64_t first_position = 0;  ///< of the first row in its sequence
  /// blocks[i] holds positions 32 i .. 32 i + 31 of all layers; null where no row can see it any
  /// more.
  std::byte* const* blocks = nullptr;
};

/// What happens to heads between their projections and attention.
struct HeadsArgs {
  const float* queries = nullptr;  // [T, H, D], or null: keys and values only
  const float* keys = nullptr;     // [T, K, D]
  const float* values = nullptr;   // [T, K, D]
  int64_t heads = 0;               // H
  RmsTerm q_norm;                  // over D
  RmsTerm k_norm;
  const float* cos = nullptr;         // [T, D/2]: queries and keys are rotated after that; or null
  const float* sin = nullptr;         // [T, D/2]
  float* prepared_queries = nullptr;  // [T, H, D]; may be queries
  KvLayout layout;
  int64_t layer_offset = 0;  // bytes from the start of a block to this layer's part
  std::span<const KvSequence> sequences;
};

struct AttentionArgs {
  const float* queries = nullptr;  // [T, H, D]
  float* y = nullptr;              // [T, H, D]
  int64_t heads = 0;               // H, a multiple of layout.kv_heads
  KvLayout layout;
  int64_t layer_offset = 0;
  float scale = 1;
  int64_t window = 0;  // a row sees itself and the window - 1 keys before it; 0: all before it
  bool round_to_bf16 = false;  // queries and probabilities, where they enter a product
  std::span<const KvSequence> sequences;
  std::byte* workspace = nullptr;  // attention_workspace bytes, aligned to 64
};

namespace cpu {
/// Norms (as rms_norm) and rotates (as rope) queries and keys; stores keys and values at their
/// positions (rounded to bf16 if the cache is).
void prepare_heads(const HeadsArgs& args, const Context& context);
/// What attention() needs to work, whatever the rows.
int64_t attention_workspace(const KvLayout& layout, int64_t heads, int threads);
/// y = softmax(q k^T * scale) v over each row's visible keys, which must have been written. A head
/// h reads kv head h / (H / K).
void attention(const AttentionArgs& args, const Context& context);
/// Which kernel attention() runs for these, and why; for people.
std::string attention_variant(const AttentionArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
