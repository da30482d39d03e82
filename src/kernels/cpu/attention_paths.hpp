// The kernels behind attention(): a tile of rows walks its keys on one thread, or, where there are
// few rows, the chunks of keys are spread over the threads. The paths differ in the instruction
// that multiplies; all give the bits of kernels/attention.hpp.
#pragma once

#include "kernels/attention.hpp"

namespace linnet::kernels::cpu {

enum class AttentionPath {
  float_fma,       ///< float32 multiply-adds
  bf16_dot,        ///< VDPBF16PS
  tiles,           ///< AMX
  tiles_emulated,  ///< the same code on modelled tiles
};

inline constexpr int64_t kTileRows = 64;   ///< rows of a tile at most: they share what is unpacked
inline constexpr int64_t kFewRows = 8;     ///< up to here keys and values are read as packed
inline constexpr int64_t kSplitRows = 16;  ///< rows of a tile at most whose chunks are spread
inline constexpr int64_t kChunkBlocks = kAttentionChunk / kBlockTokens;

/// Rows begin .. begin + count - 1 of one sequence and kv head; row r is token r / group and the
/// (r % group)-th head of its group.
struct QueryTile {
  const KvSequence* sequence = nullptr;
  int64_t kv_head = 0;
  int64_t begin = 0;
  int64_t count = 0;
};

/// Sizes that follow from the arguments.
struct AttentionSizes {
  int64_t dim;     // D
  int64_t padded;  // D up to 32: k of the scores' products
  int64_t width;   // D up to 16: outputs of the values' product
  int64_t group;   // H / K

  AttentionSizes(const KvLayout& layout, int64_t heads)
      : dim(layout.head_dim),
        padded(round_up(dim, kBlockTokens)),
        width(round_up(dim, 16)),
        group(heads / layout.kv_heads) {}
};

/// Where a thread works on a tile.
struct TileRoom {
  std::byte* queries = nullptr;  // [rows][padded], 4 bytes each at most
  float* scores = nullptr;       // [rows][128]
  std::byte* probabilities =
      nullptr;                   // [rows][128], 2 bytes each; float_fma uses the scores' place
  float* sums = nullptr;         // [rows][width]: weighted values
  float* lane_sums = nullptr;    // [rows][16]: of probabilities
  std::byte* scratch = nullptr;  // a block's keys or a chunk's values, unpacked

  /// Bytes for tiles of kTileRows rows; a multiple of 64.
  static int64_t bytes(const AttentionSizes& sizes);
  TileRoom(std::byte* memory, const AttentionSizes& sizes);
};

/// A chunk of keys of a tile of few rows, computed on its own.
struct SplitChunk {
  const QueryTile* tile = nullptr;
  int64_t chunk = 0;                   // positions 128 chunk ... 128 chunk + 127
  const std::byte* queries = nullptr;  // of the tile, prepared: [count][padded]
  float* scores = nullptr;             // [count][128]; later the probabilities, not rounded
  float* weighted = nullptr;           // [count][width]: probabilities times values
  float* maxima = nullptr;             // [count]: of the chunk, then of all chunks up to this one
  float* rescale = nullptr;            // [count]: of what came before; -1: the row sees no key here
};

/// What the rows of such a tile keep between chunks.
struct SplitRows {
  float* sums = nullptr;       // [count][width]
  float* lane_sums = nullptr;  // [count][16]
  float* maxima = nullptr;     // [count]
};

/// All of a tile on this thread.
using AttendTile = void (*)(const AttentionArgs& a, const QueryTile& tile, const TileRoom& room);

/// The functions of a path.
struct AttentionKernels {
  AttendTile attend = nullptr;
  AttendTile attend_few = nullptr;  ///< for kFewRows at most
  /// The rows of a tile as score() wants them, [count][padded].
  void (*prepare)(const AttentionArgs& a, const QueryTile& tile, std::byte* queries) = nullptr;
  /// Fills the scores, their maxima, and rescale of rows that see nothing.
  void (*score)(const AttentionArgs& a, const SplitChunk& chunk) = nullptr;
  /// With maxima over all chunks so far: makes probabilities of the scores, fills weighted.
  void (*weigh)(const AttentionArgs& a, const SplitChunk& chunk) = nullptr;
};

AttentionKernels float_attention(DType cache, Isa isa);
AttentionKernels bf16_dot_attention();
AttendTile tile_attention(bool emulated);  // for few rows tiles are not worth their while

/// What the chunks' results become, on any path:
/// values[i] = e^values[i], for values up to 0.
void exp_nonpositive(float* values, int64_t count, Isa isa);
/// Adds the chunks of a tile to one of its rows, in rising order.
void add_chunks(const AttentionSizes& sizes, const SplitRows& rows, int64_t row,
                std::span<const SplitChunk> chunks, Isa isa);
/// Writes one row's result.
void finish_row(const AttentionArgs& a, const QueryTile& tile, const SplitRows& rows, int64_t row,
                Isa isa);

}  // namespace linnet::kernels::cpu
