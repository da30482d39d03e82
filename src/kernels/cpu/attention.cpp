#include "kernels/attention.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#ifndef LINNET_KERNELS_CPU_ATTENTION_ONCE_
#define LINNET_KERNELS_CPU_ATTENTION_ONCE_
namespace linnet::kernels::cpu {

inline constexpr int64_t kQueryRows = 8;  // rows (token x head of one kv head) of one tile

/// Rows begin .. begin + count - 1 of one sequence and kv head; row r is token r / group and the
/// (r % group)-th head of its group.
struct QueryTile {
  const KvSequence* sequence = nullptr;
  int64_t kv_head = 0;
  int64_t begin = 0;
  int64_t count = 0;
};

}  // namespace linnet::kernels::cpu
#endif

#include "kernels/cpu/dot-inl.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

inline constexpr float kMasked = -std::numeric_limits<float>::infinity();
inline constexpr int64_t kChunkBlocks = kAttentionChunk / kBlockTokens;

HWY_INLINE void round_row(float* values, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) {
    BF16 rounded[kLanes];
    store(load(values + i), rounded);
    store(load(rounded), values + i);
  }
}

/// What a tile keeps between chunks.
struct TileState {
  float queries[kQueryRows * kMaxHeadDim];  // rows of Dp floats
  float sums[kQueryRows * kMaxHeadDim];     // weighted values, rows of ceil(D/16)*16 floats
  float scores[kQueryRows * kAttentionChunk];
  float lane_sums[kQueryRows][kLanes];
  float maxima[kQueryRows];
  float rescale[kQueryRows];
  int64_t positions[kQueryRows];
  int64_t first_key[kQueryRows];
};

/// scores[r][column .. column + 31] = q_r . k * scale for the keys of one block.
template <int kRows, class Element>
HWY_INLINE void score_rows(const AttentionArgs& a, TileState& s, int64_t row, int64_t column,
                           const Element* keys) {
  const int64_t padded = round_up(a.layout.head_dim, kBlockTokens);
  const F32x16 scale = set(a.scale);
  for (int panel = 0; panel < 2; panel += kTilePanels) {
    F32x16 acc[kRows][kTilePanels];
    for (int r = 0; r < kRows; ++r)
      for (int p = 0; p < kTilePanels; ++p) acc[r][p] = zero();
    dot_tile<kRows, kTilePanels>(s.queries + row * padded, padded, keys + panel * padded * kLanes,
                                 padded * kLanes, padded / 32, acc);
    for (int r = 0; r < kRows; ++r)
      for (int p = 0; p < kTilePanels; ++p)
        store(acc[r][p] * scale,
              s.scores + (row + r) * kAttentionChunk + column + (panel + p) * kLanes);
  }
}

/// The softmax of one row over one chunk: scores become probabilities relative to the new maximum.
HWY_INLINE void soften_row(const AttentionArgs& a, TileState& s, int64_t row, int64_t chunk_start) {
  float* scores = s.scores + row * kAttentionChunk;
  const int64_t first = std::max<int64_t>(s.first_key[row] - chunk_start, 0);
  const int64_t last = std::min<int64_t>(s.positions[row] - chunk_start, kAttentionChunk - 1);
  if (last < 0 || first >= kAttentionChunk) {  // nothing visible: the row is left as it is
    std::fill(scores, scores + kAttentionChunk, 0.0F);
    s.rescale[row] = -1;
    return;
  }
  std::fill(scores, scores + first, kMasked);
  std::fill(scores + last + 1, scores + kAttentionChunk, kMasked);
  F32x16 largest = set(s.maxima[row]);
  for (int64_t i = 0; i < kAttentionChunk; i += kLanes) largest = max(load(scores + i), largest);
  const float maximum = max_lanes(largest);
  float scale_lanes[kLanes];
  store(exp(set(s.maxima[row]) - set(maximum)), scale_lanes);
  const float rescale = scale_lanes[0];
  F32x16 sum = load(s.lane_sums[row]) * set(rescale);
  for (int64_t i = 0; i < kAttentionChunk; i += kLanes) {
    const F32x16 p = exp(load(scores + i) - set(maximum));
    sum = sum + p;
    store(p, scores + i);
  }
  store(sum, s.lane_sums[row]);
  if (a.round_to_bf16) round_row(scores, kAttentionChunk);
  s.maxima[row] = maximum;
  s.rescale[row] = rescale;
}

/// sums[r][panel] = sums * rescale + p_r . V over the blocks of a chunk.
template <int kRows, class Element>
HWY_INLINE void weigh_rows(const TileState& s, float* sums, int64_t width, int64_t row,
                           int64_t panel, const Element* const* values) {
  F32x16 acc[kRows][1];
  for (int r = 0; r < kRows; ++r) acc[r][0] = zero();
  for (int64_t block = 0; block < kChunkBlocks; ++block) {
    if (values[block] == nullptr) continue;
    dot_tile<kRows, 1>(s.scores + row * kAttentionChunk + block * kBlockTokens, kAttentionChunk,
                       values[block] + panel * kBlockTokens * kLanes, 0, 1, acc);
  }
  for (int r = 0; r < kRows; ++r) {
    const float rescale = s.rescale[row + r];
    if (rescale < 0) continue;
    float* sum = sums + (row + r) * width + panel * kLanes;
    store(fma(load(sum), set(rescale), acc[r][0]), sum);
  }
}

template <class Element>
void attend_tile(const AttentionArgs& a, const QueryTile& tile) {
  const int64_t dim = a.layout.head_dim;
  const int64_t padded = round_up(dim, kBlockTokens);
  const int64_t width = round_up(dim, kLanes);
  const int64_t group = a.heads / a.layout.kv_heads;
  const KvSequence& sequence = *tile.sequence;
  TileState s;
  int64_t lowest = std::numeric_limits<int64_t>::max();
  int64_t highest = 0;
  for (int64_t r = 0; r < tile.count; ++r) {
    const int64_t token = (tile.begin + r) / group;
    const int64_t head = tile.kv_head * group + (tile.begin + r) % group;
    const float* q = a.queries + ((sequence.first_row + token) * a.heads + head) * dim;
    float* to = s.queries + r * padded;
    std::copy(q, q + dim, to);
    std::fill(to + dim, to + padded, 0.0F);
    if (a.round_to_bf16) round_row(to, padded);
    s.positions[r] = sequence.first_position + token;
    s.first_key[r] = a.window > 0 ? std::max<int64_t>(0, s.positions[r] - a.window + 1) : 0;
    s.maxima[r] = kMasked;
    std::fill(s.lane_sums[r], s.lane_sums[r] + kLanes, 0.0F);
    lowest = std::min(lowest, s.first_key[r]);
    highest = std::max(highest, s.positions[r]);
  }
  std::fill(s.sums, s.sums + tile.count * width, 0.0F);

  const int64_t chunks_end = highest / kAttentionChunk + 1;
  for (int64_t chunk = lowest / kAttentionChunk; chunk < chunks_end; ++chunk) {
    const int64_t chunk_start = chunk * kAttentionChunk;
    const Element* values[kChunkBlocks] = {};
    for (int64_t block = 0; block < kChunkBlocks; ++block) {
      const int64_t start = chunk_start + block * kBlockTokens;
      if (start > highest || start + kBlockTokens <= lowest) continue;
      const auto* keys =
          reinterpret_cast<const Element*>(sequence.blocks[start / kBlockTokens] + a.layer_offset) +
          tile.kv_head * a.layout.head_elements();
      values[block] = keys + a.layout.key_elements();
      int64_t row = 0;
      for (; row + kTileRows <= tile.count; row += kTileRows)
        score_rows<kTileRows>(a, s, row, block * kBlockTokens, keys);
      for (; row < tile.count; ++row) score_rows<1>(a, s, row, block * kBlockTokens, keys);
    }
    for (int64_t row = 0; row < tile.count; ++row) soften_row(a, s, row, chunk_start);
    for (int64_t panel = 0; panel < width / kLanes; ++panel) {
      int64_t row = 0;
      for (; row + kTileRows <= tile.count; row += kTileRows)
        weigh_rows<kTileRows>(s, s.sums, width, row, panel, values);
      for (; row < tile.count; ++row) weigh_rows<1>(s, s.sums, width, row, panel, values);
    }
  }

  for (int64_t r = 0; r < tile.count; ++r) {
    const int64_t token = (tile.begin + r) / group;
    const int64_t head = tile.kv_head * group + (tile.begin + r) % group;
    float* y = a.y + ((sequence.first_row + token) * a.heads + head) * dim;
    const F32x16 scale = set(1.0F) / set(sum_lanes(load(s.lane_sums[r])));
    for (int64_t i = 0; i < dim; i += kLanes) {
      // Adding +0 makes every zero positive: blocks of masked keys may or may not have been added.
      const F32x16 v = load(s.sums + r * width + i) * scale + zero();
      const int64_t n = std::min<int64_t>(kLanes, dim - i);
      if (n == kLanes)
        store(v, y + i);
      else
        store_partial(v, y + i, n);
    }
  }
}

void AttendTile(const AttentionArgs& a, const QueryTile& tile) {
  if (a.layout.dtype == DType::bf16)
    attend_tile<BF16>(a, tile);
  else
    attend_tile<float>(a, tile);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "base/half.hpp"
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(AttendTile);

namespace {

// Where an element lies in a panel of kernels/matmul.hpp with k rows: bf16 keeps k in pairs.
int64_t panel_index(const BF16*, int64_t k, int64_t lane) {
  return (k / 2 * 16 + lane) * 2 + k % 2;
}
int64_t panel_index(const float*, int64_t k, int64_t lane) { return k * 16 + lane; }

void assign(BF16& to, float value) { to = to_bf16(value); }
void assign(float& to, float value) { to = value; }

/// Writes one token's keys and values of one kv head.
template <class Element>
void write_token(const KvWriteArgs& a, std::byte* block, int64_t slot, int64_t kv_head,
                 const float* key, const float* value) {
  const int64_t dim = a.layout.head_dim;
  const int64_t padded = round_up(dim, 32);
  auto* keys =
      reinterpret_cast<Element*>(block + a.layer_offset) + kv_head * a.layout.head_elements();
  auto* values = keys + a.layout.key_elements();
  Element* key_panel = keys + slot / 16 * padded * 16;
  for (int64_t d = 0; d < dim; ++d) {
    assign(key_panel[panel_index(keys, d, slot % 16)], key[d]);
    assign(values[d / 16 * kBlockTokens * 16 + panel_index(values, slot, d % 16)], value[d]);
  }
}

}  // namespace

void kv_write(const KvWriteArgs& args, const Context& context) {
  const int64_t heads = args.layout.kv_heads;
  const int64_t dim = args.layout.head_dim;
  for (const KvSequence& sequence : args.sequences) {
    context.pool.parallel_for(
        sequence.rows, std::max<int64_t>(1, 8192 / (heads * dim)), [&](int64_t begin, int64_t end) {
          for (int64_t row = begin; row < end; ++row) {
            const int64_t position = sequence.first_position + row;
            std::byte* block = sequence.blocks[position / kBlockTokens];
            for (int64_t head = 0; head < heads; ++head) {
              const int64_t start = ((sequence.first_row + row) * heads + head) * dim;
              const auto write =
                  args.layout.dtype == DType::bf16 ? write_token<BF16> : write_token<float>;
              write(args, block, position % kBlockTokens, head, args.keys + start,
                    args.values + start);
            }
          }
        });
  }
}

void attention(const AttentionArgs& args, const Context& context) {
  const int64_t group = args.heads / args.layout.kv_heads;
  int64_t rows = 0;
  for (const KvSequence& sequence : args.sequences) rows += sequence.rows * args.heads;
  // Tiles as large as pays, but enough of them for every thread.
  const int64_t tile_rows =
      std::clamp<int64_t>(rows / (int64_t{2} * context.pool.size()), 1, kQueryRows);
  std::vector<QueryTile> tiles;
  for (const KvSequence& sequence : args.sequences)
    for (int64_t head = 0; head < args.layout.kv_heads; ++head)
      for (int64_t row = 0; row < sequence.rows * group; row += tile_rows)
        tiles.push_back({&sequence, head, row, std::min(tile_rows, sequence.rows * group - row)});
  const auto attend = choose(HWY_DISPATCH_TABLE(AttendTile), context.isa);
  context.pool.parallel_for(static_cast<int64_t>(tiles.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) attend(args, tiles[static_cast<size_t>(i)]);
  });
}

}  // namespace linnet::kernels::cpu
#endif
