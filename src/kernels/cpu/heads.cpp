// From projections to attention in one pass: norms and rotation of queries and keys, and storing
// keys and values in the cache's panels.
#include <algorithm>
#include <vector>

#include "kernels/attention.hpp"
#include "kernels/matmul.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/heads.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#ifndef LINNET_KERNELS_CPU_HEADS_ONCE_
#define LINNET_KERNELS_CPU_HEADS_ONCE_
namespace linnet::kernels::cpu {

/// Consecutive tokens of one sequence whose slots lie in one panel of keys.
struct TokenRun {
  const KvSequence* sequence = nullptr;
  int64_t first = 0;  // row of the sequence
  int64_t count = 0;  // 1..16
};

}  // namespace linnet::kernels::cpu
#endif

#include "kernels/cpu/norm-inl.h"
#include "kernels/cpu/rope-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// A run's queries or keys, normed and rotated: rows first .. end - 1 of x [T * heads, D].
///   use(row, prepared)  gets them in order
template <class Use>
HWY_INLINE void prepare_rows(const HeadsArgs& a, const float* x, int64_t heads, const RmsTerm& norm,
                             int64_t first, int64_t end, const Use& use) {
  const int64_t dim = a.layout.head_dim;
  alignas(64) float buffer[kNormRows * kMaxHeadDim];
  for_norm_rows(first, end, [&](auto rows, int64_t row) HWY_ATTR {
    constexpr int kRows = decltype(rows)::value;
    const float* from = x + row * dim;
    if (norm.weight != nullptr) {
      rms_norm_rows<kRows>(from, dim, norm, dim, buffer, dim);
      from = buffer;
    }
    for (int r = 0; r < kRows; ++r) {
      const float* prepared = from + r * dim;
      if (a.cos != nullptr) {
        const int64_t token = (row + r) / heads;
        rotate(prepared, a.cos + token * (dim / 2), a.sin + token * (dim / 2), dim / 2,
               buffer + r * dim);
        prepared = buffer + r * dim;
      }
      use(row + r, prepared);
    }
  });
}

/// Stores a row as column `lane` of a panel of keys, two elements of it at a time.
HWY_INLINE void store_key(const float* key, int64_t dim, int64_t lane, BF16* panel) {
  alignas(64) BF16 row[kMaxHeadDim + kLanes];
  for (int64_t i = 0; i < dim; i += kLanes)
    store(load_some(key + i, dim - i < kLanes ? dim - i : kLanes), row + i);
  for (int64_t i = 0; i < dim; i += 2)
    std::memcpy(panel + i * kLanes + 2 * lane, row + i, 2 * sizeof(BF16));
}
HWY_INLINE void store_key(const float* key, int64_t dim, int64_t lane, float* panel) {
  for (int64_t i = 0; i < dim; ++i) panel[i * kLanes + lane] = key[i];
}

/// The bits of sixteen floats rounded to bf16, in the upper halves.
HWY_INLINE I32x16 bf16_bits(F32x16 v) {
  BF16 rounded[kLanes];
  store(v, rounded);
  return bits_of(load(rounded));
}

/// Stores the values of slots slot .. slot + count - 1, rows `stride` apart.
HWY_INLINE void store_values(const float* rows, int64_t stride, int64_t dim, int64_t slot,
                             int64_t count, BF16* values) {
  for (int64_t i = 0; i < dim; i += kLanes) {
    const int64_t n = dim - i < kLanes ? dim - i : kLanes;
    const auto row = [&](int64_t r)
                         HWY_ATTR { return bf16_bits(load_some(rows + r * stride + i, n)); };
    for (int64_t r = 0; r < count; ++r) {
      // Two slots share words: even ones are the lower halves.
      const int64_t at = slot + r;
      auto* words = reinterpret_cast<uint32_t*>(values + i * kBlockTokens + at / 2 * 2 * kLanes);
      if (at % 2 != 0) {
        store_bits((load_bits(words) & set_int(0xffff)) | row(r), words);
      } else if (r + 1 < count) {
        store_bits(row(r + 1) | shift_right_logical<16>(row(r)), words);
        ++r;
      } else {
        store_bits((load_bits(words) & set_int(static_cast<int32_t>(0xffff0000U))) |
                       shift_right_logical<16>(row(r)),
                   words);
      }
    }
  }
}
HWY_INLINE void store_values(const float* rows, int64_t stride, int64_t dim, int64_t slot,
                             int64_t count, float* values) {
  for (int64_t i = 0; i < dim; i += kLanes) {
    const int64_t n = dim - i < kLanes ? dim - i : kLanes;
    for (int64_t r = 0; r < count; ++r)
      store(load_some(rows + r * stride + i, n), values + i * kBlockTokens + (slot + r) * kLanes);
  }
}

template <class Element>
void prepare_run(const HeadsArgs& a, const TokenRun& run) {
  const int64_t dim = a.layout.head_dim;
  const int64_t kv_heads = a.layout.kv_heads;
  const int64_t first = run.sequence->first_row + run.first;
  if (a.queries != nullptr)
    prepare_rows(a, a.queries, a.heads, a.q_norm, first * a.heads, (first + run.count) * a.heads,
                 [&](int64_t row, const float* query) HWY_ATTR {
                   float* to = a.prepared_queries + row * dim;
                   for_columns<1>(dim, [&](int, int64_t i, int64_t n) HWY_ATTR {
                     store_some(load_some(query + i, n), to + i, n);
                   });
                 });
  const int64_t position = run.sequence->first_position + run.first;
  const int64_t slot = position % kBlockTokens;
  auto* block =
      reinterpret_cast<Element*>(run.sequence->blocks[position / kBlockTokens] + a.layer_offset);
  const int64_t padded = round_up(dim, kBlockK);
  prepare_rows(a, a.keys, kv_heads, a.k_norm, first * kv_heads, (first + run.count) * kv_heads,
               [&](int64_t row, const float* key) HWY_ATTR {
                 const int64_t at = slot + row / kv_heads - first;
                 store_key(key, dim, at % kLanes,
                           block + row % kv_heads * a.layout.head_elements() +
                               at / kLanes * padded * kLanes);
               });
  for (int64_t head = 0; head < kv_heads; ++head)
    store_values(a.values + (first * kv_heads + head) * dim, kv_heads * dim, dim, slot, run.count,
                 block + head * a.layout.head_elements() + a.layout.key_elements());
}

void PrepareRun(const HeadsArgs& a, const TokenRun& run) {
  if (a.layout.dtype == DType::bf16)
    prepare_run<BF16>(a, run);
  else
    prepare_run<float>(a, run);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

HWY_EXPORT(PrepareRun);

void prepare_heads(const HeadsArgs& args, const Context& context) {
  std::vector<TokenRun> runs;
  for (const KvSequence& sequence : args.sequences)
    for (int64_t row = 0; row < sequence.rows;) {
      const int64_t slot = (sequence.first_position + row) % kPanelRows;
      const int64_t count = std::min(kPanelRows - slot, sequence.rows - row);
      runs.push_back({&sequence, row, count});
      row += count;
    }
  const auto prepare = choose(HWY_DISPATCH_TABLE(PrepareRun), context.isa);
  context.pool.parallel_for(static_cast<int64_t>(runs.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) prepare(args, runs[static_cast<size_t>(i)]);
  });
}

}  // namespace linnet::kernels::cpu
#endif
