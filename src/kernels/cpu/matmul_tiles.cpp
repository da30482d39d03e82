// More rows, bf16, on AMX tiles. TDPBF16PS adds one block of the dot-product contract to a tile of
// sums, so a dense product is the textbook blocking. Quantised weights are unpacked to exact bf16
// integers; every group's tile starts from zero and leaves through memory to be scaled into float32
// sums, which costs as many stores as the products cost cycles if nothing is done about it. So:
//   - the weights of two groups stay in tile registers while the rows of a block pass by;
//   - both groups' tiles are scaled into the sums in one pass;
//   - that pass runs kLag steps behind, when the stored tiles have reached the cache, and fills the
//     ports that the tile unit leaves free.
// Rows come in blocks of 64 so that 256 k of them stay in the first cache, the unpacked weights in
// the second.
#include "kernels/cpu/matmul_paths.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul_tiles.cpp"
#include <hwy/foreach_target.h>

#include "kernels/cpu/tiles-inl.h"
#include "kernels/cpu/weights-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

inline constexpr int64_t kTileK = 32;                 // k of a tile of rows or weights
inline constexpr int64_t kTileWords = 16 * 16;        // floats, or pairs of bf16, of a tile
inline constexpr int64_t kRowTiles = 4;               // row tiles of a block
inline constexpr int64_t kDenseChunkK = 512;          // two panels of it fill 32 KiB
inline constexpr int64_t kLag = 2;                    // steps between a tile's store and its use

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

/// Stored tiles of kGroups groups that wait to be scaled into the sums.
struct Pending {
  float* sums = nullptr;  // [16][16]
  const float* tiles = nullptr;  // [groups][16][16]
  const float* scales = nullptr;  // [groups][16]
  int groups = 0;
  bool first = false;  // the sums start here
};

template <int kGroups>
HWY_INLINE void scale_tiles(const Pending& p) {
  F32x16 scale[kGroups];
  for (int g = 0; g < kGroups; ++g) scale[g] = load(p.scales + g * kLanes);
  for (int row = 0; row < kTileSide; ++row) {
    float* to = p.sums + row * kLanes;
    F32x16 s = p.first ? zero() : load(to);
    for (int g = 0; g < kGroups; ++g)
      s = fma(scale[g], load(p.tiles + g * kTileWords + row * kLanes), s);
    store(s, to);
  }
}

HWY_INLINE void scale_pending(const Pending& p) {
  if (p.groups == 2) return scale_tiles<2>(p);
  if (p.groups == 1) return scale_tiles<1>(p);
}

/// The tiles of a step on their way to the sums: a ring of kLag + 1 steps.
class Ring {
 public:
  /// `room`: (kLag + 1) x 2 tiles.
  explicit Ring(float* room) : room_(room) {}

  HWY_INLINE float* next() { return room_ + at_ * 2 * kTileWords; }
  /// Adds what was stored in next(), and scales what was added kLag steps ago.
  HWY_INLINE void push(const Pending& pending) {
    steps_[at_] = pending;
    at_ = at_ == kLag ? 0 : at_ + 1;
    scale_pending(steps_[at_]);
    steps_[at_].groups = 0;
  }
  void flush() {
    for (int64_t i = 0; i < kLag; ++i) push({});
  }

 private:
  float* room_;
  Pending steps_[kLag + 1];
  int64_t at_ = 0;
};

/// Where an item stands: kGroups groups of kPerGroup tiles of weights of one panel.
struct Item {
  const uint32_t* weights = nullptr;  // [kGroups * kPerGroup] tiles
  const float* scales = nullptr;      // [kGroups][16]
  float* sums = nullptr;              // of the panel
  int64_t k = 0;
};

/// Passes row tiles begin .. end - 1 by the weights of one item.
template <int kGroups, int kPerGroup, class Tiles>
HWY_INLINE void grouped_item(Tiles& tiles, Ring& ring, const PreparedRows& x, const Item& item,
                             int64_t begin, int64_t end) {
  constexpr int kCount = kGroups * kPerGroup;
  static_assert(kGroups <= 2 && kCount <= 4);
  // Sums in tiles 0 and 1, rows in 2 and 3, weights in 4..7.
  tiles.template load<4>(item.weights, kTileBytes);
  if constexpr (kCount > 1) tiles.template load<5>(item.weights + kTileWords, kTileBytes);
  if constexpr (kCount > 2) tiles.template load<6>(item.weights + 2 * kTileWords, kTileBytes);
  if constexpr (kCount > 3) tiles.template load<7>(item.weights + 3 * kTileWords, kTileBytes);
  for (int64_t tile = begin; tile < end; ++tile) {
    const uint32_t* rows = row_tile(x, tile, item.k);
    float* stored = ring.next();
    tiles.template zero<0>();
    tiles.template load<2>(rows, kTileBytes);
    tiles.template dot<0, 2, 4>();
    if constexpr (kCount > 1) {
      constexpr int kSecond = kPerGroup == 1 ? 1 : 0;
      if constexpr (kSecond == 1) tiles.template zero<1>();
      tiles.template load<3>(rows + kTileWords, kTileBytes);
      tiles.template dot<kSecond, 3, 5>();
    }
    if constexpr (kCount > 2) {
      constexpr int kThird = kPerGroup == 2 ? 1 : 0;
      if constexpr (kThird == 1) tiles.template zero<1>();
      tiles.template load<2>(rows + 2 * kTileWords, kTileBytes);
      tiles.template dot<kThird, 2, 6>();
      tiles.template load<3>(rows + 3 * kTileWords, kTileBytes);
      tiles.template dot<kThird, 3, 7>();
    }
    tiles.template store<0>(stored, kTileBytes);
    if constexpr (kGroups > 1) tiles.template store<1>(stored + kTileWords, kTileBytes);
    ring.push({.sums = item.sums + tile * kTileWords,
               .tiles = stored,
               .scales = item.scales,
               .groups = kGroups,
               .first = item.k == 0});
  }
}

/// All items of a panel's chunk of k: as many groups at a time as registers hold.
template <int kPerGroup, class Tiles>
HWY_INLINE void grouped_panel(Tiles& tiles, Ring& ring, const PreparedRows& x, Item item,
                              int64_t count, int64_t begin, int64_t end) {
  constexpr int kGroups = kPerGroup == 4 ? 1 : 2;
  constexpr int64_t group = kPerGroup * kTileK;
  const int64_t stop = item.k + count;
  const auto advance = [&](int groups) HWY_ATTR {
    item.k += groups * group;
    item.weights += groups * kPerGroup * kTileWords;
    item.scales += groups * kLanes;
  };
  for (; item.k + kGroups * group <= stop; advance(kGroups))
    grouped_item<kGroups, kPerGroup>(tiles, ring, x, item, begin, end);
  for (; item.k < stop; advance(1)) grouped_item<1, kPerGroup>(tiles, ring, x, item, begin, end);
}

template <class Layout, class Tiles>
void grouped_tiles(Tiles& tiles, const PreparedRows& x, const PanelRange& range) {
  const PackedWeights& w = range.weights;
  const int64_t panels = range.end - range.begin;
  const int64_t groups = w.groups();
  auto* weights = reinterpret_cast<uint32_t*>(range.scratch);
  auto* room = reinterpret_cast<float*>(weights + kJobPanels * kChunkK * kLanes);
  static_assert((kLag + 1) * 2 * kTileWords <= 4 * 1024);
  float* scales = room + 4 * 1024;
  float* biases = scales + panels * groups * kLanes;
  for (int64_t panel = 0; panel < panels; ++panel)
    Layout::scales(w, range.begin + panel, scales + panel * groups * kLanes,
                   biases + panel * groups * kLanes);
  Ring ring(room);
  const int64_t row_tiles = x.padded_rows / 16;
  for (int64_t k = 0; k < x.k; k += kChunkK) {
    const int64_t count = std::min(kChunkK, x.k - k);
    for (int64_t panel = 0; panel < panels; ++panel) {
      uint32_t* to = weights + panel * count / 2 * kLanes;
      Layout::quads(w, range.begin + panel, k, k + count, [&](int64_t quad, const Quad& q) HWY_ATTR {
        store_bits(bits_of(q.k1) | shift_right_logical<16>(bits_of(q.k0)), to + 2 * quad * kLanes);
        store_bits(bits_of(q.k3) | shift_right_logical<16>(bits_of(q.k2)),
                   to + (2 * quad + 1) * kLanes);
      });
    }
    for (int64_t tile = 0; tile < row_tiles; tile += kRowTiles) {
      const int64_t end = std::min(tile + kRowTiles, row_tiles);
      for (int64_t panel = 0; panel < panels; ++panel) {
        const Item item{.weights = weights + panel * count / 2 * kLanes,
                        .scales = scales + (panel * groups + k / x.group_size) * kLanes,
                        .sums = range.sums + panel * x.padded_rows * kLanes,
                        .k = k};
        if (x.group_size == 32)
          grouped_panel<1>(tiles, ring, x, item, count, tile, end);
        else if (x.group_size == 64)
          grouped_panel<2>(tiles, ring, x, item, count, tile, end);
        else
          grouped_panel<4>(tiles, ring, x, item, count, tile, end);
      }
    }
  }
  ring.flush();
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
