// Reading packed weights: the floats of sixteen outputs for four consecutive k at a time, whatever
// the layout, and what every path does with scales and biases of groups.
#if defined(LINNET_KERNELS_CPU_WEIGHTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINNET_KERNELS_CPU_WEIGHTS_INL_H_
#undef LINNET_KERNELS_CPU_WEIGHTS_INL_H_
#else
#define LINNET_KERNELS_CPU_WEIGHTS_INL_H_
#endif

#include "kernels/cpu/matmul_paths.hpp"
#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// The weights of 16 outputs for k, k + 1, k + 2, k + 3.
struct Quad {
  F32x16 k0, k1, k2, k3;
};

/// The q at bit kBit of each lane's word. Whole bytes are skipped by loading from further on, which
/// leaves the shifting port to other work; what lies above the q is ignored.
template <int kWidth, int kBit>
HWY_INLINE F32x16 extract(const uint32_t* words) {
  const I32x16 word = load_bits(reinterpret_cast<const std::byte*>(words) + kBit / 8);
  return small_float<kWidth>((kBit % 8 == 0 ? word : shift_right<kBit % 8>(word)));
}

/// q number kIndex of both halves of a word: k = 2 kIndex and 2 kIndex + 1.
template <int kWidth, int kIndex>
HWY_INLINE void extract_pair(const uint32_t* words, F32x16& even, F32x16& odd) {
  even = extract<kWidth, kWidth * kIndex>(words);
  odd = extract<kWidth, 16 + kWidth * kIndex>(words);
}

/// Calls each(quad index in the word, Quad) for the 8 or 4 consecutive k of a row of words. Reads
/// three bytes beyond it.
template <int kWidth, class Each>
HWY_INLINE void unpack_word(const uint32_t* words, const Each& each) {
  Quad q;
  extract_pair<kWidth, 0>(words, q.k0, q.k1);
  extract_pair<kWidth, 1>(words, q.k2, q.k3);
  each(0, q);
  if constexpr (kWidth == 4) {
    extract_pair<kWidth, 2>(words, q.k0, q.k1);
    extract_pair<kWidth, 3>(words, q.k2, q.k3);
    each(1, q);
  }
}

/// Panels of dense weights.
template <class Element>
struct DenseLayout {
  static constexpr bool kGrouped = false;
  /// Calls each(k / 4, Quad) for begin <= k < end, multiples of 32, of one panel.
  template <class Each>
  static HWY_INLINE void quads(const PackedWeights& w, int64_t panel, int64_t begin, int64_t end,
                               const Each& each) {
    const auto* data = reinterpret_cast<const Element*>(static_cast<const std::byte*>(w.data) +
                                                        panel * w.panel_bytes());
    for (int64_t k = begin; k < end; k += 4) {
      const Element* from = data + k * kLanes;
      Quad q;
      load_weight_pair(from, q.k0, q.k1);
      load_weight_pair(from + 2 * kLanes, q.k2, q.k3);
      each((k - begin) / 4, q);
    }
  }
  static HWY_INLINE void load_weight_pair(const BF16* w, F32x16& even, F32x16& odd) {
    load_pairs(w, even, odd);
  }
  static HWY_INLINE void load_weight_pair(const float* w, F32x16& even, F32x16& odd) {
    even = load(w);
    odd = load(w + kLanes);
  }
};

/// Panels of quantised weights; the floats are the integers q.
template <int kWidth, class Scale>
struct GroupedLayout {
  static constexpr bool kGrouped = true;
  static constexpr int kBits = kWidth;
  static HWY_INLINE const std::byte* group(const PackedWeights& w, int64_t panel, int64_t index) {
    return static_cast<const std::byte*>(w.data) + panel * w.panel_bytes() +
           index * w.group_bytes();
  }
  template <class Each>
  static HWY_INLINE void quads(const PackedWeights& w, int64_t panel, int64_t begin, int64_t end,
                               const Each& each) {
    constexpr int kPerWord = 32 / kWidth;  // k in a word
    const int64_t size = w.quantization.group_size;
    for (int64_t k = begin; k < end; k += size) {
      const auto* words = reinterpret_cast<const uint32_t*>(group(w, panel, k / size));
      for (int64_t i = 0; i < size / kPerWord; ++i)
        unpack_word<kWidth>(words + i * kLanes, [&](int64_t quad, const Quad& q) HWY_ATTR {
          each((k - begin + i * kPerWord) / 4 + quad, q);
        });
    }
  }
  /// Scale and bias of one output's group.
  static HWY_INLINE void scale_of(const PackedWeights& w, int64_t panel, int64_t index,
                                  int64_t lane, float& scale, float& bias) {
    const auto* from = reinterpret_cast<const Scale*>(
        group(w, panel, index) + w.quantization.group_size * kWidth * kLanes / 8);
    float values[2 * kLanes];
    store(load(from), values);
    store(load(from + kLanes), values + kLanes);
    scale = values[lane];
    bias = values[kLanes + lane];
  }
  /// Scales and biases of one group of a panel.
  static HWY_INLINE void group_scales(const PackedWeights& w, int64_t panel, int64_t index,
                                      F32x16& scale, F32x16& bias) {
    const auto* from = reinterpret_cast<const Scale*>(
        group(w, panel, index) + w.quantization.group_size * kWidth * kLanes / 8);
    scale = load(from);
    bias = load(from + kLanes);
  }
  /// Scales and biases of a panel as floats, [groups][16] each.
  static HWY_INLINE void scales(const PackedWeights& w, int64_t panel, float* scales,
                                float* biases) {
    const int64_t skip = w.quantization.group_size * kWidth * kLanes / 8;
    for (int64_t g = 0; g < w.groups(); ++g) {
      const auto* from = reinterpret_cast<const Scale*>(group(w, panel, g) + skip);
      store(load(from), scales + g * kLanes);
      store(load(from + kLanes), biases + g * kLanes);
    }
  }
};

/// Calls use(layout) with the layout of the weights.
template <class Use>
HWY_INLINE void with_layout(const PackedWeights& w, const Use& use) {
  const bool narrow = w.dtype == DType::bf16;
  if (!w.quantization) {
    if (narrow)
      use(DenseLayout<BF16>());
    else
      use(DenseLayout<float>());
  } else if (w.width() == 4) {
    if (narrow)
      use(GroupedLayout<4, BF16>());
    else
      use(GroupedLayout<4, float>());
  } else {
    if (narrow)
      use(GroupedLayout<8, BF16>());
    else
      use(GroupedLayout<8, float>());
  }
}

/// sums[row] += b with b = fma(bias, X, b) over the groups in rising order, for one panel.
///   biases  [groups][16]
HWY_INLINE void add_group_biases(const PreparedRows& x, int64_t groups, const float* biases,
                                 float* sums) {
  constexpr int kRows = 8;  // padded_rows is a multiple of 16
  for (int64_t row = 0; row < x.rows; row += kRows) {
    F32x16 b[kRows];
    for (F32x16& value : b) value = zero();
    for (int64_t g = 0; g < groups; ++g) {
      const F32x16 bias = load(biases + g * kLanes);
      const float* sum = x.group_sums + g * x.padded_rows + row;
      for (int r = 0; r < kRows; ++r) b[r] = fma(bias, set(sum[r]), b[r]);
    }
    for (int r = 0; r < kRows; ++r) {
      float* to = sums + (row + r) * kLanes;
      store(load(to) + b[r], to);
    }
  }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
