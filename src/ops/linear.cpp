#include "ops/linear.hpp"

#include <algorithm>

#include <array>

#include "base/checked.hpp"
#include "kernels/embedding.hpp"
#include "kernels/matmul.hpp"
#include "kernels/trace.hpp"
#include "ops/activation.hpp"
#include "ops/cast.hpp"
#include "ops/creation.hpp"
#include "ops/elementwise.hpp"
#include "ops/indexing.hpp"
#include "ops/matmul.hpp"
#include "ops/reduce.hpp"
#include "ops/tape.hpp"
#include "ops/trace.hpp"
#include "ops/view.hpp"

namespace linnet::ops {
namespace {

/// x as the kernels want it, and what they need to work on it.
struct LeftOperand {
  Array dense;
  Array workspace;
  int64_t rows = 0;
  int64_t k = 0;

  LeftOperand(const Array& x, const PackedMatrix& weights)
      : dense(contiguous(stop_gradient(x))), k(weights.inputs()) {
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
kernels::Work product_work(std::string_view op, const LeftOperand& x,
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

kernels::PackedWeights raw(const PackedMatrix& m) {
  return {m.storage().data<uint8_t>(), m.dtype(), m.outputs(), m.inputs(), m.quantization()};
}

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
  {
    const auto span = trace_lanes("pack", weights, storage.nbytes());
    kernels::cpu::pack_weights(
        {.weights = weights.view(), .dtype = dtype, .packed = storage.mutable_data<uint8_t>()},
        weights.device()->context());
  }
  PackedMatrix result(std::move(storage), dtype, n, k);
  if (recording({&weights}) != nullptr) result.set_source(weights);
  return result;
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

namespace {

/// x's rows as a matrix.
Array as_matrix(const Array& x) { return reshape(x, {-1, x.dim(-1)}); }

/// Arrays of linear()'s operands: x, then the source and the bias of each term.
std::vector<const Array*> operands_of(const Array& x, std::span<const LinearTerm> terms) {
  std::vector<const Array*> result{&x};
  for (const LinearTerm& term : terms) {
    result.push_back(&term.weights.source());
    result.push_back(&term.bias);
  }
  return result;
}

/// How derivatives pass through linear(); keeps the matrices, which are shared.
class LinearRule {
 public:
  LinearRule(const Array& x, std::span<const LinearTerm> terms, Rounding rounding)
      : x_(stop_gradient(x)), rounding_(rounding), wants_x_(x.tape() != nullptr) {
    for (const LinearTerm& term : terms) {
      Part part{.weights = term.weights,
                .wants_source = term.weights.source().defined(),
                .wants_bias = term.bias.defined() && term.bias.tape() != nullptr};
      part.weights.set_source({});
      parts_.push_back(std::move(part));
    }
  }

  [[nodiscard]] Arrays pull(const Arrays& c) const {
    Arrays result{Array()};
    for (size_t i = 0; i < parts_.size(); ++i) {
      const Part& part = parts_[i];
      Array source;
      Array bias;
      if (c[i].defined()) {
        if (wants_x_) {
          result[0] = plus(result[0], linear_transposed(c[i], part.weights, rounding_));
        }
        if (part.wants_source) source = weight_gradient(c[i], x_, rounding_);
        if (part.wants_bias) bias = sum(as_matrix(c[i]), 0);
      }
      result.push_back(source);
      result.push_back(bias);
    }
    return result;
  }

  [[nodiscard]] Arrays push(const Arrays& t) const {
    Arrays result;
    for (size_t i = 0; i < parts_.size(); ++i) {
      Array y;
      if (t[0].defined()) y = linear(t[0], parts_[i].weights);
      if (t[2 * i + 1].defined()) y = plus(y, linear(x_, pack(t[2 * i + 1], DType::f32)));
      if (t[2 * i + 2].defined())
        y = plus(y,
                 broadcast_to(t[2 * i + 2], with_outputs(x_.shape(), parts_[i].weights.outputs())));
      result.push_back(y);
    }
    return result;
  }

 private:
  struct Part {
    PackedMatrix weights;
    bool wants_source = false;
    bool wants_bias = false;
  };

  Array x_;
  Rounding rounding_;
  bool wants_x_;
  std::vector<Part> parts_;
};

void record_linear(const Array& x, std::span<const LinearTerm> terms, Rounding rounding,
                   std::vector<Array>& result) {
  const auto inputs = operands_of(x, terms);
  Tape* tape = recording(inputs);
  if (tape == nullptr) return;
  const auto rule = std::make_shared<const LinearRule>(x, terms, rounding);
  std::vector<Array*> outputs;
  for (Array& y : result) outputs.push_back(&y);
  tape->record("linear", inputs, outputs,
               {.vjp = [rule](const Arrays& c) { return rule->pull(c); },
                .jvp = [rule](const Arrays& t) { return rule->push(t); }});
}

}  // namespace

Array linear_transposed(const Array& x, const PackedMatrix& weights, Rounding rounding) {
  const int64_t n = weights.outputs();
  const int64_t k = weights.inputs();
  require(x.rank() >= 1 && x.dim(-1) == n && x.dtype() == DType::f32,
          "linear_transposed: x is {} {}, expected f32 [..., {}] for weights [{}, {}]",
          to_string(x.dtype()), x.shape(), n, n, k);
  constexpr int64_t kPanel = kernels::kPanelRows;
  // Exact for bf16 weights; for others what Rounding::bf16 asks for.
  const bool narrow =
      rounding == Rounding::bf16 || (!weights.quantization() && weights.dtype() == DType::bf16);
  const DType dtype = narrow ? DType::bf16 : DType::f32;
  const int64_t panels = ceil_div(k, kPanel);
  // A part of the transpose stays in the caches between being made and being read: 4 MiB, but
  // panels enough for all threads.
  const int64_t panel_bytes = PackedMatrix::packed_bytes(dtype, kPanel, std::max<int64_t>(n, 1));
  const int64_t threads = x.device()->threads().size();
  const int64_t step =
      std::min(panels, std::max<int64_t>((int64_t{4} << 20) / panel_bytes, threads * 8));
  Array y = Array::empty(with_outputs(x.shape(), k), DType::f32, x.device());
  if (y.size() == 0) return y;
  Array packed = Array::empty({panel_bytes * step}, DType::u8, x.device());
  const Array dense = contiguous(stop_gradient(x));
  const int64_t rows = y.size() / k;
  Array workspace =
      Array::empty({kernels::cpu::linear_workspace(rows, n, 0, static_cast<int>(threads))},
                   DType::u8, x.device());
  const auto context = x.device()->context();
  const kernels::Span span(context.trace, [&] {
    return kernels::Work{
        .op = "linear_transposed",
        .shape = fmt::format("{} x {} -> {}", rows, n, k),
        .kernel = fmt::format(
            "{} (transposed {}): {}", to_string(x.device()->isa()), format_of(weights),
            kernels::cpu::linear_variant(
                {.rows = rows, .bf16_operands = rounding == Rounding::bf16 && narrow}, context)),
        .flops = 2 * rows * n * k,
        .stored_bytes = PackedMatrix::packed_bytes(weights.dtype(), n, k, weights.quantization()),
        .passing_bytes = (x.size() + y.size()) * size_of(DType::f32)};
  });
  for (int64_t first = 0; first < panels; first += step) {
    const int64_t count = std::min(step, panels - first);
    kernels::cpu::transpose_panels({.weights = raw(weights),
                                    .first = first,
                                    .count = count,
                                    .dtype = dtype,
                                    .packed = packed.mutable_data<uint8_t>()},
                                   context);
    const kernels::LinearPart part{
        .weights = {packed.data<uint8_t>(), dtype, std::min(count * kPanel, k - first * kPanel), n},
        .y = y.mutable_data<float>() + first * kPanel,
        .y_stride = k};
    kernels::cpu::linear(
        {.x = {dense.view().data, DType::f32, {rows, n}, {n, 1}},
         .parts = {&part, 1},
         .round_x = rounding == Rounding::bf16,
         .workspace = reinterpret_cast<std::byte*>(workspace.mutable_data<uint8_t>())},
        context);
  }
  return y;
}

Array weight_gradient(const Array& dy, const Array& x, Rounding rounding) {
  const Array rows = as_matrix(stop_gradient(dy));   // [T, N]
  const Array inputs = as_matrix(stop_gradient(x));  // [T, K]
  const auto multiply = [rounding](const Array& left, const Array& right) {
    if (rounding == Rounding::none) return matmul(swap_axes(left, 0, 1), as_f32(right));
    return linear(contiguous(swap_axes(astype(left, DType::bf16), 0, 1)),
                  pack(swap_axes(astype(right, DType::bf16), 0, 1), DType::bf16));
  };
  // The left operand is copied, the right one packed, which is quicker; each product of two
  // elements is the same either way round.
  if (rows.dim(1) <= inputs.dim(1)) return multiply(as_f32(rows), inputs);
  return contiguous(swap_axes(multiply(as_f32(inputs), rows), 0, 1));
}

std::vector<Array> linear(const Array& x, std::span<const LinearTerm> terms, Rounding rounding) {
  std::vector<Array> result;
  std::vector<Array> biases;
  std::vector<kernels::LinearPart> parts;
  for (const LinearTerm& term : terms) {
    check_operand(x, term.weights);
    const int64_t n = term.weights.outputs();
    check_bias(term.bias, n);
    const Array bias = term.bias.defined() ? contiguous(stop_gradient(term.bias)) : Array();
    biases.push_back(bias);
    result.push_back(Array::empty(with_outputs(x.shape(), n), DType::f32, x.device()));
    parts.push_back({.weights = raw(term.weights),
                     .bias = bias.defined() ? bias.data<float>() : nullptr,
                     .y = result.back().mutable_data<float>(),
                     .y_stride = n});
  }
  for (size_t begin = 0; begin < parts.size();) {
    size_t end = begin + 1;
    while (end < parts.size() && share_a_pass(terms[begin].weights, terms[end].weights)) ++end;
    LeftOperand operand(x, terms[begin].weights);
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
  record_linear(x, terms, rounding, result);
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
  if (!share_a_pass(gate, up) || recording({&x, &gate.source(), &up.source()}) != nullptr) {
    const LinearTerm both[] = {{gate}, {up}};
    const std::vector<Array> y = linear(x, both, rounding);
    return astype(gated_activation(y[0], y[1], activation), dtype);
  }
  Array y = Array::empty(with_outputs(x.shape(), gate.outputs()), dtype, x.device());
  LeftOperand operand(x, gate);
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
  if (Tape* tape = recording({&table.source()})) {
    const Array rows = Array::from(ids, {y.dim(0)}, table.device());
    tape->record("embedding", {&table.source()}, {&y},
                 {.vjp =
                      [rows, scale, shape = table.source().shape()](const Arrays& c) {
                        const Array none = zeros(shape, DType::f32, c[0].device());
                        return Arrays{scatter_add(none, rows, mul(c[0], scale), 0)};
                      },
                  .jvp = [rows, scale](
                             const Arrays& t) { return Arrays{mul(take(t[0], rows, 0), scale)}; }});
  }
  return y;
}

}  // namespace linnet::ops
