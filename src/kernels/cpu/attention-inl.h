// What the paths of attention share: rows and what they see, the softmax of a chunk, the walk over
// chunks, and the products by vectors. See attention_paths.hpp.
#if defined(LINNET_KERNELS_CPU_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINNET_KERNELS_CPU_ATTENTION_INL_H_
#undef LINNET_KERNELS_CPU_ATTENTION_INL_H_
#else
#define LINNET_KERNELS_CPU_ATTENTION_INL_H_
#endif

#include <algorithm>
#include <limits>

#include "kernels/cpu/attention_paths.hpp"
#include "kernels/cpu/dot-inl.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

inline constexpr float kMasked = -std::numeric_limits<float>::infinity();

/// Rows of a tile, a range.
struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;

  [[nodiscard]] bool empty() const { return begin >= end; }
};

/// Which keys the rows of a tile see. Rows come in the order of their tokens, so those that see a
/// key are neighbours.
class Sight {
 public:
  Sight(const AttentionArgs& a, const QueryTile& tile, const AttentionSizes& sizes)
      : first_position_(tile.sequence->first_position),
        window_(a.window),
        begin_(tile.begin),
        count_(tile.count),
        group_(sizes.group) {}

  [[nodiscard]] int64_t position(int64_t row) const {
    return first_position_ + (begin_ + row) / group_;
  }
  [[nodiscard]] int64_t first_key(int64_t row) const {
    return window_ > 0 ? std::max<int64_t>(0, position(row) - window_ + 1) : 0;
  }
  [[nodiscard]] int64_t lowest() const { return first_key(0); }
  [[nodiscard]] int64_t highest() const { return position(count_ - 1); }

  /// The rows that see any of the keys from `start` on, `keys` of them.
  [[nodiscard]] RowRange rows(int64_t start, int64_t keys) const {
    const int64_t last = start + keys - 1;
    RowRange range{0, count_};
    if (start > first_position_) range.begin = (start - first_position_) * group_ - begin_;
    // A row sees `last` or a key before it if its position is below last + window.
    if (window_ > 0) range.end = (last + window_ - first_position_) * group_ - begin_;
    return {std::max<int64_t>(range.begin, 0), std::clamp<int64_t>(range.end, 0, count_)};
  }

 private:
  int64_t first_position_;
  int64_t window_;
  int64_t begin_;
  int64_t count_;
  int64_t group_;
};

/// One block of a chunk, and the rows that see it.
template <class Element>
struct ChunkBlock {
  const Element* keys = nullptr;
  const Element* values = nullptr;
  const Element* values_after = nullptr;  // of the same block of the next chunk
  RowRange rows;
};

/// The keys of the block from position `start` on; null if no row sees it.
template <class Element>
HWY_INLINE const Element* keys_at(const AttentionArgs& a, const QueryTile& tile, const Sight& sight,
                                  int64_t start) {
  if (start > sight.highest() || sight.rows(start, kBlockTokens).empty()) return nullptr;
  return reinterpret_cast<const Element*>(tile.sequence->blocks[start / kBlockTokens] +
                                          a.layer_offset) +
         tile.kv_head * a.layout.head_elements();
}

template <class Element>
HWY_INLINE void find_blocks(const AttentionArgs& a, const QueryTile& tile, const Sight& sight,
                            int64_t chunk, ChunkBlock<Element> (&blocks)[kChunkBlocks]) {
  for (int64_t i = 0; i < kChunkBlocks; ++i) {
    const int64_t start = chunk * kAttentionChunk + i * kBlockTokens;
    blocks[i] = {};
    blocks[i].keys = keys_at<Element>(a, tile, sight, start);
    if (blocks[i].keys == nullptr) continue;
    blocks[i].rows = sight.rows(start, kBlockTokens);
    blocks[i].values = blocks[i].keys + a.layout.key_elements();
    const auto* after = keys_at<Element>(a, tile, sight, start + kAttentionChunk);
    if (after != nullptr) blocks[i].values_after = after + a.layout.key_elements();
  }
}

/// Keys of a chunk that a row sees: first .. last, none if last < first.
struct Seen {
  int64_t first;
  int64_t last;
};
HWY_INLINE Seen seen_keys(const Sight& sight, int64_t row, int64_t chunk) {
  const int64_t start = chunk * kAttentionChunk;
  return {std::max<int64_t>(sight.first_key(row) - start, 0),
          std::min<int64_t>(sight.position(row) - start, kAttentionChunk - 1)};
}

/// Scales the scores of a row, masks those it does not see, returns the largest of them and
/// `maximum`. Vectors without a key that the row sees are left alone.
HWY_INLINE float mask_scores(float* scores, Seen seen, F32x16 scale, float maximum) {
  alignas(64) static constexpr float kLane[kLanes] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                      8, 9, 10, 11, 12, 13, 14, 15};
  F32x16 largest = set(maximum);
  const int64_t end = seen.last / kLanes;
  for (int64_t i = seen.first / kLanes; i <= end; ++i) {
    F32x16 s = load(scores + i * kLanes) * scale;
    if (i * kLanes < seen.first)
      s = select(load(kLane) < set(static_cast<float>(seen.first - i * kLanes)), set(kMasked), s);
    if ((i + 1) * kLanes > seen.last + 1)
      s = select(set(static_cast<float>(seen.last - i * kLanes)) < load(kLane), set(kMasked), s);
    largest = max(s, largest);
    store(s, scores + i * kLanes);
  }
  return max_lanes(largest);
}

/// Calls put(i, probabilities) for the eight vectors of a chunk, 0 where the row sees no key;
/// returns sum + their sum.
template <class Put>
HWY_INLINE F32x16 exp_scores(const float* scores, Seen seen, float maximum, F32x16 sum,
                             const Put& put) {
  const F32x16 largest = set(maximum);
  constexpr int64_t vectors = kAttentionChunk / kLanes;
  const int64_t begin = seen.first / kLanes;
  const int64_t end = seen.last / kLanes + 1;
  for (int64_t i = 0; i < begin; ++i) put(i, zero());
  for (int64_t i = begin; i < end; ++i) {
    const F32x16 p = exp_nonpositive(load(scores + i * kLanes) - largest);
    sum = sum + p;
    put(i, p);
  }
  for (int64_t i = end; i < vectors; ++i) put(i, zero());
  return sum;
}

/// y = sums / sum of probabilities, for one row.
HWY_INLINE void write_row(const AttentionArgs& a, const QueryTile& tile,
                          const AttentionSizes& sizes, int64_t row, const float* sums,
                          const float* lane_sums) {
  const int64_t token = (tile.begin + row) / sizes.group;
  const int64_t head = tile.kv_head * sizes.group + (tile.begin + row) % sizes.group;
  float* y = a.y + ((tile.sequence->first_row + token) * a.heads + head) * sizes.dim;
  const F32x16 scale = set(1.0F) / set(sum_lanes(load(lane_sums)));
  for (int64_t i = 0; i < sizes.dim; i += kLanes) {
    // Adding +0 makes every zero positive: blocks of masked keys may or may not have been added.
    const F32x16 v = load(sums + i) * scale + zero();
    const int64_t n = std::min<int64_t>(kLanes, sizes.dim - i);
    if (n == kLanes)
      store(v, y + i);
    else
      store_partial(v, y + i, n);
  }
}

/// Calls put(row, i, sixteen elements from 16 i on) for all rows of a tile, padded with zeros.
template <class Put>
HWY_INLINE void for_queries(const AttentionArgs& a, const QueryTile& tile,
                            const AttentionSizes& sizes, const Put& put) {
  for (int64_t row = 0; row < tile.count; ++row) {
    const int64_t token = (tile.begin + row) / sizes.group;
    const int64_t head = tile.kv_head * sizes.group + (tile.begin + row) % sizes.group;
    const float* q = a.queries + ((tile.sequence->first_row + token) * a.heads + head) * sizes.dim;
    for (int64_t i = 0; i < sizes.padded; i += kLanes) {
      const int64_t n = std::clamp<int64_t>(sizes.dim - i, 0, kLanes);
      put(row, i / kLanes,
          n == kLanes ? load(q + i) : (n > 0 ? load_partial(q + i, n, 0.0F) : zero()));
    }
  }
}

/// The walk of a tile over its keys. An Engine has
///   Element
///   put_queries(a, tile, sizes, room)
///   scores(a, sizes, room, blocks, next)   scores[row][32 i ...] of block i, for its rows; next
///                                          are the keys after the chunk
///   put(a, room, row, i, p)                sixteen probabilities
///   weigh(sizes, room, blocks, rescale)    sums = sums * rescale + probabilities times values,
///                                          for rows with a rescale of at least 0
template <class Engine>
HWY_INLINE void walk(Engine& engine, const AttentionArgs& a, const QueryTile& tile,
                     const TileRoom& room) {
  using Element = typename Engine::Element;
  const AttentionSizes sizes(a.layout, a.heads);
  const Sight sight(a, tile, sizes);
  float maxima[kTileRows];
  float rescale[kTileRows];
  std::fill(maxima, maxima + kTileRows, kMasked);
  std::fill(room.sums, room.sums + tile.count * sizes.width, 0.0F);
  std::fill(room.lane_sums, room.lane_sums + tile.count * kLanes, 0.0F);
  engine.put_queries(a, tile, sizes, room);
  const F32x16 scale = set(a.scale);
  const int64_t end = sight.highest() / kAttentionChunk + 1;
  for (int64_t chunk = sight.lowest() / kAttentionChunk; chunk < end; ++chunk) {
    ChunkBlock<Element> blocks[kChunkBlocks];
    find_blocks(a, tile, sight, chunk, blocks);
    engine.scores(a, sizes, room, blocks,
                  keys_at<Element>(a, tile, sight, (chunk + 1) * kAttentionChunk));
    const RowRange rows = sight.rows(chunk * kAttentionChunk, kAttentionChunk);
    float largest[kTileRows];
    for (int64_t row = rows.begin; row < rows.end; ++row)
      largest[row] = mask_scores(room.scores + row * kAttentionChunk, seen_keys(sight, row, chunk),
                                 scale, maxima[row]);
    for (int64_t row = rows.begin; row < rows.end; row += kLanes) {
      const int64_t n = std::min<int64_t>(kLanes, rows.end - row);
      store_partial(exp_nonpositive(load_partial(maxima + row, n, 0.0F) -
                                    load_partial(largest + row, n, 0.0F)),
                    rescale + row, n);
    }
    std::fill(rescale, rescale + rows.begin, -1.0F);
    std::fill(rescale + rows.end, rescale + tile.count, -1.0F);
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      maxima[row] = largest[row];
      float* lane_sums = room.lane_sums + row * kLanes;
      const F32x16 sum =
          exp_scores(room.scores + row * kAttentionChunk, seen_keys(sight, row, chunk),
                     largest[row], load(lane_sums) * set(rescale[row]),
                     [&](int64_t i, F32x16 p) HWY_ATTR { engine.put(a, room, row, i, p); });
      store(sum, lane_sums);
    }
    engine.weigh(sizes, room, blocks, rescale);
  }
  for (int64_t row = 0; row < tile.count; ++row)
    write_row(a, tile, sizes, row, room.sums + row * sizes.width, room.lane_sums + row * kLanes);
}

// Products by vectors.

/// Asks for the 1 KiB from `from` on to be in the second cache.
HWY_INLINE void prefetch_kib(const void* from) {
  for (int line = 0; line < 1024; line += 64)
    __builtin_prefetch(static_cast<const std::byte*>(from) + line, 0, 2);
}

/// scores[row][0 .. 31] of one block of keys.
///   next  what is read after it, asked for on the way, or null
template <class Dots>
HWY_INLINE void score_block(const AttentionSizes& sizes, const typename Dots::Row* queries,
                            const typename Dots::Panel* keys, RowRange rows, float* scores,
                            const typename Dots::Panel* next) {
  using Panel = typename Dots::Panel;
  constexpr auto kKib = static_cast<int64_t>(1024 / sizeof(Panel));
  const int64_t panel_stride = sizes.padded * kLanes;
  for_row_groups(rows.begin, rows.end, [&](auto count, int64_t row) HWY_ATTR {
    constexpr int kR = decltype(count)::value;
    for (int64_t panel = 0; panel < 2; panel += kDotPanels) {
      F32x16 acc[kR][kDotPanels];
      for (int r = 0; r < kR; ++r)
        for (int p = 0; p < kDotPanels; ++p) acc[r][p] = zero();
      for (int64_t k = 0; k < sizes.padded; k += 32) {
        const Panel* panels[kDotPanels];
        for (int p = 0; p < kDotPanels; ++p) {
          const int64_t at = (panel + p) * panel_stride + k * kLanes;
          panels[p] = keys + at;
          if (next != nullptr && row == rows.begin)
            for (int64_t i = 0; i < 32 * kLanes; i += kKib) prefetch_kib(next + at + i);
        }
        add_block<Dots, kR, kDotPanels>(queries + row * sizes.padded + k, sizes.padded, panels,
                                        acc);
      }
      for (int r = 0; r < kR; ++r)
        for (int p = 0; p < kDotPanels; ++p)
          store(acc[r][p], scores + (row + r) * kAttentionChunk + (panel + p) * kLanes);
    }
  });
}

/// scores[row][0 .. 127] of a few rows, from keys as packed. They read every key once and would
/// wait for memory: blocks lie apart, where the processor's own prefetching does not follow.
///   next  the keys of the block after the chunk, or null
template <class Dots>
HWY_INLINE void score_few(const AttentionSizes& sizes, const typename Dots::Row* queries,
                          const ChunkBlock<typename Dots::Panel> (&blocks)[kChunkBlocks],
                          const typename Dots::Panel* next, float* scores) {
  for (int64_t i = 0; i < kChunkBlocks; ++i)
    if (blocks[i].keys != nullptr)
      score_block<Dots>(sizes, queries, blocks[i].keys, blocks[i].rows, scores + i * kBlockTokens,
                        i + 1 < kChunkBlocks ? blocks[i + 1].keys : next);
}

/// The blocks of a chunk for kP panels of outputs.
template <class Dots, int kP>
struct ValuePanels {
  const typename Dots::Panel* panels[kChunkBlocks][kP];
  RowRange rows[kChunkBlocks];
  RowRange all;
};

/// Calls emit(row, panel of kP, value) with the products of the rows' probabilities by the values.
template <class Dots, int kP, class Emit>
HWY_INLINE void weigh_panels(const typename Dots::Row* probabilities,
                             const ValuePanels<Dots, kP>& values, const Emit& emit) {
  for_row_groups(values.all.begin, values.all.end, [&](auto count, int64_t row) HWY_ATTR {
    constexpr int kR = decltype(count)::value;
    F32x16 acc[kR][kP];
    for (int r = 0; r < kR; ++r)
      for (int p = 0; p < kP; ++p) acc[r][p] = zero();
    for (int64_t i = 0; i < kChunkBlocks; ++i)
      if (row < values.rows[i].end && row + kR > values.rows[i].begin)
        add_block<Dots, kR, kP>(probabilities + row * kAttentionChunk + i * kBlockTokens,
                                kAttentionChunk, values.panels[i], acc);
    for (int r = 0; r < kR; ++r)
      for (int p = 0; p < kP; ++p) emit(row + r, p, acc[r][p]);
  });
}

/// Keys and values as packed. kAhead: for a few rows, that wait for memory.
template <class DotsOf, bool kAheadOf>
struct Packed {
  using Dots = DotsOf;
  using Element = typename Dots::Panel;
  static constexpr bool kAhead = kAheadOf;
  static constexpr int64_t kKib = 1024 / static_cast<int64_t>(sizeof(Element));

  static HWY_INLINE const Element* keys(const Element* keys, int64_t, std::byte*) { return keys; }
  template <int kP>
  static HWY_INLINE void values(const ChunkBlock<Element>& block, int64_t i, int64_t panel,
                                std::byte*, ValuePanels<Dots, kP>& to) {
    for (int p = 0; p < kP; ++p) {
      to.panels[i][p] = block.values + (panel + p) * Dots::kPanelElements;
      if constexpr (kAhead) {
        const Element* next = block.values_after;
        for (int64_t at = 0; next != nullptr && at < Dots::kPanelElements; at += kKib)
          prefetch_kib(next + (panel + p) * Dots::kPanelElements + at);
      }
    }
  }
};

/// Keys and values unpacked once for all rows of a tile, by kUnpack.
template <class DotsOf, class ElementOf, void (*kUnpack)(const ElementOf*, typename DotsOf::Panel*)>
struct Unpacked {
  using Dots = DotsOf;
  using Element = ElementOf;
  using Panel = typename Dots::Panel;
  static constexpr bool kAhead = false;

  static HWY_INLINE const Panel* keys(const Element* keys, int64_t padded, std::byte* scratch) {
    auto* to = reinterpret_cast<Panel*>(scratch);
    for (int64_t i = 0; i < 2 * padded * kLanes; i += Dots::kPanelElements)
      kUnpack(keys + i, to + i);
    return to;
  }
  template <int kP>
  static HWY_INLINE void values(const ChunkBlock<Element>& block, int64_t i, int64_t panel,
                                std::byte* scratch, ValuePanels<Dots, kP>& to) {
    for (int p = 0; p < kP; ++p) {
      auto* unpacked = reinterpret_cast<Panel*>(scratch) + (i * kP + p) * Dots::kPanelElements;
      kUnpack(block.values + (panel + p) * Dots::kPanelElements, unpacked);
      to.panels[i][p] = unpacked;
    }
  }
};

/// Products of probabilities by all panels of values.
///   emit(row, panel, value)
template <class Source, class Emit>
HWY_INLINE void weigh_chunk(const AttentionSizes& sizes,
                            const typename Source::Dots::Row* probabilities,
                            const ChunkBlock<typename Source::Element> (&blocks)[kChunkBlocks],
                            std::byte* scratch, const Emit& emit) {
  using Dots = typename Source::Dots;
  const auto weigh = [&](auto panels, int64_t panel) HWY_ATTR {
    constexpr int kP = decltype(panels)::value;
    ValuePanels<Dots, kP> values;
    values.all = {std::numeric_limits<int64_t>::max(), 0};
    for (int64_t i = 0; i < kChunkBlocks; ++i) {
      values.rows[i] = blocks[i].rows;
      if (blocks[i].values == nullptr) continue;
      values.all.begin = std::min(values.all.begin, blocks[i].rows.begin);
      values.all.end = std::max(values.all.end, blocks[i].rows.end);
      Source::template values<kP>(blocks[i], i, panel, scratch, values);
    }
    weigh_panels<Dots, kP>(probabilities, values, [&](int64_t row, int p, F32x16 value) HWY_ATTR {
      emit(row, panel + p, value);
    });
  };
  int64_t panel = 0;
  for (; panel + kDotPanels <= sizes.width / kLanes; panel += kDotPanels)
    weigh(Count<kDotPanels>(), panel);
  for (; panel < sizes.width / kLanes; ++panel) weigh(Count<1>(), panel);
}

/// Rows of floats; rounded to bf16 where a product asks for it.
struct FloatRows {
  using Row = float;
  static HWY_INLINE void put(F32x16 v, bool round, int64_t i, float* row) {
    if (round) {
      BF16 rounded[kLanes];
      store(v, rounded);
      v = load(rounded);
    }
    store(v, row + i * kLanes);
  }
};

/// An Engine of walk() on vectors.
template <class Source, class Rows>
struct VectorEngine {
  using Element = typename Source::Element;
  using Dots = typename Source::Dots;
  using Row = typename Rows::Row;
  static_assert(std::is_same_v<Row, typename Dots::Row>);

  static HWY_INLINE Row* probabilities(const TileRoom& room) {
    // A row's scores are read before its probabilities are stored; floats fit their place.
    if constexpr (std::is_same_v<Row, float>)
      return room.scores;
    else
      return reinterpret_cast<Row*>(room.probabilities);
  }

  HWY_INLINE void put_queries(const AttentionArgs& a, const QueryTile& tile,
                              const AttentionSizes& sizes, const TileRoom& room) {
    auto* to = reinterpret_cast<Row*>(room.queries);
    for_queries(a, tile, sizes, [&](int64_t row, int64_t i, F32x16 q) HWY_ATTR {
      Rows::put(q, a.round_to_bf16, i, to + row * sizes.padded);
    });
  }
  HWY_INLINE void scores(const AttentionArgs&, const AttentionSizes& sizes, const TileRoom& room,
                         const ChunkBlock<Element> (&blocks)[kChunkBlocks], const Element* next) {
    const auto* queries = reinterpret_cast<const Row*>(room.queries);
    if constexpr (Source::kAhead) return score_few<Dots>(sizes, queries, blocks, next, room.scores);
    for (int64_t i = 0; i < kChunkBlocks; ++i)
      if (blocks[i].keys != nullptr)
        score_block<Dots>(sizes, queries, Source::keys(blocks[i].keys, sizes.padded, room.scratch),
                          blocks[i].rows, room.scores + i * kBlockTokens, nullptr);
  }
  HWY_INLINE void put(const AttentionArgs& a, const TileRoom& room, int64_t row, int64_t i,
                      F32x16 p) {
    Rows::put(p, a.round_to_bf16, i, probabilities(room) + row * kAttentionChunk);
  }
  HWY_INLINE void weigh(const AttentionSizes& sizes, const TileRoom& room,
                        const ChunkBlock<Element> (&blocks)[kChunkBlocks], const float* rescale) {
    weigh_chunk<Source>(sizes, probabilities(room), blocks, room.scratch,
                        [&](int64_t row, int64_t panel, F32x16 value) HWY_ATTR {
                          if (rescale[row] < 0) return;
                          float* sum = room.sums + row * sizes.width + panel * kLanes;
                          store(fma(load(sum), set(rescale[row]), value), sum);
                        });
  }
};

template <class Source, class Rows>
void attend_by_vectors(const AttentionArgs& a, const QueryTile& tile, const TileRoom& room) {
  VectorEngine<Source, Rows> engine;
  walk(engine, a, tile, room);
}

// A chunk on its own, for few rows.

template <class Rows>
void prepare_split(const AttentionArgs& a, const QueryTile& tile, std::byte* queries) {
  const AttentionSizes sizes(a.layout, a.heads);
  auto* to = reinterpret_cast<typename Rows::Row*>(queries);
  for_queries(a, tile, sizes, [&](int64_t row, int64_t i, F32x16 q) HWY_ATTR {
    Rows::put(q, a.round_to_bf16, i, to + row * sizes.padded);
  });
}

template <class Source>
void score_split(const AttentionArgs& a, const SplitChunk& chunk) {
  using Element = typename Source::Element;
  const AttentionSizes sizes(a.layout, a.heads);
  const Sight sight(a, *chunk.tile, sizes);
  ChunkBlock<Element> blocks[kChunkBlocks];
  find_blocks(a, *chunk.tile, sight, chunk.chunk, blocks);
  score_few<typename Source::Dots>(
      sizes, reinterpret_cast<const typename Source::Dots::Row*>(chunk.queries), blocks,
      keys_at<Element>(a, *chunk.tile, sight, (chunk.chunk + 1) * kAttentionChunk), chunk.scores);
  for (int64_t row = 0; row < chunk.tile->count; ++row) {
    const Seen seen = seen_keys(sight, row, chunk.chunk);
    const bool sees = seen.first <= seen.last;
    chunk.rescale[row] = sees ? 0 : -1;
    if (sees)
      chunk.maxima[row] =
          mask_scores(chunk.scores + row * kAttentionChunk, seen, set(a.scale), kMasked);
  }
}

template <class Source, class Rows>
void weigh_split(const AttentionArgs& a, const SplitChunk& chunk) {
  using Element = typename Source::Element;
  using Row = typename Rows::Row;
  const AttentionSizes sizes(a.layout, a.heads);
  const Sight sight(a, *chunk.tile, sizes);
  ChunkBlock<Element> blocks[kChunkBlocks];
  find_blocks(a, *chunk.tile, sight, chunk.chunk, blocks);
  alignas(64) Row probabilities[kSplitRows * kAttentionChunk];
  for (int64_t row = 0; row < chunk.tile->count; ++row) {
    if (chunk.rescale[row] < 0) continue;
    float* scores = chunk.scores + row * kAttentionChunk;
    exp_scores(scores, seen_keys(sight, row, chunk.chunk), chunk.maxima[row], zero(),
               [&](int64_t i, F32x16 p) HWY_ATTR {
                 store(p, scores + i * kLanes);
                 Rows::put(p, a.round_to_bf16, i, probabilities + row * kAttentionChunk);
               });
  }
  weigh_chunk<Source>(sizes, probabilities, blocks, nullptr,
                      [&](int64_t row, int64_t panel, F32x16 value) HWY_ATTR {
                        store(value, chunk.weighted + row * sizes.width + panel * kLanes);
                      });
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
