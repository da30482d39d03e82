#include "ops/linear.hpp"

#include "base/checked.hpp"
#include "kernels/embedding.hpp"
#include "kernels/matmul.hpp"
#include "ops/cast.hpp"

namespace linnet::ops {

int64_t PackedMatrix::packed_bytes(DType dtype, int64_t n, int64_t k) {
  return kernels::packed_bytes(dtype, n, k);
}

PackedMatrix pack(const Array& weights, DType dtype) {
  require(weights.rank() == 2 && is_floating(weights.dtype()),
          "pack: weights are {} {}, expected floating [N, K]", to_string(weights.dtype()),
          weights.shape());
  require(dtype == DType::bf16 || dtype == DType::f32, "pack: weights cannot be packed as {}",
          to_string(dtype));
  const int64_t n = weights.dim(0);
  const int64_t k = weights.dim(1);
  Array storage =
      Array::empty({PackedMatrix::packed_bytes(dtype, n, k)}, DType::u8, weights.device());
  kernels::cpu::pack_weights(
      {.weights = weights.view(), .dtype = dtype, .packed = storage.mutable_data<uint8_t>()},
      weights.device()->context());
  return {std::move(storage), dtype, n, k};
}

namespace {

kernels::PackedWeights raw(const PackedMatrix& m) {
  return {m.storage().data<uint8_t>(), m.dtype(), m.outputs(), m.inputs()};
}

}  // namespace

Array linear(const Array& x, const PackedMatrix& weights, const Array& bias, Rounding rounding) {
  const int64_t k = weights.inputs();
  const int64_t n = weights.outputs();
  require(x.rank() >= 1 && x.dim(-1) == k && (x.dtype() == DType::f32 || x.dtype() == DType::bf16),
          "linear: x is {} {}, expected f32 or bf16 [..., {}] for weights [{}, {}]",
          to_string(x.dtype()), x.shape(), k, n, k);
  require(!bias.defined() || (bias.shape() == Shape{n} && bias.dtype() == DType::f32),
          "linear: the bias is not f32 [{}]", n);
  const Array dense = contiguous(x);
  const int64_t rows = k == 0 ? 0 : x.size() / k;
  Shape shape = x.shape();
  shape[shape.rank() - 1] = n;
  Array y = Array::empty(shape, DType::f32, x.device());
  Array workspace = Array::empty({rows, round_up(k, kernels::kBlockK)}, DType::f32, x.device());
  kernels::cpu::linear({.x = {dense.view().data, x.dtype(), {rows, k}, {k, 1}},
                        .weights = raw(weights),
                        .bias = bias.defined() ? bias.data<float>() : nullptr,
                        .y = y.mutable_data<float>(),
                        .y_stride = n,
                        .workspace = workspace.mutable_data<float>(),
                        .round_x = rounding == Rounding::bf16},
                       x.device()->context());
  return y;
}

Array embedding(const PackedMatrix& table, std::span<const int32_t> ids, float scale) {
  for (const int32_t id : ids)
    require(id >= 0 && id < table.outputs(), "embedding: token id {} is outside 0..{}", id,
            table.outputs() - 1);
  Array y =
      Array::empty({static_cast<int64_t>(ids.size()), table.inputs()}, DType::f32, table.device());
  kernels::cpu::embedding(
      {.table = raw(table), .ids = ids, .scale = scale, .y = y.mutable_data<float>()},
      table.device()->context());
  return y;
}

}  // namespace linnet::ops
