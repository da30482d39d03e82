// The kernels behind linear(): each multiplies prepared rows by a range of panels. They differ in
// the layout in which they want the rows and in the instruction that does the work; all give the
// bits of the contract.
#pragma once

#include "kernels/matmul.hpp"

namespace linnet::kernels::cpu {

enum class MatmulPath {
  vector,          ///< up to 4 rows: reads the packed weights once, at the speed of memory
  vector_bf16,     ///< the same for bf16 rows and 4-bit weights, VDPBF16PS
  float_fma,       ///< blocks of weights as float32, fused multiply-adds
  bf16_dot,        ///< blocks of weights as bf16, VDPBF16PS
  tiles,           ///< AMX
  tiles_emulated,  ///< the same code on modelled tiles
};

inline constexpr int64_t kVectorRows = 4;  ///< the most rows of the vector paths
inline constexpr int64_t kChunkK = 256;    ///< k that a path unpacks at a time; whole groups of 128
inline constexpr int64_t kJobPanels = 16;  ///< panels that a thread works on at a time, at most
inline constexpr int64_t kChunkRows = 512;  ///< rows that share one pass over the weights, at most

/// What `rows` rows are padded to: not at all for the vector paths.
constexpr int64_t padded_rows(int64_t rows) {
  return rows <= kVectorRows ? rows : round_up(rows, 16);
}

/// x as a path wants it, Kp = K rounded up to 32; rows beyond `rows` are zero.
///   vector, float_fma  [padded_rows][Kp] f32
///   bf16_dot, vector_bf16
///                      [padded_rows][Kp/4] of the bf16 (k+2, k), (k+3, k+1): the pairs of
///                      VDPBF16PS, which takes the second element first
///   tiles              [padded_rows/16][Kp/32][16][32] bf16
struct PreparedRows {
  const void* x = nullptr;
  const float* group_sums = nullptr;  // [K/group][padded_rows]: sums over 16 lanes, then the tree
  int64_t rows = 0;
  int64_t padded_rows = 0;  // a multiple of 16, or `rows` for the vector paths
  int64_t k = 0;            // Kp
  int64_t group_size = 0;   // 0: dense
};

/// A range of panels of one matrix.
struct PanelRange {
  PackedWeights weights;
  int64_t begin = 0;
  int64_t end = 0;
  float* sums = nullptr;         // [end - begin][padded_rows][16]: the dot products
  std::byte* scratch = nullptr;  // path_scratch bytes
};

/// A row of x for the vector and float_fma paths: float32, rounded to bf16 if asked, `padded` with
/// zeros.
void prepare_float_row(const ConstView& x, bool round, int64_t row, int64_t padded, float* to,
                       Isa isa);

/// Bytes of scratch for kJobPanels panels.
int64_t path_scratch(int64_t k, int64_t group_size);

void multiply_vector(const PreparedRows& x, const PanelRange& range, Isa isa);
void multiply_vector_bf16(const PreparedRows& x, const PanelRange& range);
void multiply_float(const PreparedRows& x, const PanelRange& range, Isa isa);
void multiply_bf16_dot(const PreparedRows& x, const PanelRange& range);
void multiply_tiles(const PreparedRows& x, const PanelRange& range, bool emulated);

}  // namespace linnet::kernels::cpu
