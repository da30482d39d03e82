#include "ops/attention.hpp"

#include <algorithm>
#include <vector>

#include "kernels/attention_gradient.hpp"
#include "kernels/trace.hpp"
#include "ops/cast.hpp"
#include "ops/creation.hpp"
#include "ops/elementwise.hpp"
#include "ops/matmul.hpp"
#include "ops/reduce.hpp"
#include "ops/softmax.hpp"
#include "ops/tape.hpp"
#include "ops/view.hpp"

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

/// Keys that a row at `position` sees.
int64_t visible_keys(int64_t position, int64_t window) {
  return window == 0 ? position + 1 : std::min(position + 1, window);
}

/// Bytes of keys and values of `tokens` tokens of one layer.
int64_t cache_bytes(const kernels::KvLayout& layout, int64_t tokens) {
  return tokens * 2 * layout.kv_heads * layout.head_dim * size_of(layout.dtype);
}

kernels::Work attention_work(const kernels::AttentionArgs& a, const Array& q,
                             const kernels::cpu::Context& context) {
  int64_t pairs = 0;  // of a row and a key that it sees
  int64_t keys = 0;   // that any row sees
  for (const kernels::KvSequence& s : a.sequences) {
    for (int64_t row = 0; row < s.rows; ++row)
      pairs += visible_keys(s.first_position + row, a.window);
    if (s.rows > 0) keys += s.rows - 1 + visible_keys(s.first_position, a.window);
  }
  return {.op = "attention",
          .shape = a.window == 0 ? fmt::format("{}", q.shape())
                                 : fmt::format("{}, window {}", q.shape(), a.window),
          .kernel = kernels::cpu::attention_variant(a, context),
          .flops = 4 * pairs * q.dim(1) * q.dim(2),
          .stored_bytes = cache_bytes(a.layout, keys),
          .passing_bytes = 2 * q.size() * size_of(DType::f32)};
}

kernels::Work heads_work(const kernels::HeadsArgs& a, const Array& q, const Array& k,
                         const kernels::cpu::Context& context) {
  const int64_t rows = q.dim(0);
  const bool norms = a.q_norm.weight != nullptr || a.k_norm.weight != nullptr;
  const int64_t table = a.cos == nullptr ? 0 : rows * q.dim(2);
  const int64_t queries = a.queries == nullptr ? 0 : 2 * q.size();
  return {.op = "prepare_heads",
          .shape = fmt::format("[{}, {} + {}, {}]", rows, q.dim(1), 2 * k.dim(1), q.dim(2)),
          .kernel = fmt::format("{}: {}{}cache write", kernels::cpu::lanes_variant(context.isa),
                                norms ? "norms, " : "", a.cos == nullptr ? "" : "rotation, "),
          .stored_bytes = cache_bytes(a.layout, rows),
          .passing_bytes = (queries + 2 * k.size() + table) * size_of(DType::f32)};
}

void check(const AttentionOptions& o, const Array& q) {
  const int64_t dim = q.dim(2);
  const auto check_norm = [dim](std::string_view name, const Array& weight) {
    require(!weight.defined() || (weight.shape() == Shape{dim} && weight.dtype() == DType::f32),
            "attention: {} is not f32 [{}]", name, dim);
  };
  check_norm("q_norm", o.q_norm.weight);
  check_norm("k_norm", o.k_norm.weight);
  require(o.rope == nullptr || (dim % 2 == 0 && o.rope->cos.shape() == (Shape{q.dim(0), dim / 2})),
          "attention: q is {}, the rope table {}", q.shape(),
          o.rope == nullptr ? Shape() : o.rope->cos.shape());
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
  check(options, q);
  const auto context = q.device()->context();
  const bool changes_q = options.q_norm.weight.defined() || options.rope != nullptr;
  Array queries = changes_q ? Array::empty(q.shape(), DType::f32, q.device()) : dense_q;
  {
    const auto dense = [](const Array& a) { return a.defined() ? contiguous(a) : a; };
    const auto data_of = [](const Array& a) { return a.defined() ? a.data<float>() : nullptr; };
    const Array q_weight = dense(options.q_norm.weight);
    const Array k_weight = dense(options.k_norm.weight);
    const kernels::HeadsArgs args{
        .queries = changes_q ? dense_q.data<float>() : nullptr,
        .keys = dense_k.data<float>(),
        .values = dense_v.data<float>(),
        .heads = q.dim(1),
        .q_norm = {data_of(q_weight), options.q_norm.eps},
        .k_norm = {data_of(k_weight), options.k_norm.eps},
        .cos = options.rope == nullptr ? nullptr : options.rope->cos.data<float>(),
        .sin = options.rope == nullptr ? nullptr : options.rope->sin.data<float>(),
        .prepared_queries = changes_q ? queries.mutable_data<float>() : nullptr,
        .layout = layout,
        .layer_offset = layer_offset,
        .sequences = sequences};
    const kernels::Span span(context.trace, [&] { return heads_work(args, q, k, context); });
    kernels::cpu::prepare_heads(args, context);
  }
  Array y = Array::empty(q.shape(), DType::f32, q.device());
  Array workspace =
      Array::empty({kernels::cpu::attention_workspace(layout, q.dim(1), context.pool.size())},
                   DType::u8, q.device());
  const kernels::AttentionArgs args{
      .queries = queries.data<float>(),
      .y = y.mutable_data<float>(),
      .heads = q.dim(1),
      .layout = layout,
      .layer_offset = layer_offset,
      .scale = options.scale,
      .window = options.window,
      .round_to_bf16 = options.rounding == Rounding::bf16,
      .sequences = sequences,
      .workspace = reinterpret_cast<std::byte*>(workspace.mutable_data<uint8_t>())};
  const kernels::Span span(context.trace, [&] { return attention_work(args, q, context); });
  kernels::cpu::attention(args, context);
  return y;
}

namespace {

/// Attention over packed sequences as constants, for derivatives: queries and keys are prepared.
struct Packed {
  Array q;  // [T, H, D] f32, dense
  Array k;  // [T, K, D]
  Array v;
  std::vector<int64_t> lengths;
  float scale = 1;
  int64_t window = 0;

  /// Cotangents of q, k, v.
  [[nodiscard]] Arrays pull(const Array& dy) const {
    const DevicePtr& device = q.device();
    const Array dense = contiguous(dy);
    Arrays result;
    for (const Array* x : {&q, &k, &v})
      result.push_back(Array::empty(x->shape(), DType::f32, device));
    if (q.size() == 0) return result;
    Array statistics = Array::empty({3, q.dim(0), q.dim(1)}, DType::f32, device);
    const int64_t longest = *std::ranges::max_element(lengths);
    const auto context = device->context();
    Array workspace = Array::empty(
        {kernels::cpu::attention_gradient_workspace(longest, q.dim(2), context.pool.size())},
        DType::f32, device);
    const kernels::AttentionGradientArgs args{.q = q.data<float>(),
                                              .k = k.data<float>(),
                                              .v = v.data<float>(),
                                              .dy = dense.data<float>(),
                                              .dq = result[0].mutable_data<float>(),
                                              .dk = result[1].mutable_data<float>(),
                                              .dv = result[2].mutable_data<float>(),
                                              .heads = q.dim(1),
                                              .kv_heads = k.dim(1),
                                              .head_dim = q.dim(2),
                                              .scale = scale,
                                              .window = window,
                                              .lengths = lengths,
                                              .statistics = statistics.mutable_data<float>(),
                                              .workspace = workspace.mutable_data<float>()};
    const kernels::Span span(context.trace, [&] {
      int64_t pairs = 0;
      for (const int64_t length : lengths)
        for (int64_t row = 0; row < length; ++row) pairs += visible_keys(row, window);
      return kernels::Work{
          .op = "attention_gradient",
          .shape = fmt::format("{}", q.shape()),
          .kernel = std::string(kernels::cpu::lanes_variant(context.isa)),
          .flops = 10 * pairs * q.dim(1) * q.dim(2),
          .passing_bytes = (3 * q.size() + 2 * k.size() + 2 * v.size()) * size_of(DType::f32)};
    });
    kernels::cpu::attention_gradient(args, context);
    return result;
  }

  /// The tangent of y. Not fused: one sequence at a time, all its scores at once.
  [[nodiscard]] Array push(const Arrays& t) const {
    Arrays parts;
    int64_t begin = 0;
    for (const int64_t length : lengths) {
      // [T, heads, D] -> [K, heads / K, length, D]
      const auto heads = [&](const Array& x) {
        const Array rows = slice_axis(x, 0, {.start = begin, .stop = begin + length});
        const int64_t kv_heads = k.dim(1);
        return transpose(reshape(rows, {length, kv_heads, x.dim(1) / kv_heads, x.dim(2)}),
                         {1, 2, 0, 3});
      };
      const auto turned = [&](const Array& x) { return swap_axes(heads(x), -1, -2); };
      const Array rows = reshape(arange(length, DType::i64, q.device()), {-1, 1});
      const Array keys = reshape(rows, {1, -1});
      Array sees = less_equal(keys, rows);
      if (window != 0) sees = logical_and(sees, less(rows, add(keys, window)));
      const Array scores = mul(matmul(heads(q), turned(k)), scale);
      const Array p = softmax(where(sees, scores, -1e30F), -1);
      Array ds;
      if (t[0].defined()) ds = matmul(heads(t[0]), turned(k));
      if (t[1].defined()) ds = plus(ds, matmul(heads(q), turned(t[1])));
      Array dy;
      if (ds.defined()) {
        const Array scaled = where(sees, mul(ds, scale), 0.0F);
        dy = matmul(mul(p, sub(scaled, sum(mul(p, scaled), -1, true))), heads(v));
      }
      if (t[2].defined()) dy = plus(dy, matmul(p, heads(t[2])));
      parts.push_back(reshape(transpose(dy, {2, 0, 1, 3}), {length, q.dim(1), q.dim(2)}));
      begin += length;
    }
    return concat(parts, 0);
  }
};

/// As the cache holds it.
Array rounded(const Array& x, Rounding rounding) {
  const Array dense = contiguous(stop_gradient(x));
  return rounding == Rounding::bf16 ? astype(astype(dense, DType::bf16), DType::f32) : dense;
}

}  // namespace

Array attention(const Array& q, const Array& k, const Array& v, std::span<const int64_t> lengths,
                const AttentionOptions& options) {
  check("attention", q, k, v);
  Tape* tape = recording({&q, &k, &v, &options.q_norm.weight, &options.k_norm.weight});
  if (tape != nullptr) {
    check(options, q);
    const auto prepare = [&](const Array& x, const RmsTerm& norm) {
      const Array normed = norm.weight.defined() ? rms_norm(x, norm.weight, norm.eps) : x;
      return options.rope != nullptr ? rope(normed, *options.rope) : normed;
    };
    const Array queries = prepare(q, options.q_norm);
    const Array keys = prepare(k, options.k_norm);
    const AttentionOptions plain{
        .scale = options.scale, .window = options.window, .rounding = options.rounding};
    Array y =
        attention(stop_gradient(queries), stop_gradient(keys), stop_gradient(v), lengths, plain);
    const auto packed =
        std::make_shared<const Packed>(Packed{.q = rounded(queries, options.rounding),
                                              .k = rounded(keys, options.rounding),
                                              .v = rounded(v, options.rounding),
                                              .lengths = {lengths.begin(), lengths.end()},
                                              .scale = options.scale,
                                              .window = options.window});
    tape->record("attention", {&queries, &keys, &v}, {&y},
                 {.vjp = [packed](const Arrays& c) { return packed->pull(c[0]); },
                  .jvp = [packed](const Arrays& t) { return Arrays{packed->push(t)}; }});
    return y;
  }
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
