// Attention on AMX tiles: the cache's panels are tiles as they are, sixteen rows of queries or
// probabilities are the other operand. Scores of a block leave a register with all of D summed;
// the weighted values of a chunk start from zero and are added to the rescaled sums in float32.
#include "kernels/cpu/attention_paths.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention_tiles.cpp"
#include <hwy/foreach_target.h>

#include "kernels/cpu/attention-inl.h"
#include "kernels/cpu/tiles-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

inline constexpr int64_t kTileElements = 16 * 32;  // bf16 of a tile

template <class Tiles>
struct TileEngine {
  using Element = BF16;
  Tiles tiles;

  static BF16* queries(const TileRoom& room) { return reinterpret_cast<BF16*>(room.queries); }
  static BF16* probabilities(const TileRoom& room) {
    return reinterpret_cast<BF16*>(room.probabilities);
  }
  static HWY_INLINE F32x16 nothing() { return set(0.0F); }
  /// Sixteen elements from 16 i on of a row, in tiles [row / 16][k / 32][16][32].
  static HWY_INLINE BF16* place(BF16* tiles, int64_t k, int64_t row, int64_t i) {
    return tiles + ((row / 16 * (k / 32) + i / 2) * 16 + row % 16) * 32 + i % 2 * 16;
  }

  HWY_INLINE void put_queries(const AttentionArgs& a, const QueryTile& tile,
                              const AttentionSizes& sizes, const TileRoom& room) {
    // Rows beyond the last, and probabilities of rows that do not see the first chunks.
    const int64_t padded_rows = round_up(tile.count, 16);
    for (int64_t row = tile.count; row < padded_rows; ++row)
      for (int64_t i = 0; i < sizes.padded / kLanes; ++i)
        store(nothing(), place(queries(room), sizes.padded, row, i));
    for (int64_t row = 0; row < padded_rows; ++row)
      for (int64_t i = 0; i < kAttentionChunk / kLanes; ++i)
        store(nothing(), place(probabilities(room), kAttentionChunk, row, i));
    for_queries(a, tile, sizes, [&](int64_t row, int64_t i, F32x16 q) HWY_ATTR {
      store(q, place(queries(room), sizes.padded, row, i));
    });
  }

  HWY_INLINE void put(const AttentionArgs&, const TileRoom& room, int64_t row, int64_t i,
                      F32x16 p) {
    store(p, place(probabilities(room), kAttentionChunk, row, i));
  }

  /// Scores of kR row tiles with the two panels of a block.
  template <int kR>
  HWY_INLINE void score_tiles(const AttentionSizes& sizes, const BF16* q, const BF16* keys,
                              float* scores) {
    constexpr int64_t stride = kAttentionChunk * sizeof(float);
    const int64_t steps = sizes.padded / 32;
    tiles.template zero<0>();
    tiles.template zero<1>();
    if constexpr (kR > 1) tiles.template zero<2>();
    if constexpr (kR > 1) tiles.template zero<3>();
    for (int64_t i = 0; i < steps; ++i) {
      tiles.template load<6>(keys + i * kTileElements, kTileBytes);
      tiles.template load<4>(q + i * kTileElements, kTileBytes);
      tiles.template dot<0, 4, 6>();
      tiles.template load<7>(keys + (steps + i) * kTileElements, kTileBytes);
      tiles.template dot<1, 4, 7>();
      if constexpr (kR > 1) {
        tiles.template load<5>(q + (steps + i) * kTileElements, kTileBytes);
        tiles.template dot<2, 5, 6>();
        tiles.template dot<3, 5, 7>();
      }
    }
    tiles.template store<0>(scores, stride);
    tiles.template store<1>(scores + kLanes, stride);
    if constexpr (kR > 1) {
      tiles.template store<2>(scores + 16 * kAttentionChunk, stride);
      tiles.template store<3>(scores + 16 * kAttentionChunk + kLanes, stride);
    }
  }

  HWY_INLINE void scores(const AttentionArgs&, const AttentionSizes& sizes, const TileRoom& room,
                         const ChunkBlock<BF16> (&blocks)[kChunkBlocks], const BF16*) {
    for (int64_t i = 0; i < kChunkBlocks; ++i) {
      if (blocks[i].keys == nullptr) continue;
      const int64_t end = ceil_div(blocks[i].rows.end, 16);
      int64_t tile = blocks[i].rows.begin / 16;
      const auto query = [&](int64_t t) { return queries(room) + t * 16 * sizes.padded; };
      const auto score = [&](int64_t t) {
        return room.scores + t * 16 * kAttentionChunk + i * kBlockTokens;
      };
      for (; tile + 2 <= end; tile += 2)
        score_tiles<2>(sizes, query(tile), blocks[i].keys, score(tile));
      if (tile < end) score_tiles<1>(sizes, query(tile), blocks[i].keys, score(tile));
    }
  }

  /// The weighted values of kR row tiles and kP panels of outputs, into scratch [kR][kP][16][16].
  template <int kR, int kP>
  HWY_INLINE void weigh_tiles(const TileRoom& room, const ChunkBlock<BF16> (&blocks)[kChunkBlocks],
                              int64_t tile, int64_t panel, float* to) {
    tiles.template zero<0>();
    if constexpr (kP > 1) tiles.template zero<1>();
    if constexpr (kR > 1) tiles.template zero<2>();
    if constexpr (kR > 1 && kP > 1) tiles.template zero<3>();
    for (int64_t i = 0; i < kChunkBlocks; ++i) {
      const RowRange& rows = blocks[i].rows;
      if (rows.empty() || tile * 16 >= rows.end || (tile + kR) * 16 <= rows.begin) continue;
      const BF16* p = probabilities(room) + (tile * kChunkBlocks + i) * kTileElements;
      const BF16* v = blocks[i].values + panel * kTileElements;
      tiles.template load<4>(p, kTileBytes);
      tiles.template load<6>(v, kTileBytes);
      tiles.template dot<0, 4, 6>();
      if constexpr (kP > 1) {
        tiles.template load<7>(v + kTileElements, kTileBytes);
        tiles.template dot<1, 4, 7>();
      }
      if constexpr (kR > 1) {
        tiles.template load<5>(p + kChunkBlocks * kTileElements, kTileBytes);
        tiles.template dot<2, 5, 6>();
        if constexpr (kP > 1) tiles.template dot<3, 5, 7>();
      }
    }
    tiles.template store<0>(to, kTileBytes);
    if constexpr (kP > 1) tiles.template store<1>(to + 16 * kLanes, kTileBytes);
    if constexpr (kR > 1) tiles.template store<2>(to + kP * 16 * kLanes, kTileBytes);
    if constexpr (kR > 1 && kP > 1) tiles.template store<3>(to + 3 * 16 * kLanes, kTileBytes);
  }

  template <int kR, int kP>
  HWY_INLINE void weigh_step(const AttentionSizes& sizes, const TileRoom& room,
                             const ChunkBlock<BF16> (&blocks)[kChunkBlocks], RowRange seeing,
                             const float* rescale, int64_t tile, int64_t panel) {
    auto* weighted = reinterpret_cast<float*>(room.scratch);
    weigh_tiles<kR, kP>(room, blocks, tile, panel, weighted);
    const int64_t end = std::min(seeing.end, (tile + kR) * 16);
    for (int64_t row = std::max(seeing.begin, tile * 16); row < end; ++row) {
      if (rescale[row] < 0) continue;
      const float* from = weighted + ((row / 16 - tile) * kP * 16 + row % 16) * kLanes;
      float* sum = room.sums + row * sizes.width + panel * kLanes;
      for (int p = 0; p < kP; ++p)
        store(fma(load(sum + p * kLanes), set(rescale[row]), load(from + p * 16 * kLanes)),
              sum + p * kLanes);
    }
  }

  template <int kP>
  HWY_INLINE void weigh_panels_of(const AttentionSizes& sizes, const TileRoom& room,
                                  const ChunkBlock<BF16> (&blocks)[kChunkBlocks], RowRange seeing,
                                  const float* rescale, int64_t panel) {
    const int64_t end = ceil_div(seeing.end, 16);
    int64_t tile = seeing.begin / 16;
    for (; tile + 2 <= end; tile += 2)
      weigh_step<2, kP>(sizes, room, blocks, seeing, rescale, tile, panel);
    if (tile < end) weigh_step<1, kP>(sizes, room, blocks, seeing, rescale, tile, panel);
  }

  HWY_INLINE void weigh(const AttentionSizes& sizes, const TileRoom& room,
                        const ChunkBlock<BF16> (&blocks)[kChunkBlocks], const float* rescale) {
    RowRange seeing{std::numeric_limits<int64_t>::max(), 0};
    for (const ChunkBlock<BF16>& block : blocks) {
      if (block.values == nullptr) continue;
      seeing.begin = std::min(seeing.begin, block.rows.begin);
      seeing.end = std::max(seeing.end, block.rows.end);
    }
    const int64_t panels = sizes.width / kLanes;
    int64_t panel = 0;
    for (; panel + 2 <= panels; panel += 2)
      weigh_panels_of<2>(sizes, room, blocks, seeing, rescale, panel);
    if (panel < panels) weigh_panels_of<1>(sizes, room, blocks, seeing, rescale, panel);
  }
};

template <class Tiles>
void attend_by_tiles(const AttentionArgs& a, const QueryTile& tile, const TileRoom& room) {
  TileEngine<Tiles> engine;
  walk(engine, a, tile, room);
}

void AttendHardware(const AttentionArgs& a, const QueryTile& tile, const TileRoom& room) {
  attend_by_tiles<HardwareTiles>(a, tile, room);
}
void AttendEmulated(const AttentionArgs& a, const QueryTile& tile, const TileRoom& room) {
  attend_by_tiles<EmulatedTiles>(a, tile, room);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "base/error.hpp"

namespace linnet::kernels::cpu {

AttendTile tile_attention(bool emulated) {
#if (HWY_TARGETS & HWY_AVX3) != 0
  return emulated ? N_AVX3::AttendEmulated : N_AVX3::AttendHardware;
#else
  (void)emulated;
  fail(ErrorCode::internal, "this build has no AVX-512 kernels");
#endif
}

}  // namespace linnet::kernels::cpu
#endif
