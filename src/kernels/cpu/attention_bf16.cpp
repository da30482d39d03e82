// Attention with AVX-512's BF16 dot product: queries, keys, probabilities and values in bf16, two
// steps of a chain per instruction (see dot-inl.h).
#include "kernels/cpu/attention_paths.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention_bf16.cpp"
#include <hwy/foreach_target.h>

#include "kernels/cpu/attention-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// Rows of bf16 in the order of dot-inl.h.
struct WordRows {
  using Row = BF16;
  static HWY_INLINE void put(F32x16 v, bool, int64_t i, BF16* row) {
    store_words(v, row + i * kLanes);
  }
};

AttentionKernels Bf16DotAttention() {
  using Regrouped = Unpacked<WordDots<true>, BF16, unpack_words>;
  using Raw = Packed<WordDots<false>, true>;
  return {.attend = attend_by_vectors<Regrouped, WordRows>,
          .attend_few = attend_by_vectors<Raw, WordRows>,
          .prepare = prepare_split<WordRows>,
          .score = score_split<Raw>,
          .weigh = weigh_split<Raw, WordRows>};
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "base/error.hpp"

namespace linnet::kernels::cpu {

AttentionKernels bf16_dot_attention() {
#if (HWY_TARGETS & HWY_AVX3) != 0
  return N_AVX3::Bf16DotAttention();
#else
  fail(ErrorCode::internal, "this build has no AVX-512 kernels");
#endif
}

}  // namespace linnet::kernels::cpu
#endif
