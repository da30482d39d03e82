// More rows, bf16, with AVX-512's BF16 dot product. VDPBF16PS computes
//   acc = fma(low, low', fma(high, high', acc))
// per lane, each step rounded to nearest even and flushed: two steps of one chain, the high element
// first. With (k + 2, k) as (low, high) of the even chain and (k + 3, k + 1) of the odd one it
// follows the dot-product contract, at twice the rate of a float32 multiply-add.
#include "kernels/cpu/matmul_paths.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul_bf16.cpp"
#include <hwy/foreach_target.h>

#include "kernels/cpu/matmul_blocked-inl.h"

#if HWY_TARGET == HWY_AVX3
// Highway's AVX-512 without VNNI and its kin, and BF16 beside it.
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512bf16")
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// Two steps of the even or of the odd chain.
template <int kR, int kP>
HWY_INLINE void pair_step(const BF16* x, int64_t stride, const BF16* w, int64_t panel_stride,
                          __m512 (&chain)[kR][kP]) {
  static_assert(kP <= 2);
  // Not an array: GCC 12 would keep it on the stack and read it from there for every use.
  const auto first = reinterpret_cast<__m512bh>(_mm512_loadu_si512(w));
  const auto second =
      kP > 1 ? reinterpret_cast<__m512bh>(_mm512_loadu_si512(w + panel_stride)) : first;
  for (int r = 0; r < kR; ++r) {
    int32_t pair = 0;
    std::memcpy(&pair, x + r * stride, sizeof(pair));
    const auto both = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
    chain[r][0] = _mm512_dpbf16_ps(chain[r][0], both, first);
    if constexpr (kP > 1) chain[r][1] = _mm512_dpbf16_ps(chain[r][1], both, second);
  }
}

/// acc += one block of 32 k. A function of its own: inlined into the loops around it, GCC 12
/// keeps some of the chains on the stack.
template <int kR, int kP>
HWY_NOINLINE void add_pair_block(const BF16* x, int64_t stride, const BF16* w, int64_t panel_stride,
                                 float (&acc)[kR][kP][kLanes]) {
  __m512 even[kR][kP];
  __m512 odd[kR][kP];
  for (int r = 0; r < kR; ++r)
    for (int p = 0; p < kP; ++p) even[r][p] = odd[r][p] = _mm512_setzero_ps();
  // One chain after the other: fewer weights are alive at a time, so that none are spilled.
  for (int quad = 0; quad < 8; ++quad) {
    pair_step<kR, kP>(x + 4 * quad, stride, w + 4 * quad * kLanes, panel_stride, even);
    pair_step<kR, kP>(x + 4 * quad + 2, stride, w + (4 * quad + 2) * kLanes, panel_stride, odd);
  }
  for (int r = 0; r < kR; ++r)
    for (int p = 0; p < kP; ++p)
      _mm512_storeu_ps(acc[r][p], _mm512_add_ps(_mm512_loadu_ps(acc[r][p]),
                                                _mm512_add_ps(even[r][p], odd[r][p])));
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_POP_ATTRIBUTES

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// Rows and panels of the pairs above: for each four k a pair of the even chain and one of the odd.
struct PairBlocks {
  using Row = BF16;
  using Weight = BF16;
  static constexpr int64_t kRowPerK = 1;
  static constexpr int64_t kWeightPerK = kLanes;
  // 16 chains in flight, 8 sums, and the operands: 30 of 32 registers.
  static constexpr int kRows = 4;
  static constexpr int kPanels = 2;

  static HWY_INLINE void put(const Quad& q, BF16* to) {
    auto* words = reinterpret_cast<uint32_t*>(to);
    store_bits(bits_of(q.k0) | shift_right_logical<16>(bits_of(q.k2)), words);
    store_bits(bits_of(q.k1) | shift_right_logical<16>(bits_of(q.k3)), words + kLanes);
  }

  template <int kR, int kP>
  static HWY_INLINE void add_block(const BF16* x, int64_t stride, const BF16* w,
                                   int64_t panel_stride, float (&acc)[kR][kP][kLanes]) {
    add_pair_block<kR, kP>(x, stride, w, panel_stride, acc);
  }
};

void MultiplyPairs(const PreparedRows& x, const PanelRange& range) {
  with_layout(range.weights, [&](auto layout) HWY_ATTR {
    multiply_blocked<PairBlocks, decltype(layout)>(x, range);
  });
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "base/error.hpp"

namespace linnet::kernels::cpu {

void multiply_bf16_dot(const PreparedRows& x, const PanelRange& range) {
#if (HWY_TARGETS & HWY_AVX3) != 0
  N_AVX3::MultiplyPairs(x, range);
#else
  (void)x, (void)range;
  fail(ErrorCode::internal, "this build has no AVX-512 kernels");
#endif
}

}  // namespace linnet::kernels::cpu
#endif
