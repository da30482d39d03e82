#include "ops/low_rank.hpp"

#include <algorithm>

#include "kernels/low_rank.hpp"
#include "ops/cast.hpp"
#include "ops/tape.hpp"
#include "ops/trace.hpp"

namespace linnet::ops {
namespace {

void check_group(const LowRankRows& group, int64_t rows, int64_t k, int64_t n) {
  const PackedMatrix& a = group.a;
  const PackedMatrix& b = group.b;
  require(a.inputs() == k && b.outputs() == n && a.outputs() == b.inputs() &&
              a.dtype() == DType::f32 && b.dtype() == DType::f32 && !a.quantization() &&
              !b.quantization(),
          "add_low_rank: A is {} [{}, {}] and B {} [{}, {}], expected f32 [r, {}] and [{}, r]",
          to_string(a.dtype()), a.outputs(), a.inputs(), to_string(b.dtype()), b.outputs(),
          b.inputs(), k, n);
  require(group.first_row >= 0 && group.rows >= 0 && group.first_row <= rows - group.rows,
          "add_low_rank: rows {} to {} are not among {}", group.first_row,
          group.first_row + group.rows, rows);
}

}  // namespace

void add_low_rank(Array& y, const Array& x, std::span<const LowRankRows> groups) {
  require(x.rank() == 2 && y.rank() == 2 && x.dim(0) == y.dim(0) && y.dtype() == DType::f32 &&
              (x.dtype() == DType::f32 || x.dtype() == DType::bf16),
          "add_low_rank: x is {} {} and y {} {}, expected f32 or bf16 [T, K] and f32 [T, N]",
          to_string(x.dtype()), x.shape(), to_string(y.dtype()), y.shape());
  require(y.strides()[1] == 1 && y.strides()[0] == y.dim(1), "add_low_rank: y is not dense");
  require(recording({&x, &y}) == nullptr,
          "add_low_rank: derivatives of writing in place are not defined");
  const Array dense = contiguous(x);
  const int64_t k = x.dim(1);
  std::vector<kernels::LowRankGroup> raw_groups;
  int64_t rank = 0;
  int64_t taken = 0;  // rows that have a group so far
  kernels::Work work{.op = "low_rank", .kernel = kernels::cpu::lanes_variant(y.device()->isa())};
  for (const LowRankRows& group : groups) {
    check_group(group, x.dim(0), k, y.dim(1));
    require(group.first_row >= taken,
            "add_low_rank: row {} is in two groups, or groups do not rise", group.first_row);
    taken = group.first_row + group.rows;
    raw_groups.push_back({.first_row = group.first_row,
                          .rows = group.rows,
                          .a = raw(group.a),
                          .b = raw(group.b),
                          .scale = group.scale});
    rank = std::max(rank, group.a.outputs());
    work.flops += 2 * group.rows * group.a.outputs() * (k + y.dim(1));
    work.stored_bytes += group.a.storage().nbytes() + group.b.storage().nbytes();
  }
  const kernels::cpu::Context context = y.device()->context();
  Array workspace = Array::empty({kernels::cpu::low_rank_workspace(k, rank, context.pool.size())},
                                 DType::u8, y.device());
  const kernels::Span span(context.trace, [&] {
    work.shape =
        fmt::format("{} x {} -> {} -> {}, {} groups", x.dim(0), k, rank, y.dim(1), groups.size());
    work.passing_bytes = dense.nbytes() + 2 * y.nbytes();
    return work;
  });
  kernels::cpu::low_rank(
      {.x = dense.view(),
       .y = y.mutable_data<float>(),
       .groups = raw_groups,
       .workspace = reinterpret_cast<std::byte*>(workspace.mutable_data<uint8_t>())},
      context);
}

}  // namespace linnet::ops
