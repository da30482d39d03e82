#include "ops/attention.hpp"

#include <vector>

#include "ops/cast.hpp"

namespace linnet::ops {
namespace {

void check(std::string_view op, const Array& q, const Array& k, const Array& v) {
  const bool ranks = q.rank() == 3 && k.rank() == 3 && v.rank() == 3;
  const bool types = q.dtype() == DType::f32 && k.dtype() == DType::f32 && v.dtype() == DType::f32;
  require(ranks && types && k.shape() == v.shape() && q.dim(0) == k.dim(0) &&
              q.dim(2) == k.dim(2) && k.dim(1) > 0 && q.dim(1) % k.dim(1) == 0,
          "{}: q {}, k {}, v {} are not f32 [T, H, D], [T, K, D], [T, K, D] with H a multiple of K",
          op, q.shape(), k.shape(), v.shape());
  require(q.dim(2) > 0 && q.dim(2) <= kernels::kMaxHeadDim, "{}: head_dim {} is outside 1..{}", op,
          q.dim(2), kernels::kMaxHeadDim);
}

}  // namespace

Array cached_attention(const Array& q, const Array& k, const Array& v,
                       const kernels::KvLayout& layout, int64_t layer_offset,
                       std::span<const kernels::KvSequence> sequences,
                       const AttentionOptions& options) {
  check("attention", q, k, v);
  require(layout.kv_heads == k.dim(1) && layout.head_dim == k.dim(2),
          "attention: k is {}, the cache holds {} heads of {}", k.shape(), layout.kv_heads,
          layout.head_dim);
  int64_t rows = 0;
  for (const kernels::KvSequence& sequence : sequences) {
    require(sequence.first_row == rows && sequence.rows >= 0 && sequence.first_position >= 0,
            "attention: a sequence starts at row {}, expected {}", sequence.first_row, rows);
    rows += sequence.rows;
  }
  require(rows == q.dim(0), "attention: the sequences have {} rows, q has {}", rows, q.dim(0));
  const Array dense_q = contiguous(q);
  const Array dense_k = contiguous(k);
  const Array dense_v = contiguous(v);
  const auto context = q.device()->context();
  kernels::cpu::kv_write({.keys = dense_k.data<float>(),
                          .values = dense_v.data<float>(),
                          .layout = layout,
                          .layer_offset = layer_offset,
                          .sequences = sequences},
                         context);
  Array y = Array::empty(q.shape(), DType::f32, q.device());
  Array workspace =
      Array::empty({kernels::cpu::attention_workspace(layout, q.dim(1), context.pool.size())},
                   DType::u8, q.device());
  kernels::cpu::attention(
      {.queries = dense_q.data<float>(),
       .y = y.mutable_data<float>(),
       .heads = q.dim(1),
       .layout = layout,
       .layer_offset = layer_offset,
       .scale = options.scale,
       .window = options.window,
       .round_to_bf16 = options.rounding == Rounding::bf16,
       .sequences = sequences,
       .workspace = reinterpret_cast<std::byte*>(workspace.mutable_data<uint8_t>())},
      context);
  return y;
}

Array attention(const Array& q, const Array& k, const Array& v, std::span<const int64_t> lengths,
                const AttentionOptions& options) {
  check("attention", q, k, v);
  const kernels::KvLayout layout{
      .dtype = options.rounding == Rounding::bf16 ? DType::bf16 : DType::f32,
      .kv_heads = k.dim(1),
      .head_dim = k.dim(2)};
  int64_t blocks = 0;
  for (const int64_t length : lengths) {
    require(length >= 0, "attention: a sequence of length {}", length);
    blocks = checked_add(blocks, ceil_div(length, kernels::kBlockTokens));
  }
  Array cache = Array::zeros({checked_mul(blocks, layout.block_bytes())}, DType::u8, q.device());
  std::vector<std::byte*> table;
  for (int64_t i = 0; i < blocks; ++i)
    table.push_back(reinterpret_cast<std::byte*>(cache.mutable_data<uint8_t>()) +
                    i * layout.block_bytes());
  std::vector<kernels::KvSequence> sequences;
  int64_t row = 0;
  int64_t block = 0;
  for (const int64_t length : lengths) {
    sequences.push_back({.first_row = row, .rows = length, .blocks = table.data() + block});
    row = checked_add(row, length);
    block += ceil_div(length, kernels::kBlockTokens);
  }
  return cached_attention(q, k, v, layout, 0, sequences, options);
}

}  // namespace linnet::ops
