#include "ops/linear.hpp"

#include <algorithm>

#include <array>

#include "base/checked.hpp"
#include "kernels/embedding.hpp"
#include "kernels/matmul.hpp"
#include "kernels/trace.hpp"
#include "ops/activation.hpp"
#include "ops/cast.hpp"

namespace linnet::ops {
namespace {

kernels::PackedWeights raw(const PackedMatrix& m) {
  return {m.storage().data<uint8_t>(), m.dtype(), m.outputs(), m.inputs(), m.quantization()};
}

/// x as the kernels want it, and what they need to work on it.
struct Operand {
  Array dense;
  Array workspace;
  int64_t rows = 0;
  int64_t k = 0;

  Operand(const Array& x, const PackedMatrix& weights) : dense(contiguous(x)), k(weights.inputs()) {
    rows = 1;
    for (int axis = 0; axis + 1 < x.rank(); ++axis) rows *= x.dim(axis);
    workspace =
        Array::empty({kernels::cpu::linear_workspace(rows, k, weights.quantization().group_size,
                                                     x.device()->threads().size())},
                     DType::u8, x.device());
  }
  [[nodiscard]] kernels::ConstView view() const {
    return {dense.view().data, dense.dtype(), {rows, k}, {k, 1}};
  }
  std::byte* room() { return reinterpret_cast<std::byte*>(workspace.mutable_data<uint8_t>()); }
};

void check_operand(const Array& x, const PackedMatrix& weights) {
  const int64_t k = weights.inputs();
  const int64_t n = weights.outputs();
  require(x.rank() >= 1 && x.dim(-1) == k && (x.dtype() == DType::f32 || x.dtype() == DType::bf16),
          "linear: x is {} {}, expected f32 or bf16 [..., {}] for weights [{}, {}]",
          to_string(x.dtype()), x.shape(), k, n, k);
}

void check_bias(const Array& bias, int64_t n) {
  require(!bias.defined() || (bias.shape() == Shape{n} && bias.dtype() == DType::f32),
          "linear: the bias is not f32 [{}]", n);
}

Shape with_outputs(Shape shape, int64_t n) {
  shape[shape.rank() - 1] = n;
  return shape;
}

/// Whether one pass over x serves both.
bool share_a_pass(const PackedMatrix& a, const PackedMatrix& b) {
  return a.inputs() == b.inputs() && a.dtype() == b.dtype() &&
         a.quantization().group_size == b.quantization().group_size;
}

std::string format_of(const PackedMatrix& m) {
  if (!m.quantization()) return std::string(to_string(m.dtype()));
  return fmt::format("{}-bit, groups of {}", m.quantization().bits, m.quantization().group_size);
}

/// Of products of one x with several matrices of one layout, which write y_bytes.
kernels::Work product_work(std::string_view op, const Operand& x,
                           std::span<const PackedMatrix* const> matrices, int64_t y_bytes,
                           bool round_x) {
  const PackedMatrix& first = *matrices.front();
  const bool bf16 = (round_x || x.dense.dtype() == DType::bf16) &&
                    (bool(first.quantization()) || first.dtype() == DType::bf16);
  const bool four_bits = std::ranges::all_of(matrices, [](const PackedMatrix* matrix) {
    return bool(matrix->quantization()) && matrix->quantization().bits <= 4;
  });
  kernels::Work work{.op = op,
                     .passing_bytes = x.dense.size() * size_of(x.dense.dtype()) + y_bytes};
  std::vector<int64_t> outputs;
  for (const PackedMatrix* matrix : matrices) {
    const int64_t n = matrix->outputs();
    outputs.push_back(n);
    work.flops += 2 * x.rows * n * x.k;
    work.stored_bytes +=
        PackedMatrix::packed_bytes(matrix->dtype(), n, x.k, matrix->quantization());
  }
  work.shape = fmt::format("{} x {} -> {}", x.rows, x.k, fmt::join(outputs, " + "));
  work.kernel = fmt::format(
      "{} ({}): {}", to_string(x.dense.device()->isa()), format_of(first),
      kernels::cpu::linear_variant({.rows = x.rows, .bf16_operands = bf16, .four_bits = four_bits},
                                   x.dense.device()->context()));
  return work;
}

}  // namespace

int64_t PackedMatrix::packed_bytes(DType dtype, int64_t n, int64_t k, Quantization quantization) {
  return kernels::packed_bytes(dtype, n, k, quantization);
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

QuantizedPacker::QuantizedPacker(int64_t outputs, int64_t inputs, Quantization quantization,
                                 DType scales, const DevicePtr& device) {
  check_supported(quantization);
  require(scales == DType::bf16 || scales == DType::f32, "scales cannot be kept as {}",
          to_string(scales));
  matrix_ =
      PackedMatrix(Array::empty({PackedMatrix::packed_bytes(scales, outputs, inputs, quantization)},
                                DType::u8, device),
                   scales, outputs, inputs, quantization);
}

void QuantizedPacker::append(const QuantizedRows& rows) {
  const Quantization q = matrix_.quantization();
  const auto is_floats = [](const Array& a, const Shape& shape) {
    return a.shape() == shape && is_floating(a.dtype());
  };
  const int64_t count = rows.words.rank() == 2 ? rows.words.dim(0) : 0;
  const Shape groups{count, matrix_.inputs() / q.group_size};
  require(rows.words.rank() == 2 && rows.words.dtype() == DType::u32 &&
              rows.words.dim(1) == matrix_.inputs() * q.bits / 32 &&
              is_floats(rows.scales, groups) && is_floats(rows.biases, groups),
          "pack_quantized: words {} {}, scales {} {} and biases {} {} are no rows of [{}, {}] with "
          "{} bits in groups of {}",
          to_string(rows.words.dtype()), rows.words.shape(), to_string(rows.scales.dtype()),
          rows.scales.shape(), to_string(rows.biases.dtype()), rows.biases.shape(),
          matrix_.outputs(), matrix_.inputs(), q.bits, q.group_size);
  require(rows_ % kernels::kPanelRows == 0 && rows_ + count <= matrix_.outputs(),
          "pack_quantized: {} rows after {} of {}", count, rows_, matrix_.outputs());
  const Array words = contiguous(rows.words);
  const Array scales = contiguous(astype(rows.scales, matrix_.dtype()));
  const Array biases = contiguous(astype(rows.biases, matrix_.dtype()));
  kernels::cpu::pack_quantized({.words = words.view(),
                                .scales = scales.view(),
                                .biases = biases.view(),
                                .packed = raw(matrix_),
                                .first_row = rows_},
                               matrix_.device()->context());
  rows_ += count;
}

PackedMatrix QuantizedPacker::finish() {
  require(rows_ == matrix_.outputs(), "pack_quantized: {} of {} rows", rows_, matrix_.outputs());
  return std::move(matrix_);
}

PackedMatrix pack_quantized(const QuantizedRows& rows, Quantization quantization) {
  check_supported(quantization);
  require(rows.words.rank() == 2 && rows.scales.rank() == 2,
          "pack_quantized: words {} and scales {} are no matrices", rows.words.shape(),
          rows.scales.shape());
  const bool narrow = rows.scales.dtype() == DType::bf16 && rows.biases.dtype() == DType::bf16;
  QuantizedPacker packer(rows.words.dim(0),
                         checked_mul(rows.scales.dim(1), quantization.group_size), quantization,
                         narrow ? DType::bf16 : DType::f32, rows.words.device());
  packer.append(rows);
  return packer.finish();
}

std::vector<Array> linear(const Array& x, std::span<const LinearTerm> terms, Rounding rounding) {
  std::vector<Array> result;
  std::vector<kernels::LinearPart> parts;
  for (const LinearTerm& term : terms) {
    check_operand(x, term.weights);
    const int64_t n = term.weights.outputs();
    check_bias(term.bias, n);
    result.push_back(Array::empty(with_outputs(x.shape(), n), DType::f32, x.device()));
    parts.push_back({.weights = raw(term.weights),
                     .bias = term.bias.defined() ? term.bias.data<float>() : nullptr,
                     .y = result.back().mutable_data<float>(),
                     .y_stride = n});
  }
  for (size_t begin = 0; begin < parts.size();) {
    size_t end = begin + 1;
    while (end < parts.size() && share_a_pass(terms[begin].weights, terms[end].weights)) ++end;
    Operand operand(x, terms[begin].weights);
    const kernels::Span span(x.device()->context().trace, [&] {
      std::vector<const PackedMatrix*> matrices;
      int64_t y_bytes = 0;
      for (size_t i = begin; i < end; ++i) {
        matrices.push_back(&terms[i].weights);
        y_bytes += result[i].size() * size_of(DType::f32);
      }
      return product_work("linear", operand, matrices, y_bytes, rounding == Rounding::bf16);
    });
    kernels::cpu::linear({.x = operand.view(),
                          .parts = std::span(parts).subspan(begin, end - begin),
                          .round_x = rounding == Rounding::bf16,
                          .workspace = operand.room()},
                         x.device()->context());
    begin = end;
  }
  return result;
}

Array linear(const Array& x, const PackedMatrix& weights, const Array& bias, Rounding rounding) {
  const LinearTerm term{weights, bias};
  return std::move(linear(x, {&term, 1}, rounding).front());
}

Array gated_linear(const Array& x, const PackedMatrix& gate, const PackedMatrix& up,
                   Activation activation, Rounding rounding) {
  check_operand(x, gate);
  check_operand(x, up);
  require(gate.outputs() == up.outputs(), "gated_linear: the gate has {} outputs, up has {}",
          gate.outputs(), up.outputs());
  const DType dtype = rounding == Rounding::bf16 ? DType::bf16 : DType::f32;
  if (!share_a_pass(gate, up))
    return astype(
        gated_activation(linear(x, gate, {}, rounding), linear(x, up, {}, rounding), activation),
        dtype);
  Array y = Array::empty(with_outputs(x.shape(), gate.outputs()), dtype, x.device());
  Operand operand(x, gate);
  const kernels::Span span(x.device()->context().trace, [&] {
    return product_work("gated_linear", operand, std::array{&gate, &up}, y.size() * size_of(dtype),
                        rounding == Rounding::bf16);
  });
  kernels::cpu::gated_linear({.x = operand.view(),
                              .gate = raw(gate),
                              .up = raw(up),
                              .activation = activation,
                              .y = {.data = y.mutable_view().data,
                                    .dtype = dtype,
                                    .shape = {operand.rows, gate.outputs()},
                                    .strides = {gate.outputs(), 1}},
                              .round_x = rounding == Rounding::bf16,
                              .workspace = operand.room()},
                             x.device()->context());
  return y;
}

Array embedding(const PackedMatrix& table, std::span<const int32_t> ids, float scale) {
  for (const int32_t id : ids)
    require(id >= 0 && id < table.outputs(), "embedding: token id {} is outside 0..{}", id,
            table.outputs() - 1);
  Array y =
      Array::empty({static_cast<int64_t>(ids.size()), table.inputs()}, DType::f32, table.device());
  const kernels::Span span(table.device()->context().trace, [&] {
    return kernels::Work{
        .op = "embedding",
        .shape = fmt::format("{} of {}", ids.size(), table.outputs()),
        .kernel = fmt::format("rows of the packed table ({})", format_of(table)),
        .stored_bytes = PackedMatrix::packed_bytes(table.dtype(), kernels::kPanelRows,
                                                   table.inputs(), table.quantization()) /
                        kernels::kPanelRows * y.dim(0),
        .passing_bytes = y.size() * size_of(DType::f32)};
  });
  kernels::cpu::embedding(
      {.table = raw(table), .ids = ids, .scale = scale, .y = y.mutable_data<float>()},
      table.device()->context());
  return y;
}

}  // namespace linnet::ops
