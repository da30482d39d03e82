#include "ops/matmul.hpp"

#include "kernels/matmul.hpp"
#include "kernels/trace.hpp"
#include "ops/cast.hpp"
#include "ops/promotion.hpp"
#include "ops/tape.hpp"
#include "ops/view.hpp"

namespace linnet::ops {
namespace {

Shape batch_shape(const Shape& shape) {
  return Shape(shape.span().first(static_cast<size_t>(shape.rank() - 2)));
}

Shape with_matrix(Shape shape, int64_t rows, int64_t columns) {
  shape.push_back(rows);
  shape.push_back(columns);
  return shape;
}

/// `count` products of `rows` rows by one matrix each.
struct Products {
  int64_t count = 0;
  int64_t rows = 0;
  int64_t k = 0;
  int64_t n = 0;
  Array left;    // dense [count * rows, K]
  Array right;   // dense [count][K, N], bf16, f16 or f32
  Array result;  // dense [count * rows, N] f32

  [[nodiscard]] const std::byte* left_at(int64_t i) const {
    return static_cast<const std::byte*>(left.view().data) + i * rows * k * size_of(left.dtype());
  }
  [[nodiscard]] const std::byte* right_at(int64_t i) const {
    return static_cast<const std::byte*>(right.view().data) + i * k * n * size_of(right.dtype());
  }
  [[nodiscard]] float* result_at(int64_t i) { return result.mutable_data<float>() + i * rows * n; }
};

/// For a few rows: `left` is f32 and `right` bf16 or f32.
void multiply_as_stored(Products& p) {
  for (int64_t i = 0; i < p.count; ++i)
    kernels::cpu::multiply_unpacked({.x = reinterpret_cast<const float*>(p.left_at(i)),
                                     .rows = p.rows,
                                     .b = p.right_at(i),
                                     .dtype = p.right.dtype(),
                                     .k = p.k,
                                     .n = p.n,
                                     .y = p.result_at(i)},
                                    p.right.device()->context());
}

void multiply_packed(Products& p) {
  const DevicePtr& device = p.right.device();
  const auto context = device->context();
  // bf16 products enter the chains exactly either way; packing them as they are halves the copy.
  const DType dtype = p.right.dtype() == DType::bf16 ? DType::bf16 : DType::f32;
  Array packed = Array::empty({kernels::packed_bytes(dtype, p.n, p.k)}, DType::u8, device);
  Array workspace = Array::empty(
      {kernels::cpu::linear_workspace(p.rows, p.k, 0, context.pool.size())}, DType::u8, device);
  for (int64_t i = 0; i < p.count; ++i) {
    kernels::cpu::pack_weights({.weights = {p.right_at(i), p.right.dtype(), {p.n, p.k}, {1, p.n}},
                                .dtype = dtype,
                                .packed = packed.mutable_data<uint8_t>()},
                               context);
    const kernels::LinearPart part{
        .weights = {packed.data<uint8_t>(), dtype, p.n, p.k}, .y = p.result_at(i), .y_stride = p.n};
    kernels::cpu::linear(
        {.x = {p.left_at(i), p.left.dtype(), {p.rows, p.k}, {p.k, 1}},
         .parts = {&part, 1},
         .workspace = reinterpret_cast<std::byte*>(workspace.mutable_data<uint8_t>())},
        context);
  }
}

/// Records y = a b, all with at least two axes.
Array recorded(const Array& a, const Array& b, Array y) {
  Tape* tape = recording({&a, &b});
  if (tape == nullptr) return y;
  const bool wants_a = a.tape() != nullptr;
  const bool wants_b = b.tape() != nullptr;
  tape->record("matmul", {&a, &b}, {&y},
               {.vjp =
                    [wants_a, wants_b, a = as_f32(a), b = as_f32(b)](const Arrays& c) {
                      const auto of_a = [&] {
                        return sum_to(matmul(c[0], swap_axes(b, -1, -2)), a.shape());
                      };
                      const auto of_b = [&] {
                        return sum_to(matmul(swap_axes(a, -1, -2), c[0]), b.shape());
                      };
                      return Arrays{wants_a ? of_a() : Array(), wants_b ? of_b() : Array()};
                    },
                .jvp =
                    [a = as_f32(a), b = as_f32(b)](const Arrays& t) {
                      return Arrays{plus(t[0].defined() ? matmul(t[0], b) : Array(),
                                         t[1].defined() ? matmul(a, t[1]) : Array())};
                    }});
  return y;
}

/// The product of constants, both with at least two axes and of one inner extent.
Array multiply(const Array& left, const Array& right) {
  const int64_t m = left.dim(-2);
  const int64_t k = left.dim(-1);
  const int64_t n = right.dim(-1);
  const Shape right_batch = batch_shape(right.shape());
  const Shape batch = broadcast_shapes("matmul", batch_shape(left.shape()), right_batch);
  const DType dtype = promote(left.dtype(), right.dtype());

  // One matrix on the right serves all rows on the left in a single product.
  const int64_t count = element_count(batch);
  const bool shared = element_count(right_batch) == 1;
  Products all{.count = shared ? 1 : count, .rows = shared ? count * m : m, .k = k, .n = n};
  all.right =
      contiguous(shared ? right : broadcast_view("matmul", right, with_matrix(batch, k, n)));
  // Half floats are packed as f32, not read as they are.
  const bool as_stored = all.rows <= kernels::kUnpackedRows && right.dtype() != DType::f16;
  // Where both are bf16 there are faster kernels for many rows, with the same bits.
  const bool narrow = !as_stored && left.dtype() == DType::bf16 && right.dtype() == DType::bf16;
  all.left = contiguous(astype(broadcast_view("matmul", left, with_matrix(batch, m, k)),
                               narrow ? DType::bf16 : DType::f32));
  all.result = Array::empty(with_matrix(batch, m, n), DType::f32, left.device());
  const kernels::Span span(left.device()->context().trace, [&] {
    return kernels::Work{
        .op = "matmul",
        .shape =
            fmt::format("{}{} x {} -> {}", all.count == 1 ? "" : fmt::format("{} of ", all.count),
                        all.rows, k, n),
        .kernel = fmt::format("{} ({}): {}", to_string(left.device()->isa()),
                              to_string(all.right.dtype()),
                              as_stored ? "as stored: few rows" : "packed first"),
        .flops = 2 * all.count * all.rows * n * k,
        .passing_bytes = all.left.nbytes() + all.right.nbytes() + all.result.nbytes()};
  });
  if (as_stored)
    multiply_as_stored(all);
  else
    multiply_packed(all);
  return astype(all.result, dtype);
}

}  // namespace

Array matmul(const Array& a, const Array& b) {
  check_same_device("matmul", a, b);
  require(is_floating(a.dtype()) && is_floating(b.dtype()) && a.rank() >= 1 && b.rank() >= 1,
          "matmul: {} {} by {} {} are not floating arrays with axes", to_string(a.dtype()),
          a.shape(), to_string(b.dtype()), b.shape());
  const Array left = a.rank() == 1 ? expand_dims(a, 0) : a;
  const Array right = b.rank() == 1 ? expand_dims(b, 1) : b;
  require(left.dim(-1) == right.dim(-2), "matmul: {} by {}: the inner extents {} and {} differ",
          a.shape(), b.shape(), left.dim(-1), right.dim(-2));
  Array y = recorded(left, right, multiply(stop_gradient(left), stop_gradient(right)));
  if (b.rank() == 1) y = squeeze(y, -1);
  return a.rank() == 1 ? squeeze(y, b.rank() == 1 ? -1 : -2) : y;
}

}  // namespace linnet::ops
