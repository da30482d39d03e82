// The dot-product contract on sixteen outputs at a time, for attention: the inner loops that differ
// by instruction, behind one interface.
//
// A struct of this file says how the left rows lie (Row), how the right panels lie (Panel), and has
//   block<kR, kP>   the even and odd chains of one block of 32 k, for kR rows and kP panels
// Panels are as kernels/matmul.hpp packs them ("raw"), or unpacked once into the layout that the
// instruction wants, which pays when many rows pass over them.
#if defined(LINNET_KERNELS_CPU_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINNET_KERNELS_CPU_DOT_INL_H_
#undef LINNET_KERNELS_CPU_DOT_INL_H_
#else
#define LINNET_KERNELS_CPU_DOT_INL_H_
#endif

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

// Tiles that keep both chains of every output in registers: 32 of them with AVX-512, 16 elsewhere
// (of half the width).
#if HWY_TARGET == HWY_AVX3
inline constexpr int kDotRows = 4;
inline constexpr int kDotPanels = 2;
#else
inline constexpr int kDotRows = 3;
inline constexpr int kDotPanels = 1;
#endif

template <int kR, int kP>
struct Chains {
  F32x16 even[kR][kP];
  F32x16 odd[kR][kP];
};

/// Rows of floats by panels as they are packed: f32, or bf16 widened in registers.
template <class Element>
struct FloatDots {
  using Row = float;
  using Panel = Element;
  static constexpr int64_t kPanelElements = 32 * kLanes;  // of one block

  static HWY_INLINE void load_pair(const BF16* from, F32x16& even, F32x16& odd) {
    load_pairs(from, even, odd);
  }
  static HWY_INLINE void load_pair(const float* from, F32x16& even, F32x16& odd) {
    even = load(from);
    odd = load(from + kLanes);
  }

  template <int kR, int kP>
  static HWY_INLINE void block(const float* x, int64_t stride, const Element* const (&panels)[kP],
                               Chains<kR, kP>& chains) {
    for (int pair = 0; pair < 16; ++pair) {
      F32x16 w_even[kP];
      F32x16 w_odd[kP];
      for (int p = 0; p < kP; ++p) load_pair(panels[p] + pair * 2 * kLanes, w_even[p], w_odd[p]);
      for (int r = 0; r < kR; ++r) {
        const F32x16 x_even = set(x[r * stride + 2 * pair]);
        for (int p = 0; p < kP; ++p) chains.even[r][p] = fma(x_even, w_even[p], chains.even[r][p]);
        const F32x16 x_odd = set(x[r * stride + 2 * pair + 1]);
        for (int p = 0; p < kP; ++p) chains.odd[r][p] = fma(x_odd, w_odd[p], chains.odd[r][p]);
      }
    }
  }
};

/// Widens a block of a panel for FloatDots<float>.
HWY_INLINE void unpack_floats(const BF16* from, float* to) {
  for (int pair = 0; pair < 16; ++pair) {
    F32x16 even;
    F32x16 odd;
    load_pairs(from + pair * 2 * kLanes, even, odd);
    store(even, to + pair * 2 * kLanes);
    store(odd, to + (pair * 2 + 1) * kLanes);
  }
}

#if HWY_TARGET == HWY_AVX3

// VDPBF16PS computes acc = fma(low, low', fma(high, high', acc)), each step rounded to nearest even
// and flushed: two steps of one chain, the high element first. So a word holds (k + 2, k) as (low,
// high) for the even chain, or (k + 3, k + 1) for the odd one; four k are one word of each.

/// acc = fma(low, low', fma(high, high', acc)) on the bf16 pairs of two registers.
HWY_INLINE void dot_words(F32x16& acc, I32x16 a, I32x16 b) {
  // In assembler: the instruction is not among the features that Highway compiles this target for.
  // A member as its operand would pin the chain to memory.
  __m512 sum = acc.part[0].raw;
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a.part[0].raw), "v"(b.part[0].raw));
  acc.part[0].raw = sum;
}

/// Two bf16 in every lane. (Read as one word: two neighbours read together would pass through an
/// integer register, and the broadcast from there competes with the products.)
HWY_INLINE I32x16 repeat_word(const BF16* from) {
  int32_t word;
  std::memcpy(&word, from, sizeof(word));
  return set_int(word);
}

/// The words of four k of sixteen outputs from two packed pairs.
HWY_INLINE void regroup(const uint32_t* from, I32x16& even, I32x16& odd) {
  const I32x16 first = load_bits(from);            // (k, k + 1)
  const I32x16 second = load_bits(from + kLanes);  // (k + 2, k + 3)
  const I32x16 upper = set_int(static_cast<int32_t>(0xffff0000U));
  even = shift_left<16>(first) | (second & set_int(0xffff));
  odd = (first & upper) | shift_right_logical<16>(second);
}

/// Puts sixteen consecutive bf16 of a row in that order: four k at a time as k + 2, k, k + 3, k
/// + 1.
HWY_INLINE void store_words(F32x16 v, BF16* to) {
  alignas(32) BF16 plain[kLanes];
  store(v, plain);
  const hn::CappedTag<uint8_t, 2 * kLanes> bytes;
  alignas(32) static constexpr uint8_t kOrder[32] = {4, 5,  0,  1,  6,  7, 2,  3,  12, 13, 8,
                                                     9, 14, 15, 10, 11, 4, 5,  0,  1,  6,  7,
                                                     2, 3,  12, 13, 8,  9, 14, 15, 10, 11};
  const auto from = hn::Load(bytes, reinterpret_cast<const uint8_t*>(plain));
  hn::StoreU(hn::TableLookupBytes(from, hn::Load(bytes, kOrder)), bytes,
             reinterpret_cast<uint8_t*>(to));
}

/// Rows in the order of store_words; kUnpacked: panels by unpack_words, else as packed.
template <bool kUnpacked>
struct WordDots {
  using Row = BF16;
  using Panel = BF16;
  static constexpr int64_t kPanelElements = 32 * kLanes;

  template <int kR, int kP>
  static HWY_INLINE void block(const BF16* x, int64_t stride, const BF16* const (&panels)[kP],
                               Chains<kR, kP>& chains) {
    for (int quad = 0; quad < 8; ++quad) {
      I32x16 w_even[kP];
      I32x16 w_odd[kP];
      for (int p = 0; p < kP; ++p) {
        const auto* words = reinterpret_cast<const uint32_t*>(panels[p]) + quad * 2 * kLanes;
        if constexpr (kUnpacked) {
          w_even[p] = load_bits(words);
          w_odd[p] = load_bits(words + kLanes);
        } else {
          regroup(words, w_even[p], w_odd[p]);
        }
      }
      for (int r = 0; r < kR; ++r) {
        const I32x16 x_even = repeat_word(x + r * stride + 4 * quad);
        for (int p = 0; p < kP; ++p) dot_words(chains.even[r][p], x_even, w_even[p]);
        const I32x16 x_odd = repeat_word(x + r * stride + 4 * quad + 2);
        for (int p = 0; p < kP; ++p) dot_words(chains.odd[r][p], x_odd, w_odd[p]);
      }
    }
  }
};

/// Regroups a block of a panel for WordDots<true>.
HWY_INLINE void unpack_words(const BF16* from, BF16* to) {
  for (int quad = 0; quad < 8; ++quad) {
    I32x16 even;
    I32x16 odd;
    regroup(reinterpret_cast<const uint32_t*>(from) + quad * 2 * kLanes, even, odd);
    store_bits(even, reinterpret_cast<uint32_t*>(to) + quad * 2 * kLanes);
    store_bits(odd, reinterpret_cast<uint32_t*>(to) + (quad * 2 + 1) * kLanes);
  }
}

#endif

/// acc += the values of one block.
template <class Dots, int kR, int kP>
HWY_INLINE void add_block(const typename Dots::Row* x, int64_t stride,
                          const typename Dots::Panel* const (&panels)[kP], F32x16 (&acc)[kR][kP]) {
  Chains<kR, kP> chains;
  for (int r = 0; r < kR; ++r)
    for (int p = 0; p < kP; ++p) chains.even[r][p] = chains.odd[r][p] = zero();
  Dots::template block<kR, kP>(x, stride, panels, chains);
  for (int r = 0; r < kR; ++r)
    for (int p = 0; p < kP; ++p) acc[r][p] = acc[r][p] + (chains.even[r][p] + chains.odd[r][p]);
}

/// A compile-time number of rows.
template <int kR>
struct Count {
  static constexpr int value = kR;
};

/// Calls use(Count<n>, row) for groups of up to kDotRows rows that cover begin .. end - 1.
template <class Use>
HWY_INLINE void for_row_groups(int64_t begin, int64_t end, const Use& use) {
  int64_t row = begin;
  for (; row + kDotRows <= end; row += kDotRows) use(Count<kDotRows>(), row);
  static_assert(kDotRows <= 4);
  switch (end - row) {
    case 1: return use(Count<1>(), row);
    case 2: return use(Count<2>(), row);
    case 3: return use(Count<3>(), row);
    default: return;
  }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
