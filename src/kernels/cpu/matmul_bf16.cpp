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
HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// acc = fma(low, low', fma(high, high', acc)) on the bf16 pairs of two registers.
HWY_INLINE void dot_pairs(F32x16& acc, I32x16 a, I32x16 b) {
  // In assembler: the instruction is not among the features that Highway compiles this target for.
  asm("vdpbf16ps %2, %1, %0" : "+v"(acc.part[0].raw) : "v"(a.part[0].raw), "v"(b.part[0].raw));
}

/// Two bf16 to all lanes. In assembler, because compilers like to load four and shift, which costs
/// the port that permutes.
HWY_INLINE I32x16 broadcast_pair(const BF16* from) {
  I32x16 result;
  asm("vpbroadcastd %1, %0"
      : "=v"(result.part[0].raw)
      : "m"(*reinterpret_cast<const uint32_t*>(from)));
  return result;
}

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
  static HWY_INLINE void block(const BF16* x, int64_t stride, const BF16* w, int64_t panel_stride,
                               F32x16 (&even)[kR][kP], F32x16 (&odd)[kR][kP]) {
    // One chain after the other: fewer weights are alive at a time, so that none are spilled.
    for (int quad = 0; quad < 8; ++quad) {
      step<kR, kP>(x + 4 * quad, stride, w + 4 * quad * kLanes, panel_stride, even);
      step<kR, kP>(x + 4 * quad + 2, stride, w + (4 * quad + 2) * kLanes, panel_stride, odd);
    }
  }

 private:
  template <int kR, int kP>
  static HWY_INLINE void step(const BF16* x, int64_t stride, const BF16* w, int64_t panel_stride,
                              F32x16 (&chain)[kR][kP]) {
    I32x16 weights[kP];
    for (int p = 0; p < kP; ++p)
      weights[p] = load_bits(reinterpret_cast<const uint32_t*>(w + p * panel_stride));
    for (int r = 0; r < kR; ++r) {
      const I32x16 pair = broadcast_pair(x + r * stride);
      for (int p = 0; p < kP; ++p) dot_pairs(chain[r][p], pair, weights[p]);
    }
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
