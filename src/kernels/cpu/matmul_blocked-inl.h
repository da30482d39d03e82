// The loops around register tiles of float and bf16 vectors: chunks of k, unpacked once per range
// of panels; then panels, rows, groups, blocks of 32.
#if defined(LINNET_KERNELS_CPU_MATMUL_BLOCKED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINNET_KERNELS_CPU_MATMUL_BLOCKED_INL_H_
#undef LINNET_KERNELS_CPU_MATMUL_BLOCKED_INL_H_
#else
#define LINNET_KERNELS_CPU_MATMUL_BLOCKED_INL_H_
#endif

#include <algorithm>

#include "kernels/cpu/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// One chunk of k of a range of panels, unpacked.
template <class Blocks>
struct Chunk {
  const typename Blocks::Weight* weights = nullptr;  // [panels][count * kWeightPerK]
  int64_t begin = 0;                                 // first k
  int64_t count = 0;                                 // k, a multiple of 32
  const float* scales = nullptr;                     // [panels][groups][16], or null
  int64_t groups = 0;                                // of the whole matrix
  int64_t group_size = 0;
};

/// sums of kR rows and kP panels += the chunk.
template <class Blocks, int kR, int kP>
HWY_INLINE void multiply_tile(const PreparedRows& x, const Chunk<Blocks>& chunk, int64_t row,
                              int64_t panel, float* sums) {
  const int64_t stride = x.k * Blocks::kRowPerK;
  const int64_t panel_stride = chunk.count * Blocks::kWeightPerK;
  const auto* rows =
      static_cast<const typename Blocks::Row*>(x.x) + row * stride + chunk.begin * Blocks::kRowPerK;
  const auto* weights = chunk.weights + panel * panel_stride;
  float* to = sums + (panel * x.padded_rows + row) * kLanes;
  const int64_t to_stride = x.padded_rows * kLanes;

  // In memory, touched once in 32 k: registers are for the chains.
  alignas(64) float acc[kR][kP][kLanes];
  const bool grouped = chunk.group_size != 0;
  const int64_t step = grouped ? chunk.group_size : chunk.count;
  for (int64_t k = 0; k < chunk.count; k += step) {
    // Dense sums go on over chunks; a group's start anew.
    for (int r = 0; r < kR; ++r)
      for (int p = 0; p < kP; ++p)
        store(grouped || chunk.begin == 0 ? zero() : load(to + p * to_stride + r * kLanes),
              acc[r][p]);
    for (int64_t block = k; block < k + step; block += kBlockK) {
      Blocks::template add_block<kR, kP>(rows + block * Blocks::kRowPerK, stride,
                                         weights + block * Blocks::kWeightPerK, panel_stride, acc);
    }
    if (grouped) {
      const int64_t group = (chunk.begin + k) / chunk.group_size;
      for (int p = 0; p < kP; ++p) {
        const F32x16 scale = load(chunk.scales + ((panel + p) * chunk.groups + group) * kLanes);
        for (int r = 0; r < kR; ++r) {
          float* at = to + p * to_stride + r * kLanes;
          store(fma(scale, load(acc[r][p]), group == 0 ? zero() : load(at)), at);
        }
      }
    }
  }
  if (!grouped)
    for (int r = 0; r < kR; ++r)
      for (int p = 0; p < kP; ++p) store(load(acc[r][p]), to + p * to_stride + r * kLanes);
}

template <class Blocks, int kP>
HWY_INLINE void multiply_panels(const PreparedRows& x, const Chunk<Blocks>& chunk, int64_t panel,
                                float* sums) {
  int64_t row = 0;
  for (; row + Blocks::kRows <= x.rows; row += Blocks::kRows)
    multiply_tile<Blocks, Blocks::kRows, kP>(x, chunk, row, panel, sums);
  for (; row < x.rows; ++row) multiply_tile<Blocks, 1, kP>(x, chunk, row, panel, sums);
}

template <class Blocks, class Layout>
void multiply_blocked(const PreparedRows& x, const PanelRange& range) {
  const PackedWeights& w = range.weights;
  const int64_t panels = range.end - range.begin;
  auto* weights = reinterpret_cast<typename Blocks::Weight*>(range.scratch);
  auto* scales = reinterpret_cast<float*>(range.scratch + kJobPanels * kChunkK * kLanes * 4);
  Chunk<Blocks> chunk{.weights = weights, .scales = scales, .group_size = x.group_size};
  float* biases = nullptr;
  if constexpr (Layout::kGrouped) {
    chunk.groups = w.groups();
    biases = scales + panels * chunk.groups * kLanes;
    for (int64_t panel = 0; panel < panels; ++panel)
      Layout::scales(w, range.begin + panel, scales + panel * chunk.groups * kLanes,
                     biases + panel * chunk.groups * kLanes);
  }
  for (; chunk.begin < x.k; chunk.begin += kChunkK) {
    chunk.count = std::min(kChunkK, x.k - chunk.begin);
    for (int64_t panel = 0; panel < panels; ++panel) {
      auto* to = weights + panel * chunk.count * Blocks::kWeightPerK;
      Layout::quads(w, range.begin + panel, chunk.begin, chunk.begin + chunk.count,
                    [&](int64_t quad, const Quad& q)
                        HWY_ATTR { Blocks::put(q, to + quad * 4 * Blocks::kWeightPerK); });
    }
    int64_t panel = 0;
    for (; panel + Blocks::kPanels <= panels; panel += Blocks::kPanels)
      multiply_panels<Blocks, Blocks::kPanels>(x, chunk, panel, range.sums);
    for (; panel < panels; ++panel) multiply_panels<Blocks, 1>(x, chunk, panel, range.sums);
  }
  if constexpr (Layout::kGrouped)
    for (int64_t panel = 0; panel < panels; ++panel)
      add_group_biases(x, chunk.groups, biases + panel * chunk.groups * kLanes,
                       range.sums + panel * x.padded_rows * kLanes);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
