// Low-rank additions to rows of a product.
#pragma once

#include <span>

#include "ops/linear.hpp"

namespace linnet::ops {

/// Consecutive rows that share two small matrices.
struct LowRankRows {
  int64_t first_row = 0;
  int64_t rows = 0;
  const PackedMatrix& a;  ///< [r, K] f32
  const PackedMatrix& b;  ///< [N, r] f32
  float scale = 1;
};

/// y += scale * (x A^T) B^T in place, for all groups together
///   x  [T, K] f32 or bf16;  y  [T, N] f32, dense
/// Groups in rising order of their rows. The bits are those of linear, linear, mul and add. Errors:
/// invalid_argument naming the shapes, for groups that overlap, or for arrays on a tape:
/// derivatives of writing in place are not defined. Devices: cpu.
void add_low_rank(Array& y, const Array& x, std::span<const LowRankRows> groups);

}  // namespace linnet::ops
