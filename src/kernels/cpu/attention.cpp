// attention(): cuts the rows into tiles and has a path compute them, each on one thread; or, where
// there are too few rows for all threads, spreads the chunks of keys of all tiles.
#include "kernels/attention.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

#include "base/fp_mode.hpp"
#include "kernels/cpu/attention_paths.hpp"

namespace linnet::kernels::cpu {
namespace {

constexpr int64_t kAlign = 64;
// Chunks computed between two joins for each thread: enough to hide the join, few enough that what
// they leave stays in the second cache.
constexpr int64_t kSplitChunks = 64;

AttentionPath path_of(const AttentionArgs& args, Isa isa) {
  if (args.layout.dtype != DType::bf16 || !args.round_to_bf16) return AttentionPath::float_fma;
  switch (isa) {
    case Isa::avx512: return AttentionPath::bf16_dot;
    case Isa::amx: return AttentionPath::tiles;
    case Isa::amx_emulated: return AttentionPath::tiles_emulated;
    default: return AttentionPath::float_fma;
  }
}

AttentionKernels kernels_of(AttentionPath path, DType cache, Isa isa) {
  switch (path) {
    case AttentionPath::float_fma: break;
    case AttentionPath::bf16_dot: return bf16_dot_attention();
    case AttentionPath::tiles:
    case AttentionPath::tiles_emulated: {
      // A few rows do not fill a tile; on processors that have tiles two multiply-adds are faster
      // than a bf16 dot product.
      AttentionKernels kernels = float_attention(cache, isa);
      kernels.attend = tile_attention(path == AttentionPath::tiles_emulated);
      return kernels;
    }
  }
  return float_attention(cache, isa);
}

int64_t first_chunk(const AttentionArgs& args, const QueryTile& tile, int64_t group) {
  const int64_t position = tile.sequence->first_position + tile.begin / group;
  return args.window > 0 ? std::max<int64_t>(0, position - args.window + 1) / kAttentionChunk : 0;
}
int64_t end_chunk(const QueryTile& tile, int64_t group) {
  return (tile.sequence->first_position + (tile.begin + tile.count - 1) / group) / kAttentionChunk +
         1;
}

/// How the rows are cut.
struct Plan {
  std::vector<QueryTile> tiles;
  int64_t tile_rows = 0;
  bool split = false;  // the chunks of each tile are spread over the threads

  Plan(const AttentionArgs& args, int threads) {
    const int64_t kv_heads = args.layout.kv_heads;
    const int64_t group = args.heads / kv_heads;
    int64_t rows = 0;
    int64_t longest = 0;  // rows of a sequence and kv head
    for (const KvSequence& sequence : args.sequences) {
      rows += sequence.rows * args.heads;
      longest = std::max(longest, sequence.rows * group);
    }
    // Tiles as large as pays, but enough of them for every thread.
    const int64_t share = threads == 1 ? rows : rows / (int64_t{2} * threads);
    tile_rows = std::clamp<int64_t>(share, 1, std::min(std::max<int64_t>(longest, 1), kTileRows));
    if (threads == 1 || tile_rows > kSplitRows) {
      if (tile_rows > 16) tile_rows = tile_rows / 16 * 16;
      cut(args, tile_rows, group);
      return;
    }
    // Few rows. Whole heads at a time read the keys once; if those are too few tiles, their chunks
    // are shared out.
    tile_rows = std::min(longest, kSplitRows);
    cut(args, tile_rows, group);
    int64_t chunks = 0;
    for (const QueryTile& tile : tiles)
      chunks += end_chunk(tile, group) - first_chunk(args, tile, group);
    const auto count = static_cast<int64_t>(tiles.size());
    split = count < int64_t{4} * threads && chunks > count;
  }

 private:
  void cut(const AttentionArgs& args, int64_t rows, int64_t group) {
    tiles.clear();
    for (const KvSequence& sequence : args.sequences)
      for (int64_t head = 0; head < args.layout.kv_heads; ++head)
        for (int64_t row = 0; row < sequence.rows * group; row += rows)
          tiles.push_back({&sequence, head, row, std::min(rows, sequence.rows * group - row)});
  }
};

/// Hands out parts of a block of memory.
class Parts {
 public:
  explicit Parts(std::byte* memory) : at_(memory) {}
  template <class T>
  T* take(int64_t count) {
    auto* result = reinterpret_cast<T*>(at_);
    at_ += round_up(count * static_cast<int64_t>(sizeof(T)), kAlign);
    return result;
  }

 private:
  std::byte* at_;
};

/// Bytes that take<float>(count) takes.
int64_t part(int64_t floats) { return round_up(floats * 4, kAlign); }

int64_t split_chunk_bytes(const AttentionSizes& sizes) {
  return part(kSplitRows * kAttentionChunk) + part(kSplitRows * sizes.width) + 2 * part(kSplitRows);
}
int64_t split_tile_bytes(const AttentionSizes& sizes) {
  return part(kSplitRows * sizes.padded) + part(kSplitRows * sizes.width) + part(kSplitRows * 16) +
         part(kSplitRows);
}

void attend_tiles(const AttentionArgs& args, const AttentionKernels& kernels, Plan& plan,
                  const Context& context) {
  const AttentionSizes sizes(args.layout, args.heads);
  // The tiles that see most come first, so that the last to be taken are short.
  std::ranges::stable_sort(plan.tiles, std::greater<>(), [&](const QueryTile& tile) {
    return end_chunk(tile, sizes.group) - first_chunk(args, tile, sizes.group);
  });
  const int64_t room_bytes = TileRoom::bytes(sizes);
  std::atomic<size_t> next{0};
  const auto attend = [&](int thread, int) {
    const TileRoom room(args.workspace + thread * room_bytes, sizes);
    for (;;) {
      const size_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= plan.tiles.size()) return;
      const QueryTile& tile = plan.tiles[i];
      (tile.count <= kFewRows ? kernels.attend_few : kernels.attend)(args, tile, room);
    }
  };
  if (plan.tiles.size() == 1)
    attend(0, 1);
  else
    context.pool.run_on_all(attend);
}

/// Chunks of all tiles, as many at a time as there is room for.
class Split {
 public:
  Split(const AttentionArgs& args, const AttentionKernels& kernels, const Plan& plan,
        const Context& context)
      : args_(args),
        kernels_(kernels),
        context_(context),
        sizes_(args.layout, args.heads),
        parts_(args.workspace) {
    const int64_t most = plan.tile_rows;
    int64_t chunks = 0;
    for (const QueryTile& tile : plan.tiles)
      chunks += end_chunk(tile, sizes_.group) - first_chunk(args, tile, sizes_.group);
    chunks = std::min(chunks, kSplitChunks * context.pool.size());
    for (int64_t i = 0; i < chunks; ++i)
      rooms_.push_back({.scores = parts_.take<float>(most * kAttentionChunk),
                        .weighted = parts_.take<float>(most * sizes_.width),
                        .maxima = parts_.take<float>(most),
                        .rescale = parts_.take<float>(most)});
    for (const QueryTile& tile : plan.tiles) {
      auto* queries = parts_.take<std::byte>(4 * most * sizes_.padded);
      SplitRows rows{.sums = parts_.take<float>(most * sizes_.width),
                     .lane_sums = parts_.take<float>(most * 16),
                     .maxima = parts_.take<float>(most)};
      std::fill(rows.sums, rows.sums + tile.count * sizes_.width, 0.0F);
      std::fill(rows.lane_sums, rows.lane_sums + tile.count * 16, 0.0F);
      std::fill(rows.maxima, rows.maxima + tile.count, -std::numeric_limits<float>::infinity());
      kernels_.prepare(args_, tile, queries);
      tiles_.push_back({&tile, queries, rows, first_chunk(args, tile, sizes_.group),
                        end_chunk(tile, sizes_.group)});
    }
  }

  void run() {
    size_t tile = 0;
    while (tile < tiles_.size()) {
      gather(tile);
      for_chunks(kernels_.score);
      accumulate_maxima();
      for_chunks(kernels_.weigh);
      add();
    }
    for (const Tile& t : tiles_)
      for (int64_t row = 0; row < t.tile->count; ++row)
        finish_row(args_, *t.tile, t.rows, row, context_.isa);
  }

 private:
  struct Tile {
    const QueryTile* tile;
    const std::byte* queries;
    SplitRows rows;
    int64_t next_chunk;
    int64_t end_chunk;
    std::span<const SplitChunk> chunks = {};  // of this round
  };

  /// The next chunks, from tile `tile` on, which becomes the first with chunks left.
  void gather(size_t& tile) {
    chunks_.clear();
    for (Tile& t : tiles_) t.chunks = {};
    chunks_.reserve(rooms_.size());
    while (tile < tiles_.size() && chunks_.size() < rooms_.size()) {
      Tile& t = tiles_[tile];
      const size_t first = chunks_.size();
      while (t.next_chunk < t.end_chunk && chunks_.size() < rooms_.size()) {
        SplitChunk chunk = rooms_[chunks_.size()];
        chunk.tile = t.tile;
        chunk.chunk = t.next_chunk++;
        chunk.queries = t.queries;
        chunks_.push_back(chunk);
      }
      t.chunks = std::span(chunks_).subspan(first);
      if (t.next_chunk == t.end_chunk) ++tile;
    }
  }

  template <class Function>
  void for_chunks(Function function) {
    context_.pool.parallel_for(static_cast<int64_t>(chunks_.size()), 1,
                               [&](int64_t begin, int64_t end) {
                                 for (int64_t i = begin; i < end; ++i)
                                   function(args_, chunks_[static_cast<size_t>(i)]);
                               });
  }

  /// Maxima of chunks become those of all chunks so far; rescale what came before must be
  /// multiplied by.
  void accumulate_maxima() {
    float distance[kSplitRows];
    for (const Tile& t : tiles_)
      for (const SplitChunk& chunk : t.chunks) {
        const int64_t count = t.tile->count;
        std::fill(distance, distance + count, 0.0F);
        for (int64_t row = 0; row < count; ++row) {
          if (chunk.rescale[row] < 0) continue;
          const float before = t.rows.maxima[row];
          const float now = chunk.maxima[row] > before ? chunk.maxima[row] : before;
          distance[row] = before - now;
          chunk.maxima[row] = t.rows.maxima[row] = now;
        }
        exp_nonpositive(distance, count, context_.isa);
        for (int64_t row = 0; row < count; ++row)
          if (chunk.rescale[row] >= 0) chunk.rescale[row] = distance[row];
      }
  }

  void add() {
    for (const Tile& t : tiles_) {
      if (t.chunks.empty()) continue;
      const int64_t work = static_cast<int64_t>(t.chunks.size()) * (sizes_.width + kAttentionChunk);
      context_.pool.parallel_for(t.tile->count, ceil_div(16384, work),
                                 [&](int64_t begin, int64_t end) {
                                   for (int64_t row = begin; row < end; ++row)
                                     add_chunks(sizes_, t.rows, row, t.chunks, context_.isa);
                                 });
    }
  }

  const AttentionArgs& args_;
  const AttentionKernels& kernels_;
  const Context& context_;
  AttentionSizes sizes_;
  Parts parts_;
  std::vector<SplitChunk> rooms_;
  std::vector<SplitChunk> chunks_;
  std::vector<Tile> tiles_;
};

}  // namespace

int64_t TileRoom::bytes(const AttentionSizes& sizes) {
  // Unpacked: a block's keys, or a chunk of two panels of values; tiles of weighted values.
  const int64_t scratch =
      std::max({2 * sizes.padded * 16, 2 * kAttentionChunk * 16, int64_t{1024}});
  return part(kTileRows * sizes.padded) + part(kTileRows * kAttentionChunk) +
         part(kTileRows * kAttentionChunk / 2) + part(kTileRows * sizes.width) +
         part(kTileRows * 16) + part(scratch);
}

TileRoom::TileRoom(std::byte* memory, const AttentionSizes& sizes) {
  Parts parts(memory);
  queries = parts.take<std::byte>(4 * kTileRows * sizes.padded);
  scores = parts.take<float>(kTileRows * kAttentionChunk);
  probabilities = parts.take<std::byte>(2 * kTileRows * kAttentionChunk);
  sums = parts.take<float>(kTileRows * sizes.width);
  lane_sums = parts.take<float>(kTileRows * 16);
  scratch = parts.take<std::byte>(0);
}

int64_t attention_workspace(const KvLayout& layout, int64_t heads, int threads) {
  const AttentionSizes sizes(layout, heads);
  const int64_t split =
      threads == 1
          ? 0
          : threads * (kSplitChunks * split_chunk_bytes(sizes) + 4 * split_tile_bytes(sizes));
  return std::max(threads * TileRoom::bytes(sizes), split);
}

void attention(const AttentionArgs& args, const Context& context) {
  Plan plan(args, context.pool.size());
  if (plan.tiles.empty()) return;
  const FlushSubnormals flush;  // what is short runs on this thread
  const AttentionKernels kernels =
      kernels_of(path_of(args, context.isa), args.layout.dtype, context.isa);
  if (plan.split)
    Split(args, kernels, plan, context).run();
  else
    attend_tiles(args, kernels, plan, context);
}

std::string attention_variant(const AttentionArgs& args, const Context& context) {
  const Plan plan(args, context.pool.size());
  const auto name = [&]() -> std::string_view {
    switch (path_of(args, context.isa)) {
      case AttentionPath::float_fma: return "float32 multiply-adds";
      case AttentionPath::bf16_dot: return "AVX-512 bf16 dot products";
      case AttentionPath::tiles: return "AMX bf16 tiles";
      case AttentionPath::tiles_emulated: return "AMX bf16 tiles, emulated";
    }
    return "?";
  };
  if (plan.split)
    return fmt::format("{}: {}, few rows, so the chunks of {} keys are spread over the threads",
                       to_string(context.isa), name(), kAttentionChunk);
  return fmt::format("{}: {}, {} tiles of up to {} rows", to_string(context.isa), name(),
                     plan.tiles.size(), plan.tile_rows);
}

}  // namespace linnet::kernels::cpu
