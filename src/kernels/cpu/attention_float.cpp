// Attention by float32 multiply-adds, on every instruction set; and what the other paths leave to
// it: putting the chunks of few rows together.
#include "kernels/cpu/attention_paths.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention_float.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

AttentionKernels FloatAttention(DType cache) {
  using Widened = Unpacked<FloatDots<float>, BF16, unpack_floats>;
  using Bf16 = Packed<FloatDots<BF16>, true>;
  using Float = Packed<FloatDots<float>, false>;
  using FewFloat = Packed<FloatDots<float>, true>;
  if (cache == DType::bf16)
    return {.attend = attend_by_vectors<Widened, FloatRows>,
            .attend_few = attend_by_vectors<Bf16, FloatRows>,
            .prepare = prepare_split<FloatRows>,
            .score = score_split<Bf16>,
            .weigh = weigh_split<Bf16, FloatRows>};
  return {.attend = attend_by_vectors<Float, FloatRows>,
          .attend_few = attend_by_vectors<FewFloat, FloatRows>,
          .prepare = prepare_split<FloatRows>,
          .score = score_split<FewFloat>,
          .weigh = weigh_split<FewFloat, FloatRows>};
}

void ExpNonpositive(float* values, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t n = count - i < kLanes ? count - i : kLanes;
    store_partial(exp_nonpositive(load_partial(values + i, n, 0.0F)), values + i, n);
  }
}

void AddChunks(const AttentionSizes& sizes, const SplitRows& rows, int64_t row,
               std::span<const SplitChunk> chunks) {
  // Several panels at a time, so that their chains of multiply-adds overlap.
  constexpr int64_t kTogether = 4;
  F32x16 lane_sum = load(rows.lane_sums + row * kLanes);
  for (const SplitChunk& chunk : chunks) {
    if (chunk.rescale[row] < 0) continue;
    lane_sum = lane_sum * set(chunk.rescale[row]);
    const float* p = chunk.scores + row * kAttentionChunk;
    for (int64_t i = 0; i < kAttentionChunk; i += kLanes) lane_sum = lane_sum + load(p + i);
  }
  store(lane_sum, rows.lane_sums + row * kLanes);
  for (int64_t begin = 0; begin < sizes.width; begin += kTogether * kLanes) {
    const int64_t panels = std::min(kTogether, (sizes.width - begin) / kLanes);
    float* sums = rows.sums + row * sizes.width + begin;
    F32x16 acc[kTogether];
    for (int64_t p = 0; p < panels; ++p) acc[p] = load(sums + p * kLanes);
    for (const SplitChunk& chunk : chunks) {
      if (chunk.rescale[row] < 0) continue;
      const F32x16 rescale = set(chunk.rescale[row]);
      const float* weighted = chunk.weighted + row * sizes.width + begin;
      for (int64_t p = 0; p < panels; ++p)
        acc[p] = fma(acc[p], rescale, load(weighted + p * kLanes));
    }
    for (int64_t p = 0; p < panels; ++p) store(acc[p], sums + p * kLanes);
  }
}

void FinishRow(const AttentionArgs& a, const QueryTile& tile, const SplitRows& rows, int64_t row) {
  const AttentionSizes sizes(a.layout, a.heads);
  write_row(a, tile, sizes, row, rows.sums + row * sizes.width, rows.lane_sums + row * kLanes);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(FloatAttention);
HWY_EXPORT(ExpNonpositive);
HWY_EXPORT(AddChunks);
HWY_EXPORT(FinishRow);

AttentionKernels float_attention(DType cache, Isa isa) {
  return choose(HWY_DISPATCH_TABLE(FloatAttention), isa)(cache);
}
void exp_nonpositive(float* values, int64_t count, Isa isa) {
  choose(HWY_DISPATCH_TABLE(ExpNonpositive), isa)(values, count);
}
void add_chunks(const AttentionSizes& sizes, const SplitRows& rows, int64_t row,
                std::span<const SplitChunk> chunks, Isa isa) {
  choose(HWY_DISPATCH_TABLE(AddChunks), isa)(sizes, rows, row, chunks);
}
void finish_row(const AttentionArgs& a, const QueryTile& tile, const SplitRows& rows, int64_t row,
                Isa isa) {
  choose(HWY_DISPATCH_TABLE(FinishRow), isa)(a, tile, rows, row);
}

}  // namespace linnet::kernels::cpu
#endif
