#include "ops/matmul.hpp"

#include "kernels/matmul.hpp"
#include "ops/cast.hpp"
#include "ops/promotion.hpp"
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

}  // namespace

Array matmul(const Array& a, const Array& b) {
  check_same_device("matmul", a, b);
  require(is_floating(a.dtype()) && is_floating(b.dtype()) && a.rank() >= 1 && b.rank() >= 1,
          "matmul: {} {} by {} {} are not floating arrays with axes", to_string(a.dtype()),
          a.shape(), to_string(b.dtype()), b.shape());
  const Array left = a.rank() == 1 ? expand_dims(a, 0) : a;
  const Array right = b.rank() == 1 ? expand_dims(b, 1) : b;
  const int64_t m = left.dim(-2);
  const int64_t k = left.dim(-1);
  const int64_t n = right.dim(-1);
  require(right.dim(-2) == k, "matmul: {} by {}: the inner extents {} and {} differ", a.shape(),
          b.shape(), k, right.dim(-2));
  const Shape right_batch = batch_shape(right.shape());
  const Shape batch = broadcast_shapes("matmul", batch_shape(left.shape()), right_batch);
  const DType dtype = promote(a.dtype(), b.dtype());
  const DevicePtr& device = a.device();

  // One matrix on the right serves all rows on the left in a single product.
  const int64_t count = element_count(batch);
  const bool shared = element_count(right_batch) == 1;
  const int64_t products = shared ? 1 : count;
  const int64_t rows = shared ? count * m : m;
  const Array matrices =
      contiguous(shared ? right : broadcast_view("matmul", right, with_matrix(batch, k, n)));
  // bf16 products enter the chains exactly either way; packing them as they are halves the copy.
  const DType packed_dtype = right.dtype() == DType::bf16 ? DType::bf16 : DType::f32;
  // Where both are bf16 there are faster kernels, with the same bits.
  const DType left_dtype =
      left.dtype() == DType::bf16 && packed_dtype == DType::bf16 ? DType::bf16 : DType::f32;
  const Array dense_left =
      contiguous(astype(broadcast_view("matmul", left, with_matrix(batch, m, k)), left_dtype));
  const auto* rows_on_left = static_cast<const std::byte*>(dense_left.view().data);
  Array packed = Array::empty({kernels::packed_bytes(packed_dtype, n, k)}, DType::u8, device);
  Array result = Array::empty(with_matrix(batch, m, n), DType::f32, device);
  const auto context = device->context();
  Array workspace = Array::empty({kernels::cpu::linear_workspace(rows, k, 0, context.pool.size())},
                                 DType::u8, device);
  const auto* matrix = static_cast<const std::byte*>(matrices.view().data);
  for (int64_t i = 0; i < products; ++i) {
    kernels::cpu::pack_weights(
        {.weights = {matrix + i * k * n * size_of(right.dtype()), right.dtype(), {n, k}, {1, n}},
         .dtype = packed_dtype,
         .packed = packed.mutable_data<uint8_t>()},
        context);
    const kernels::LinearPart part{.weights = {packed.data<uint8_t>(), packed_dtype, n, k},
                                   .y = result.mutable_data<float>() + i * rows * n,
                                   .y_stride = n};
    kernels::cpu::linear(
        {.x = {rows_on_left + i * rows * k * size_of(left_dtype), left_dtype, {rows, k}, {k, 1}},
         .parts = {&part, 1},
         .workspace = reinterpret_cast<std::byte*>(workspace.mutable_data<uint8_t>())},
        context);
  }
  Array rounded = astype(result, dtype);
  if (b.rank() == 1) rounded = squeeze(rounded, -1);
  if (a.rank() == 1) rounded = squeeze(rounded, b.rank() == 1 ? -1 : -2);
  return rounded;
}

}  // namespace linnet::ops
