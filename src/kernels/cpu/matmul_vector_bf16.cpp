// One to four rows by 4-bit weights with AVX-512's BF16 dot product: 15 operations for 128 weights
// where multiply-adds take 20. The pairs that the instruction wants, (k + 2, k) for the even chain
// and (k + 3, k + 1) for the odd one (matmul_bf16.cpp), come from a word by shifts, one of them
// masked, and their bf16 values by one permutation.
#include "kernels/cpu/matmul_paths.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul_vector_bf16.cpp"
#include <hwy/foreach_target.h>

#include "kernels/cpu/weights-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512bf16")
namespace linnet::kernels::cpu::HWY_NAMESPACE {

// As in matmul_vector.cpp.
inline constexpr int64_t kPrefetchBytes = 4096;

/// The lower half of each lane shifted right by kBits, the upper half of `upper`.
template <int kBits>
HWY_INLINE __m512i join_halves(__m512i upper, __m512i lower) {
  return _mm512_mask_srli_epi16(upper, 0x55555555U, lower, kBits);
}

/// Two steps of a chain for all rows; `index` has two q in the low bits of each lane's halves.
template <int kRows>
HWY_INLINE void pair_step(const BF16* x, int64_t stride, __m512i index, __m512i table,
                          __m512 (&chain)[kRows]) {
  const auto q = reinterpret_cast<__m512bh>(_mm512_permutexvar_epi16(index, table));
  for (int r = 0; r < kRows; ++r) {
    int32_t pair = 0;
    std::memcpy(&pair, x + r * stride, sizeof(pair));
    chain[r] = _mm512_dpbf16_ps(chain[r], reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair)), q);
  }
}

/// The dot products of one group of one panel. A word has the even k in its lower half.
template <int kRows>
HWY_NOINLINE void dot_group(const BF16* x, int64_t stride, const std::byte* words, int64_t size,
                            float (&group)[kRows][kLanes]) {
  // Bit 4 of an index belongs to the next q: the table holds its sixteen entries twice.
  alignas(64) static constexpr uint16_t kTable[32] = {
      0x0000, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0, 0x40e0, 0x4100, 0x4110, 0x4120,
      0x4130, 0x4140, 0x4150, 0x4160, 0x4170, 0x0000, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0,
      0x40c0, 0x40e0, 0x4100, 0x4110, 0x4120, 0x4130, 0x4140, 0x4150, 0x4160, 0x4170};
  const __m512i table = _mm512_load_si512(kTable);
  __m512 sum[kRows];
  for (__m512& s : sum) s = _mm512_setzero_ps();
  for (int64_t block = 0; block < size / kBlockK; ++block) {
    __m512 even[kRows];
    __m512 odd[kRows];
    for (int r = 0; r < kRows; ++r) even[r] = odd[r] = _mm512_setzero_ps();
    for (int row = 0; row < 4; ++row) {  // of words, 8 k each
      __builtin_prefetch(words + kPrefetchBytes);
      // Shifted rather than loaded from other addresses: loads that cross lines are the limit here.
      const __m512i word = _mm512_loadu_si512(words);
      const __m512i odd_half = _mm512_srli_epi32(word, 16);
      const __m512i up_16 = _mm512_slli_epi32(word, 16);
      const __m512i up_8 = _mm512_slli_epi32(word, 8);
      pair_step<kRows>(x, stride, join_halves<4>(up_16, word), table, even);
      pair_step<kRows>(x + 2, stride, join_halves<4>(word, odd_half), table, odd);
      pair_step<kRows>(x + 4, stride, join_halves<12>(up_8, word), table, even);
      pair_step<kRows>(x + 6, stride, join_halves<12>(_mm512_loadu_si512(words + 1), odd_half),
                       table, odd);
      words += kLanes * 4;
      x += 8;
    }
    for (int r = 0; r < kRows; ++r) sum[r] = _mm512_add_ps(sum[r], _mm512_add_ps(even[r], odd[r]));
  }
  __builtin_prefetch(words + kPrefetchBytes);  // the scales
  for (int r = 0; r < kRows; ++r) _mm512_storeu_ps(group[r], sum[r]);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_POP_ATTRIBUTES

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

template <int kRows, class Scale>
void pairs_panel(const PreparedRows& x, const PackedWeights& w, int64_t panel, float* sums) {
  const int64_t size = w.quantization.group_size;
  const std::byte* from = GroupedLayout<4, Scale>::group(w, panel, 0);
  F32x16 s[kRows];
  F32x16 b[kRows];
  for (int r = 0; r < kRows; ++r) s[r] = b[r] = zero();
  for (int64_t g = 0; g < w.groups(); ++g) {
    float group[kRows][kLanes];
    dot_group<kRows>(static_cast<const BF16*>(x.x) + g * size, x.k, from, size, group);
    const auto* scale = reinterpret_cast<const Scale*>(from + size * kLanes / 2);
    const F32x16 scales = load(scale);
    const F32x16 biases = load(scale + kLanes);
    from += w.group_bytes();
    for (int r = 0; r < kRows; ++r) {
      s[r] = fma(scales, load(group[r]), s[r]);
      b[r] = fma(biases, set(x.group_sums[g * x.padded_rows + r]), b[r]);
    }
  }
  for (int r = 0; r < kRows; ++r) store(s[r] + b[r], sums + r * kLanes);
}

template <int kRows>
void multiply_rows(const PreparedRows& x, const PanelRange& range) {
  for (int64_t panel = range.begin; panel < range.end; ++panel) {
    float* sums = range.sums + (panel - range.begin) * x.padded_rows * kLanes;
    if (range.weights.dtype == DType::bf16)
      pairs_panel<kRows, BF16>(x, range.weights, panel, sums);
    else
      pairs_panel<kRows, float>(x, range.weights, panel, sums);
  }
}

void MultiplyVectorPairs(const PreparedRows& x, const PanelRange& range) {
  switch (x.rows) {
    case 1: return multiply_rows<1>(x, range);
    case 2: return multiply_rows<2>(x, range);
    case 3: return multiply_rows<3>(x, range);
    default: return multiply_rows<4>(x, range);
  }
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "base/error.hpp"

namespace linnet::kernels::cpu {

void multiply_vector_bf16(const PreparedRows& x, const PanelRange& range) {
#if (HWY_TARGETS & HWY_AVX3) != 0
  N_AVX3::MultiplyVectorPairs(x, range);
#else
  (void)x, (void)range;
  fail(ErrorCode::internal, "this build has no AVX-512 kernels");
#endif
}

}  // namespace linnet::kernels::cpu
#endif
