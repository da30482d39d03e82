// A few rows by a matrix as it is stored, row by row: packing it would cost more than the product.
// Lanes are columns, so a row of the matrix is read as it lies. Columns are taken in stripes, a
// stripe in blocks of 32 k: 32 rows are read side by side, a piece of each at a time, and the next
// pieces are asked for meanwhile.
#include <algorithm>

#include "kernels/matmul.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul_unpacked.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#ifndef LINNET_KERNELS_CPU_MATMUL_UNPACKED_ONCE_
#define LINNET_KERNELS_CPU_MATMUL_UNPACKED_ONCE_
namespace linnet::kernels::cpu {
inline constexpr int64_t kStripe = 1024;  // columns; sums of two rows stay in the first cache
}
#endif

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

// Vectors of a piece, so that both chains of one or two rows stay in registers.
#if HWY_TARGET == HWY_AVX3
inline constexpr int kPieceVectors = 8;
#else
inline constexpr int kPieceVectors = 2;
#endif

/// The first n < 16 columns of a piece, then zeros.
template <class Element>
HWY_INLINE F32x16 load_columns(const Element* from, int64_t n) {
  Element row[kLanes] = {};
  std::copy(from, from + n, row);
  return load(row);
}

/// One block of k: sums of kRows rows and kVectors vectors of columns += its value. Columns beyond
/// `columns` (in the last vector) are left out.
///   x     [kRows] rows, x_stride apart, from the block's first k on
///   b     [count] rows, b_stride apart, from the piece's first column on
///   sums  [kRows] rows, sums_stride apart
template <int kRows, int kVectors, class Element>
HWY_INLINE void add_block(const float* x, int64_t x_stride, const Element* b, int64_t b_stride,
                          int64_t count, int64_t columns, float* sums, int64_t sums_stride) {
  F32x16 chain[2][kRows][kVectors];
  for (auto& rows : chain)
    for (auto& vectors : rows)
      for (F32x16& v : vectors) v = zero();
  const auto step = [&](int64_t k, F32x16(&to)[kRows][kVectors]) HWY_ATTR {
    const Element* row = b + k * b_stride;
    F32x16 w[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      const int64_t left = columns - v * kLanes;
      w[v] = left >= kLanes ? load(row + v * kLanes) : load_columns(row + v * kLanes, left);
    }
    for (int64_t at = 0; at < int64_t{kVectors} * kLanes; at += 64 / int64_t{sizeof(Element)})
      __builtin_prefetch(row + kVectors * kLanes + at);
    for (int r = 0; r < kRows; ++r) {
      const F32x16 value = set(x[r * x_stride + k]);
      for (int v = 0; v < kVectors; ++v) to[r][v] = fma(value, w[v], to[r][v]);
    }
  };
  int64_t k = 0;
  for (; k + 2 <= count; k += 2) {
    step(k, chain[0]);
    step(k + 1, chain[1]);
  }
  if (k < count) step(k, chain[0]);
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) {
      float* to = sums + r * sums_stride + v * kLanes;
      store(load(to) + (chain[0][r][v] + chain[1][r][v]), to);
    }
}

template <int kRows, class Element>
void multiply_stripe(const UnpackedArgs& a, int64_t row, int64_t begin, int64_t end, float* sums) {
  constexpr int kVectors = kPieceVectors / kRows;
  constexpr int64_t kColumns = int64_t{kVectors} * kLanes;
  const int64_t stride = round_up(end - begin, kLanes);
  std::fill(sums, sums + kRows * stride, 0.0F);
  for (int64_t k = 0; k < a.k; k += kBlockK) {
    const int64_t count = std::min(kBlockK, a.k - k);
    const float* x = a.x + row * a.k + k;
    const Element* b = static_cast<const Element*>(a.b) + k * a.n;
    int64_t column = begin;
    for (; column + kColumns <= end; column += kColumns)
      add_block<kRows, kVectors>(x, a.k, b + column, a.n, count, kColumns, sums + column - begin,
                                 stride);
    for (; column < end; column += kLanes)
      add_block<kRows, 1>(x, a.k, b + column, a.n, count, std::min<int64_t>(kLanes, end - column),
                          sums + column - begin, stride);
  }
  for (int r = 0; r < kRows; ++r)
    std::copy(sums + r * stride, sums + r * stride + (end - begin), a.y + (row + r) * a.n + begin);
}

template <class Element>
void multiply_rows(const UnpackedArgs& a, int64_t begin, int64_t end) {
  alignas(64) float sums[2 * kStripe];
  int64_t row = 0;
  for (; row + 2 <= a.rows; row += 2) multiply_stripe<2, Element>(a, row, begin, end, sums);
  if (row < a.rows) multiply_stripe<1, Element>(a, row, begin, end, sums);
}

void MultiplyUnpacked(const UnpackedArgs& a, int64_t begin, int64_t end) {
  if (a.dtype == DType::bf16)
    multiply_rows<BF16>(a, begin, end);
  else
    multiply_rows<float>(a, begin, end);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(MultiplyUnpacked);

void multiply_unpacked(const UnpackedArgs& args, const Context& context) {
  const auto multiply = choose(HWY_DISPATCH_TABLE(MultiplyUnpacked), context.isa);
  // A fork should be worth its while: about 64 Ki multiply-adds.
  const int64_t grain = 65536 / std::max<int64_t>(1, args.rows * args.k * kStripe);
  context.pool.parallel_for(
      ceil_div(args.n, kStripe), std::max<int64_t>(1, grain), [&](int64_t begin, int64_t end) {
        for (int64_t stripe = begin; stripe < end; ++stripe)
          multiply(args, stripe * kStripe, std::min((stripe + 1) * kStripe, args.n));
      });
}

}  // namespace linnet::kernels::cpu
#endif
