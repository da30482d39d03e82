// Low-rank additions to some rows of a product, each group of rows with two small matrices of its
// own (Hu et al. 2021, "LoRA"):
//
//   y = y + scale * ((x A^T) B^T)
//
// Both products are float32 by the contract (kernels/matmul.hpp), so the bits are those of
// linear() and linear(); then one multiplication by the scale and one addition, each rounded.
#pragma once

#include <span>

#include "kernels/matmul.hpp"

namespace linnet::kernels {

/// Consecutive rows that share A and B.
struct LowRankGroup {
  int64_t first_row = 0;
  int64_t rows = 0;
  PackedWeights a;  ///< [r, K] f32
  PackedWeights b;  ///< [N, r] f32
  float scale = 1;
};

struct LowRankArgs {
  ConstView x;         // [T, K], f32 or bf16, rows dense
  float* y = nullptr;  // [T, N], rows dense
  std::span<const LowRankGroup> groups;
  std::byte* workspace = nullptr;  // low_rank_workspace bytes, aligned to 64
};

namespace cpu {

/// `rank`: the largest of the groups.
int64_t low_rank_workspace(int64_t k, int64_t rank, int threads);

/// All groups, which have no row in common, in one fork of the threads.
void low_rank(const LowRankArgs& args, const Context& context);

}  // namespace cpu
}  // namespace linnet::kernels
