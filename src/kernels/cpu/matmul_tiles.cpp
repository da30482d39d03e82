// More rows, bf16, on AMX tiles. TDPBF16PS adds one block of the dot-product contract to a tile of
// sums. What the code is shaped by (measured on Emerald Rapids, cycles): a product takes 16, and 52
// when its sums were just zeroed; loads and stores of tiles (8 and 16) run beside products if the
// first cache has the data, and one after the other, at half the speed and less, while a neighbour
// on the same core keeps that cache busy. So loads per product are what counts:
//   - dense weights: 2 x 2 tiles of sums, 4 loads for 4 products, is the best that 8 registers
//     allow;
//   - quantised weights are unpacked to exact bf16 integers. Every group's sums start from zero and
//     leave through memory to be scaled into float32 sums. One group of two panels stays in
//     registers while the rows of a block pass by: 2 loads for 4 products. The scaling runs kLag
//     steps behind, when the stored tiles have reached the cache.
// A tile load that misses the first cache costs 60 cycles and more, and prefetching by hand costs
// as much as it saves, so everything is blocked for the first cache: rows in blocks of 64, k in
// chunks of 128 (256 for dense weights).
#include "kernels/cpu/matmul_paths.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul_tiles.cpp"
#include <hwy/foreach_target.h>

#include "kernels/cpu/tiles-inl.h"
#include "kernels/cpu/weights-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

inline constexpr int64_t kTileK = 32;           // k of a tile of rows or weights
inline constexpr int64_t kTileWords = 16 * 16;  // floats, or pairs of bf16, of a tile
inline constexpr int64_t kRowTiles = 8;         // row tiles of a block
inline constexpr int64_t kGroupedChunkK = 128;  // whole groups of every size
inline constexpr int64_t kDenseChunkK = 256;    // two panels of it fill 16 KiB
inline constexpr int64_t kFewRowTiles = 4;      // what is unpacked for so many is used once
inline constexpr int64_t kLag = 2;              // steps between a tile's store and its use

HWY_INLINE const uint32_t* row_tile(const PreparedRows& x, int64_t tile, int64_t k) {
  return static_cast<const uint32_t*>(x.x) + (tile * (x.k / kTileK) + k / kTileK) * kTileWords;
}

/// kR x kP tiles of sums over one chunk of k.
template <int kR, int kP, class Tiles>
HWY_INLINE void dense_step(Tiles& tiles, const PreparedRows& x, const PanelRange& range,
                           int64_t tile, int64_t panel, int64_t begin, int64_t end) {
  const auto sums = [&](int r, int p) HWY_ATTR {
    return range.sums + ((panel + p) * x.padded_rows + (tile + r) * 16) * kLanes;
  };
  const auto weights = [&](int p, int64_t k) HWY_ATTR {
    return static_cast<const std::byte*>(range.weights.data) +
           (range.begin + panel + p) * range.weights.panel_bytes() + k * kLanes * 2;
  };
  // Sums in tiles 0..3, rows in 4 and 5, weights in 6 and 7.
  if (begin == 0) {
    tiles.template zero<0>();
    if constexpr (kP > 1) tiles.template zero<1>();
    if constexpr (kR > 1) tiles.template zero<2>();
    if constexpr (kR > 1 && kP > 1) tiles.template zero<3>();
  } else {
    tiles.template load<0>(sums(0, 0), kTileBytes);
    if constexpr (kP > 1) tiles.template load<1>(sums(0, 1), kTileBytes);
    if constexpr (kR > 1) tiles.template load<2>(sums(1, 0), kTileBytes);
    if constexpr (kR > 1 && kP > 1) tiles.template load<3>(sums(1, 1), kTileBytes);
  }
  for (int64_t k = begin; k < end; k += kTileK) {
    tiles.template load<4>(row_tile(x, tile, k), kTileBytes);
    tiles.template load<6>(weights(0, k), kTileBytes);
    tiles.template dot<0, 4, 6>();
    if constexpr (kP > 1) {
      tiles.template load<7>(weights(1, k), kTileBytes);
      tiles.template dot<1, 4, 7>();
    }
    if constexpr (kR > 1) {
      tiles.template load<5>(row_tile(x, tile + 1, k), kTileBytes);
      tiles.template dot<2, 5, 6>();
      if constexpr (kP > 1) tiles.template dot<3, 5, 7>();
    }
  }
  tiles.template store<0>(sums(0, 0), kTileBytes);
  if constexpr (kP > 1) tiles.template store<1>(sums(0, 1), kTileBytes);
  if constexpr (kR > 1) tiles.template store<2>(sums(1, 0), kTileBytes);
  if constexpr (kR > 1 && kP > 1) tiles.template store<3>(sums(1, 1), kTileBytes);
}

template <int kP, class Tiles>
HWY_INLINE void dense_rows(Tiles& tiles, const PreparedRows& x, const PanelRange& range,
                           int64_t panel, int64_t begin, int64_t end) {
  const int64_t row_tiles = x.padded_rows / 16;
  int64_t tile = 0;
  for (; tile + 2 <= row_tiles; tile += 2)
    dense_step<2, kP>(tiles, x, range, tile, panel, begin, end);
  if (tile < row_tiles) dense_step<1, kP>(tiles, x, range, tile, panel, begin, end);
}

template <class Tiles>
void dense_tiles(Tiles& tiles, const PreparedRows& x, const PanelRange& range) {
  const int64_t panels = range.end - range.begin;
  for (int64_t begin = 0; begin < x.k; begin += kDenseChunkK) {
    const int64_t end = std::min(begin + kDenseChunkK, x.k);
    int64_t panel = 0;
    for (; panel + 2 <= panels; panel += 2) dense_rows<2>(tiles, x, range, panel, begin, end);
    if (panel < panels) dense_rows<1>(tiles, x, range, panel, begin, end);
  }
}

/// Stored tiles of one group and kPanels panels that wait to be scaled into the sums.
struct Pending {
  float* sums = nullptr;          // [16][16] of the first panel; null: nothing waits
  int64_t panel_stride = 0;       // floats between panels of sums
  const float* tiles = nullptr;   // [panels][16][16]
  const float* scales = nullptr;  // [16] of the first panel
  int64_t scale_stride = 0;       // floats between panels of scales
  bool first = false;             // the sums start here
};

template <int kPanels>
HWY_INLINE void scale_tiles(const Pending& p) {
  if (p.sums == nullptr) return;
  for (int panel = 0; panel < kPanels; ++panel) {
    const F32x16 scale = load(p.scales + panel * p.scale_stride);
    float* to = p.sums + panel * p.panel_stride;
    const float* from = p.tiles + panel * kTileWords;
    for (int at = 0; at < kTileWords; at += kLanes)
      store(fma(scale, load(from + at), p.first ? zero() : load(to + at)), to + at);
  }
}

/// The tiles of steps on their way to the sums.
template <int kPanels>
class Ring {
 public:
  /// `room`: kLag + 1 times kPanels tiles.
  explicit Ring(float* room) : room_(room) {}

  HWY_INLINE float* next() { return room_ + at_ * kPanels * kTileWords; }
  /// Adds what was stored in next(), and scales what was added kLag steps ago.
  HWY_INLINE void push(const Pending& pending) {
    steps_[at_] = pending;
    at_ = at_ == kLag ? 0 : at_ + 1;
    scale_tiles<kPanels>(steps_[at_]);
    steps_[at_].sums = nullptr;
  }
  void flush() {
    for (int64_t i = 0; i < kLag; ++i) push({});
  }

 private:
  float* room_;
  Pending steps_[kLag + 1];
  int64_t at_ = 0;
};

/// One group of kPanels panels by the row tiles begin .. end - 1; `pending` is that of row tile 0.
template <int kPanels, int kTiles, class Tiles>
HWY_INLINE void multiply_group(Tiles& tiles, Ring<kPanels>& ring, const PreparedRows& x,
                               const uint32_t* weights, Pending pending, int64_t k, int64_t begin,
                               int64_t end) {
  static_assert(kPanels <= 2 && kPanels * kTiles <= 4);
  // Sums in tiles 0 and 1, rows in 2 and 3, weights in 4..7: [kPanels][kTiles].
  tiles.template load<4>(weights, kTileBytes);
  if constexpr (kPanels * kTiles > 1) tiles.template load<5>(weights + kTileWords, kTileBytes);
  if constexpr (kPanels * kTiles > 2) {
    tiles.template load<6>(weights + 2 * kTileWords, kTileBytes);
    tiles.template load<7>(weights + 3 * kTileWords, kTileBytes);
  }
  pending.sums += begin * kTileWords;
  for (int64_t tile = begin; tile < end; ++tile) {
    const uint32_t* rows = row_tile(x, tile, k);
    tiles.template zero<0>();
    tiles.template load<2>(rows, kTileBytes);
    tiles.template dot<0, 2, 4>();
    if constexpr (kPanels > 1) {
      tiles.template zero<1>();
      tiles.template dot<1, 2, 4 + kTiles>();
    }
    if constexpr (kTiles > 1) {
      tiles.template load<3>(rows + kTileWords, kTileBytes);
      tiles.template dot<0, 3, 5>();
      if constexpr (kPanels > 1) tiles.template dot<1, 3, 5 + kTiles>();
    }
    if constexpr (kTiles > 2) {
      tiles.template load<2>(rows + 2 * kTileWords, kTileBytes);
      tiles.template dot<0, 2, 6>();
      tiles.template load<3>(rows + 3 * kTileWords, kTileBytes);
      tiles.template dot<0, 3, 7>();
    }
    float* stored = ring.next();
    tiles.template store<0>(stored, kTileBytes);
    if constexpr (kPanels > 1) tiles.template store<1>(stored + kTileWords, kTileBytes);
    pending.tiles = stored;
    ring.push(pending);
    pending.sums += kTileWords;
  }
}

/// What is unpacked of a range of panels, and what surrounds it.
struct GroupedRange {
  uint32_t* weights = nullptr;    // room for a chunk of them
  const float* scales = nullptr;  // [panels][groups][16]
  int64_t groups = 0;
  float* sums = nullptr;
  int64_t panels = 0;
  float* room = nullptr;  // of the ring
};

/// 32 / kWidth k of sixteen outputs as rows of a tile: pairs of bf16 integers.
template <int kWidth>
HWY_INLINE void unpack_pairs(const uint32_t* words, uint32_t* to) {
  if constexpr (kWidth == 4) {
    // Bit 4 of an index belongs to the next q: the table holds its sixteen entries twice.
    alignas(64) static constexpr uint16_t kTable[32] = {
        0x0000, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0, 0x40e0, 0x4100, 0x4110, 0x4120,
        0x4130, 0x4140, 0x4150, 0x4160, 0x4170, 0x0000, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0,
        0x40c0, 0x40e0, 0x4100, 0x4110, 0x4120, 0x4130, 0x4140, 0x4150, 0x4160, 0x4170};
    const __m512i table = _mm512_load_si512(kTable);
    const __m512i word = _mm512_loadu_si512(words);
    const auto put = [&](int row, __m512i index) HWY_ATTR {
      _mm512_storeu_si512(to + row * kLanes, _mm512_permutexvar_epi16(index, table));
    };
    put(0, word);
    put(1, _mm512_srli_epi32(word, 4));
    put(2, _mm512_srli_epi32(word, 8));
    put(3, _mm512_srli_epi32(word, 12));
  } else {
    unpack_word<kWidth>(words, [&](int64_t quad, const Quad& q) HWY_ATTR {
      uint32_t* pairs = to + 2 * quad * kLanes;
      store_bits(bits_of(q.k1) | shift_right_logical<16>(bits_of(q.k0)), pairs);
      store_bits(bits_of(q.k3) | shift_right_logical<16>(bits_of(q.k2)), pairs + kLanes);
    });
  }
}

/// The weights of one chunk of k as tiles, [panels / kPanels][groups of the
/// chunk][kPanels][kTiles]. `fetch`: bytes from a word to that of the next chunk, which is fetched
/// meanwhile; 0: none. With few rows nothing else hides the way from memory, and the processor does
/// not foresee it: chunks of a panel are short, and the panels lie far apart.
template <int kPanels, int kTiles, class Layout>
HWY_INLINE void unpack_chunk(const PanelRange& range, uint32_t* to, int64_t first, int64_t end,
                             int64_t k, int64_t count, int64_t fetch) {
  constexpr int64_t kPerWord = 32 / Layout::kBits;
  constexpr int64_t group = kTiles * kTileK;
  for (int64_t panel = first; panel < end; ++panel) {
    const int64_t side = (panel - first) % kPanels;
    for (int64_t at = 0; at < count; at += group) {
      uint32_t* tiles = to + ((panel - first - side) * count + at * kPanels) / 2 * kLanes +
                        side * kTiles * kTileWords;
      const auto* words = reinterpret_cast<const uint32_t*>(
          Layout::group(range.weights, range.begin + panel, (k + at) / group));
      if (fetch != 0)
        for (int64_t i = 0; i < group / kPerWord; ++i)
          _mm_prefetch(reinterpret_cast<const char*>(words + i * kLanes) + fetch, _MM_HINT_T0);
      for (int64_t i = 0; i < group / kPerWord; ++i)
        unpack_pairs<Layout::kBits>(words + i * kLanes, tiles + i * (kPerWord / 2) * kLanes);
    }
  }
}

/// One chunk of k of the panels from `first` on, kPanels at a time.
template <int kPanels, int kTiles, class Layout, class Tiles>
void grouped_chunk(Tiles& tiles, const PreparedRows& x, const PanelRange& panels,
                   const GroupedRange& range, int64_t first, int64_t k) {
  constexpr int64_t group = kTiles * kTileK;
  const int64_t end = first + (range.panels - first) / kPanels * kPanels;
  if (first == end) return;
  const int64_t count = std::min(kGroupedChunkK, x.k - k);
  const int64_t row_tiles = x.padded_rows / 16;
  const auto* here =
      reinterpret_cast<const std::byte*>(Layout::group(panels.weights, 0, k / group));
  const auto* next =
      reinterpret_cast<const std::byte*>(Layout::group(panels.weights, 0, (k + count) / group));
  Ring<kPanels> ring(range.room);
  const auto multiply = [&](int64_t panel, const uint32_t* weights, int64_t tile) HWY_ATTR {
    for (int64_t at = 0; at < count; at += group)
      multiply_group<kPanels, kTiles>(
          tiles, ring, x, weights + at * kPanels / 2 * kLanes,
          {.sums = range.sums + panel * x.padded_rows * kLanes,
           .panel_stride = x.padded_rows * kLanes,
           .scales = range.scales + (panel * range.groups + (k + at) / group) * kLanes,
           .scale_stride = range.groups * kLanes,
           .first = k + at == 0},
          k + at, tile, std::min(tile + kRowTiles, row_tiles));
  };
  if (row_tiles <= kFewRowTiles) {
    // Two panels at a time, one step ahead: what is unpacked is used once, from the first cache.
    const int64_t words = kPanels * kGroupedChunkK / 2 * kLanes;
    const auto unpacked = [&](int64_t panel) {
      return range.weights + (panel - first) / kPanels % 2 * words;
    };
    const int64_t fetch = k + 2 * kGroupedChunkK <= x.k ? next - here : 0;
    for (int64_t panel = first - kPanels; panel < end; panel += kPanels) {
      const int64_t ahead = panel + kPanels;
      if (ahead < end)
        unpack_chunk<kPanels, kTiles, Layout>(panels, unpacked(ahead), ahead, ahead + kPanels, k,
                                              count, fetch);
      if (panel >= first) multiply(panel, unpacked(panel), 0);
    }
  } else {
    unpack_chunk<kPanels, kTiles, Layout>(panels, range.weights, first, end, k, count, 0);
    for (int64_t tile = 0; tile < row_tiles; tile += kRowTiles)
      for (int64_t panel = first; panel < end; panel += kPanels)
        multiply(panel, range.weights + (panel - first) * count / 2 * kLanes, tile);
  }
  ring.flush();
}

template <class Layout, class Tiles>
void grouped_tiles(Tiles& tiles, const PreparedRows& x, const PanelRange& range) {
  const PackedWeights& w = range.weights;
  const int64_t panels = range.end - range.begin;
  const int64_t groups = w.groups();
  auto* weights = reinterpret_cast<uint32_t*>(range.scratch);
  auto* room = reinterpret_cast<float*>(weights + kJobPanels * kChunkK * kLanes);
  float* scales = room + (kLag + 1) * 2 * kTileWords;
  static_assert((kLag + 1) * 2 * kTileWords <= 8 * 1024);
  float* biases = scales + panels * groups * kLanes;
  for (int64_t panel = 0; panel < panels; ++panel)
    Layout::scales(w, range.begin + panel, scales + panel * groups * kLanes,
                   biases + panel * groups * kLanes);
  const GroupedRange to{.weights = weights,
                        .scales = scales,
                        .groups = groups,
                        .sums = range.sums,
                        .panels = panels,
                        .room = room};
  const int64_t paired = panels / 2 * 2;
  for (int64_t k = 0; k < x.k; k += kGroupedChunkK) {
    switch (x.group_size) {
      case 32:
        grouped_chunk<2, 1, Layout>(tiles, x, range, to, 0, k);
        grouped_chunk<1, 1, Layout>(tiles, x, range, to, paired, k);
        break;
      case 64:
        grouped_chunk<2, 2, Layout>(tiles, x, range, to, 0, k);
        grouped_chunk<1, 2, Layout>(tiles, x, range, to, paired, k);
        break;
      default: grouped_chunk<1, 4, Layout>(tiles, x, range, to, 0, k);
    }
  }
  for (int64_t panel = 0; panel < panels; ++panel)
    add_group_biases(x, groups, biases + panel * groups * kLanes,
                     range.sums + panel * x.padded_rows * kLanes);
}

template <class Tiles>
void multiply_on(const PreparedRows& x, const PanelRange& range) {
  Tiles tiles;
  with_layout(range.weights, [&](auto layout) HWY_ATTR {
    using Layout = decltype(layout);
    if constexpr (Layout::kGrouped)
      grouped_tiles<Layout>(tiles, x, range);
    else
      dense_tiles(tiles, x, range);
  });
}

void MultiplyTiles(const PreparedRows& x, const PanelRange& range, bool emulated) {
  if (emulated)
    multiply_on<EmulatedTiles>(x, range);
  else
    multiply_on<HardwareTiles>(x, range);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "base/error.hpp"

namespace linnet::kernels::cpu {

void multiply_tiles(const PreparedRows& x, const PanelRange& range, bool emulated) {
#if (HWY_TARGETS & HWY_AVX3) != 0
  N_AVX3::MultiplyTiles(x, range, emulated);
#else
  (void)x, (void)range, (void)emulated;
  fail(ErrorCode::internal, "this build has no AVX-512 kernels");
#endif
}

}  // namespace linnet::kernels::cpu
#endif
