// linear(): prepares the rows, cuts the panels into jobs, has a path multiply, and writes out.
#include "kernels/matmul.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "kernels/cpu/matmul_paths.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linnet::kernels::cpu::HWY_NAMESPACE {

/// One row of x as float32, rounded to bf16 if asked, padded with zeros to `padded`.
void FloatRow(const ConstView& x, bool round, int64_t row, int64_t padded, float* to) {
  const int64_t k = x.shape[1];
  const int64_t start = row * x.strides[0];
  std::fill(to + k, to + padded, 0.0F);
  int64_t i = 0;
  if (x.dtype == DType::bf16) {
    const auto* from = static_cast<const BF16*>(x.data) + start;
    for (; i + kLanes <= k; i += kLanes) store(load(from + i), to + i);
    for (; i < k; ++i) to[i] = linnet::to_float(from[i]);
  } else {
    const auto* from = static_cast<const float*>(x.data) + start;
    if (!round) {
      std::copy(from, from + k, to);
      return;
    }
    BF16 rounded[kLanes];
    for (; i + kLanes <= k; i += kLanes) {
      store(load(from + i), rounded);
      store(load(rounded), to + i);
    }
    for (; i < k; ++i) to[i] = linnet::to_float(linnet::to_bf16(from[i]));
  }
}

/// The same as bf16; a float32 row is rounded.
void Bf16Row(const ConstView& x, int64_t row, int64_t padded, BF16* to) {
  const int64_t k = x.shape[1];
  const int64_t start = row * x.strides[0];
  std::fill(to + k, to + padded, BF16());
  if (x.dtype == DType::bf16) {
    const auto* from = static_cast<const BF16*>(x.data) + start;
    std::copy(from, from + k, to);
    return;
  }
  const auto* from = static_cast<const float*>(x.data) + start;
  int64_t i = 0;
  for (; i + kLanes <= k; i += kLanes) store(load(from + i), to + i);
  for (; i < k; ++i) to[i] = linnet::to_bf16(from[i]);
}

/// Sums of the groups of a prepared row: 16 lanes, then the tree; `stride` floats apart.
template <class Element>
HWY_INLINE void sum_groups(const Element* row, int64_t k, int64_t group, float* to,
                           int64_t stride) {
  for (int64_t start = 0; start < k; start += group) {
    F32x16 sum = load(row + start);
    for (int64_t i = kLanes; i < group; i += kLanes) sum = sum + load(row + start + i);
    *to = sum_lanes(sum);
    to += stride;
  }
}
void SumGroupsFloat(const float* row, int64_t k, int64_t group, float* to, int64_t stride) {
  sum_groups(row, k, group, to, stride);
}
void SumGroupsBf16(const BF16* row, int64_t k, int64_t group, float* to, int64_t stride) {
  sum_groups(row, k, group, to, stride);
}

/// y[row][column ...] = sums + bias for a range of panels.
void WriteSums(const PreparedRows& x, const LinearPart& part, const PanelRange& range) {
  for (int64_t panel = range.begin; panel < range.end; ++panel) {
    const int64_t column = panel * kLanes;
    const int64_t n = std::min<int64_t>(kLanes, part.weights.n - column);
    const float* sums = range.sums + (panel - range.begin) * x.padded_rows * kLanes;
    const bool biased = part.bias != nullptr;
    const F32x16 bias = biased ? load_partial(part.bias + column, n, 0.0F) : zero();
    for (int64_t row = 0; row < x.rows; ++row) {
      const F32x16 sum = load(sums + row * kLanes);
      const F32x16 v = biased ? sum + bias : sum;
      float* y = part.y + row * part.y_stride + column;
      if (n == kLanes)
        store(v, y);
      else
        store_partial(v, y, n);
    }
  }
}

template <class Out, F32x16 (*kActivation)(F32x16)>
void write_gated(const PreparedRows& x, const GatedLinearArgs& a, const PanelRange& gate,
                 const float* up_sums) {
  for (int64_t panel = gate.begin; panel < gate.end; ++panel) {
    const int64_t column = panel * kLanes;
    const int64_t n = std::min<int64_t>(kLanes, a.gate.n - column);
    const int64_t start = (panel - gate.begin) * x.padded_rows * kLanes;
    for (int64_t row = 0; row < x.rows; ++row) {
      const F32x16 v = kActivation(load(gate.sums + start + row * kLanes)) *
                       load(up_sums + start + row * kLanes);
      auto* y = static_cast<Out*>(a.y.data) + row * a.y.strides[0] + column;
      if (n == kLanes) {
        store(v, y);
      } else {
        Out last[kLanes];
        store(v, last);
        std::copy(last, last + n, y);
      }
    }
  }
}

template <class Out>
void write_gated_as(const PreparedRows& x, const GatedLinearArgs& a, const PanelRange& gate,
                    const float* up_sums) {
  switch (a.activation) {
    case Activation::silu: return write_gated<Out, silu>(x, a, gate, up_sums);
    case Activation::gelu_tanh: return write_gated<Out, gelu_tanh>(x, a, gate, up_sums);
    case Activation::gelu: return write_gated<Out, gelu_erf>(x, a, gate, up_sums);
  }
}

/// y = activation(gate) * up, as gated_activation computes it.
void WriteGated(const PreparedRows& x, const GatedLinearArgs& a, const PanelRange& gate,
                const float* up_sums) {
  if (a.y.dtype == DType::bf16)
    write_gated_as<BF16>(x, a, gate, up_sums);
  else
    write_gated_as<float>(x, a, gate, up_sums);
}

}  // namespace linnet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "base/half.hpp"
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels {

int64_t packed_bytes(DType dtype, int64_t n, int64_t k, Quantization quantization) {
  const int64_t rows = round_up(n, kPanelRows);
  if (!quantization) return checked_mul(checked_mul(rows, round_up(k, kBlockK)), size_of(dtype));
  require(k % quantization.group_size == 0, "{} inputs are no whole number of groups of {}", k,
          quantization.group_size);
  const PackedWeights w{.dtype = dtype, .n = n, .k = k, .quantization = quantization};
  return checked_mul(checked_mul(w.panels(), w.groups()), w.group_bytes());
}

namespace cpu {

HWY_EXPORT(FloatRow);
HWY_EXPORT(Bf16Row);
HWY_EXPORT(SumGroupsFloat);
HWY_EXPORT(SumGroupsBf16);
HWY_EXPORT(WriteSums);
HWY_EXPORT(WriteGated);

void prepare_float_row(const ConstView& x, bool round, int64_t row, int64_t padded, float* to,
                       Isa isa) {
  choose(HWY_DISPATCH_TABLE(FloatRow), isa)(x, round, row, padded, to);
}

int64_t path_scratch(int64_t k, int64_t group_size) {
  const int64_t groups = group_size == 0 ? 0 : ceil_div(k, group_size);
  // Unpacked weights, scales and biases; the tiles of sums on their way into float32.
  return (kJobPanels * (kChunkK + 2 * groups) * kPanelRows + 8 * 1024) * 4;
}

namespace {

constexpr int64_t kAlign = 64;

MatmulPath path_of(const ProductKind& kind, Isa isa) {
  if (kind.rows <= kVectorRows)
    return isa == Isa::avx512 && kind.bf16_operands && kind.four_bits ? MatmulPath::vector_bf16
                                                                      : MatmulPath::vector;
  if (!kind.bf16_operands) return MatmulPath::float_fma;
  switch (isa) {
    case Isa::avx512: return MatmulPath::bf16_dot;
    case Isa::amx: return MatmulPath::tiles;
    case Isa::amx_emulated: return MatmulPath::tiles_emulated;
    default: return MatmulPath::float_fma;
  }
}

bool four_bits(const PackedWeights& w) { return bool(w.quantization) && w.width() == 4; }

/// How the workspace of a product is divided.
struct Workspace {
  int64_t rows = 0;  // of a chunk of rows
  int64_t padded_rows = 0;
  int64_t k = 0;           // padded
  int64_t row_bytes = 0;   // of all prepared rows
  int64_t sums_bytes = 0;  // of all group sums
  int64_t job_bytes = 0;   // of one thread
  int64_t total = 0;

  Workspace(int64_t all_rows, int64_t inputs, int64_t group_size, int threads)
      : rows(std::min(all_rows, kChunkRows)),
        padded_rows(cpu::padded_rows(rows)),
        k(round_up(inputs, kBlockK)),
        row_bytes(round_up(checked_mul(padded_rows, k) * 4, kAlign)),
        sums_bytes(group_size == 0
                       ? 0
                       : round_up(checked_mul(padded_rows, ceil_div(k, group_size)) * 4, kAlign)),
        job_bytes(kJobPanels * padded_rows * kPanelRows * 4 +
                  (rows <= kVectorRows ? 0 : path_scratch(k, group_size))),
        total(row_bytes + sums_bytes + checked_mul(job_bytes, threads)) {}
};

/// Prepares rows begin .. end - 1 (of padded_rows).
class Preparation {
 public:
  Preparation(const ConstView& x, bool round, MatmulPath path, const PreparedRows& to, Isa isa)
      : x_(x),
        round_(round),
        path_(path),
        to_(to),
        float_row_(choose(HWY_DISPATCH_TABLE(FloatRow), isa)),
        bf16_row_(choose(HWY_DISPATCH_TABLE(Bf16Row), isa)),
        sum_float_(choose(HWY_DISPATCH_TABLE(SumGroupsFloat), isa)),
        sum_bf16_(choose(HWY_DISPATCH_TABLE(SumGroupsBf16), isa)) {}

  void rows(int64_t begin, int64_t end) const {
    for (int64_t row = begin; row < end; ++row) {
      if (path_ == MatmulPath::vector || path_ == MatmulPath::float_fma)
        float_row(row);
      else
        bf16_row(row);
    }
  }

 private:
  void float_row(int64_t row) const {
    auto* to = static_cast<float*>(const_cast<void*>(to_.x)) + row * to_.k;
    if (row >= to_.rows) {
      std::fill(to, to + to_.k, 0.0F);
      return clear_sums(row);
    }
    float_row_(x_, round_, row, to_.k, to);
    if (to_.group_size != 0) sum_float_(to, to_.k, to_.group_size, sums(row), to_.padded_rows);
  }

  void bf16_row(int64_t row) const {
    // In pieces, so that a plain copy of a row need not be kept.
    constexpr int64_t piece = 512;  // a multiple of every group size
    BF16 plain[piece];
    auto* words = static_cast<BF16*>(const_cast<void*>(to_.x));
    if (row >= to_.rows) clear_sums(row);
    for (int64_t start = 0; start < to_.k; start += piece) {
      const int64_t count = std::min(piece, to_.k - start);
      if (row >= to_.rows) {
        std::fill(plain, plain + count, BF16());
      } else {
        ConstView part = x_;
        part.data = static_cast<const std::byte*>(x_.data) +
                    (row * x_.strides[0] + start) * size_of(x_.dtype);
        part.shape[1] = std::min(count, x_.shape[1] - start);
        bf16_row_(part, 0, count, plain);
        if (to_.group_size != 0)
          sum_bf16_(plain, count, to_.group_size,
                    sums(row) + start / to_.group_size * to_.padded_rows, to_.padded_rows);
      }
      if (path_ == MatmulPath::bf16_dot || path_ == MatmulPath::vector_bf16) {
        BF16* to = words + row * to_.k + start;
        for (int64_t i = 0; i < count; i += 4)
          for (int64_t j = 0; j < 4; ++j) to[i + j] = plain[i + kOrder[j]];
      } else {
        for (int64_t i = 0; i < count; i += 32)
          std::copy(plain + i, plain + i + 32,
                    words + ((row / 16 * (to_.k / 32) + (start + i) / 32) * 16 + row % 16) * 32);
      }
    }
  }

  [[nodiscard]] float* sums(int64_t row) const { return const_cast<float*>(to_.group_sums) + row; }
  void clear_sums(int64_t row) const {
    if (to_.group_size == 0) return;
    for (int64_t g = 0; g < to_.k / to_.group_size; ++g) sums(row)[g * to_.padded_rows] = 0;
  }

  // (low, high) = (k + 2, k) and (k + 3, k + 1): see matmul_bf16.cpp.
  static constexpr std::array<int64_t, 4> kOrder{2, 0, 3, 1};

  const ConstView& x_;
  bool round_;
  MatmulPath path_;
  const PreparedRows& to_;
  decltype(choose(HWY_DISPATCH_TABLE(FloatRow), Isa::scalar)) float_row_;
  decltype(choose(HWY_DISPATCH_TABLE(Bf16Row), Isa::scalar)) bf16_row_;
  decltype(choose(HWY_DISPATCH_TABLE(SumGroupsFloat), Isa::scalar)) sum_float_;
  decltype(choose(HWY_DISPATCH_TABLE(SumGroupsBf16), Isa::scalar)) sum_bf16_;
};

void multiply(MatmulPath path, const PreparedRows& x, const PanelRange& range, Isa isa) {
  if (x.k == 0) {
    std::fill(range.sums, range.sums + (range.end - range.begin) * x.padded_rows * kPanelRows,
              0.0F);
    return;
  }
  switch (path) {
    case MatmulPath::vector: return multiply_vector(x, range, isa);
    case MatmulPath::vector_bf16: return multiply_vector_bf16(x, range);
    case MatmulPath::float_fma: return multiply_float(x, range, isa);
    case MatmulPath::bf16_dot: return multiply_bf16_dot(x, range);
    case MatmulPath::tiles: return multiply_tiles(x, range, false);
    case MatmulPath::tiles_emulated: return multiply_tiles(x, range, true);
  }
}

/// Panels of a job: as many jobs for each thread, none above the scratch.
int64_t job_panels(int64_t panels, int threads, int64_t most) {
  const int64_t rounds = ceil_div(panels, threads * most);
  return std::max<int64_t>(1, ceil_div(panels, threads * rounds));
}

/// The loop over chunks of rows and jobs that linear() and gated_linear() share.
///   job(x, first row of the chunk, index, sums, scratch)
struct Product {
  ConstView x;
  bool round_x = false;
  bool bf16_weights = false;
  bool four_bits = false;
  int64_t group_size = 0;
  std::byte* workspace = nullptr;
  int64_t jobs = 0;
  int64_t work = 0;  // multiply-adds of one row in all

  template <class Job>
  void run(const Context& context, const Job& job) const {
    const int64_t all_rows = x.shape[0];
    const int threads = context.pool.size();
    const Workspace space(all_rows, x.shape[1], group_size, threads);
    ProductKind kind{.bf16_operands = bf16_weights && (round_x || x.dtype == DType::bf16),
                     .four_bits = four_bits};
    std::byte* sums = workspace + space.row_bytes;
    std::byte* slots = sums + space.sums_bytes;
    for (int64_t first = 0; first < all_rows; first += kChunkRows) {
      const int64_t rows = std::min(kChunkRows, all_rows - first);
      kind.rows = rows;
      const MatmulPath path = path_of(kind, context.isa);
      const PreparedRows prepared{
          .x = workspace,
          .group_sums = group_size == 0 ? nullptr : reinterpret_cast<const float*>(sums),
          .rows = rows,
          .padded_rows = padded_rows(rows),
          .k = space.k,
          .group_size = group_size};
      ConstView part = x;
      part.data = static_cast<const std::byte*>(x.data) + first * x.strides[0] * size_of(x.dtype);
      part.shape[0] = rows;
      const Preparation preparation(part, round_x, path, prepared, context.isa);
      // A range of rows should be worth a fork: about 64 Ki elements.
      context.pool.parallel_for(prepared.padded_rows, 65536 / std::max<int64_t>(1, space.k),
                                [&](int64_t begin, int64_t end) { preparation.rows(begin, end); });
      // Each thread has a slot of its own and takes the next job until there is none.
      const int64_t workers = rows * work < 65536 ? 1 : std::min<int64_t>(threads, jobs);
      std::atomic<int64_t> next{0};
      context.pool.parallel_for(workers, 1, [&](int64_t begin, int64_t end) {
        for (int64_t slot = begin; slot < end; ++slot) {
          std::byte* room = slots + slot * space.job_bytes;
          std::byte* scratch = room + kJobPanels * space.padded_rows * kPanelRows * 4;
          for (int64_t index = next++; index < jobs; index = next++)
            job(path, prepared, first, index, reinterpret_cast<float*>(room), scratch);
        }
      });
    }
  }
};

}  // namespace

int64_t linear_workspace(int64_t rows, int64_t k, int64_t group_size, int threads) {
  return Workspace(rows, k, group_size, threads).total;
}

void linear(const LinearArgs& args, const Context& context) {
  const int threads = context.pool.size();
  const PackedWeights& first = args.parts.front().weights;
  int64_t panels = 0;
  for (const LinearPart& part : args.parts) panels += part.weights.panels();
  if (args.x.shape[0] == 0 || panels == 0) return;
  const int64_t step = job_panels(panels, threads, kJobPanels);
  Product product{.x = args.x,
                  .round_x = args.round_x,
                  .bf16_weights = bool(first.quantization) || first.dtype == DType::bf16,
                  .four_bits = std::ranges::all_of(
                      args.parts, [](const LinearPart& part) { return four_bits(part.weights); }),
                  .group_size = first.quantization.group_size,
                  .workspace = args.workspace,
                  .work = first.k * panels * kPanelRows};
  for (const LinearPart& part : args.parts) product.jobs += ceil_div(part.weights.panels(), step);
  const auto write = choose(HWY_DISPATCH_TABLE(WriteSums), context.isa);
  product.run(context, [&](MatmulPath path, const PreparedRows& x, int64_t first_row, int64_t index,
                           float* sums, std::byte* scratch) {
    size_t which = 0;
    while (index >= ceil_div(args.parts[which].weights.panels(), step))
      index -= ceil_div(args.parts[which++].weights.panels(), step);
    LinearPart part = args.parts[which];
    const PanelRange range{.weights = part.weights,
                           .begin = index * step,
                           .end = std::min((index + 1) * step, part.weights.panels()),
                           .sums = sums,
                           .scratch = scratch};
    multiply(path, x, range, context.isa);
    part.y += first_row * part.y_stride;
    write(x, part, range);
  });
}

void gated_linear(const GatedLinearArgs& args, const Context& context) {
  const int threads = context.pool.size();
  const int64_t panels = args.gate.panels();
  if (args.x.shape[0] == 0 || panels == 0) return;
  // A job holds the sums of both matrices.
  const int64_t step = job_panels(panels, threads, kJobPanels / 2);
  const Product product{
      .x = args.x,
      .round_x = args.round_x,
      .bf16_weights = bool(args.gate.quantization) ||
                      (args.gate.dtype == DType::bf16 && args.up.dtype == DType::bf16),
      .four_bits = four_bits(args.gate) && four_bits(args.up),
      .group_size = args.gate.quantization.group_size,
      .workspace = args.workspace,
      .jobs = ceil_div(panels, step),
      .work = args.gate.k * panels * kPanelRows * 2};
  const auto write = choose(HWY_DISPATCH_TABLE(WriteGated), context.isa);
  product.run(context, [&](MatmulPath path, const PreparedRows& x, int64_t first_row, int64_t index,
                           float* sums, std::byte* scratch) {
    PanelRange range{.weights = args.gate,
                     .begin = index * step,
                     .end = std::min((index + 1) * step, panels),
                     .sums = sums,
                     .scratch = scratch};
    multiply(path, x, range, context.isa);
    PanelRange up = range;
    up.weights = args.up;
    up.sums += step * x.padded_rows * kPanelRows;
    multiply(path, x, up, context.isa);
    GatedLinearArgs part = args;
    part.y.data = static_cast<std::byte*>(part.y.data) +
                  first_row * part.y.strides[0] * size_of(part.y.dtype);
    write(x, part, range, up.sums);
  });
}

std::string_view linear_variant(const ProductKind& kind, const Context& context) {
  switch (path_of(kind, context.isa)) {
    case MatmulPath::vector: return "vector: up to 4 rows, weights read once";
    case MatmulPath::vector_bf16:
      return "vector: up to 4 rows, weights read once, AVX-512 bf16 dot products";
    case MatmulPath::float_fma: return "blocked, float32 multiply-adds";
    case MatmulPath::bf16_dot: return "blocked, AVX-512 bf16 dot products";
    case MatmulPath::tiles: return "blocked, AMX bf16 tiles";
    case MatmulPath::tiles_emulated: return "blocked, AMX bf16 tiles, emulated";
  }
  return "?";
}

}  // namespace cpu
}  // namespace linnet::kernels
#endif
