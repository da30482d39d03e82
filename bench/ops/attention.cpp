#include "ops/attention.hpp"

#include <algorithm>

#include "ops/bench.hpp"
#include "ops/families.hpp"

namespace linnet::bench {
namespace {

struct Shapes {
  int64_t heads, kv_heads, dim;
  int64_t cached;  // tokens before the first row
  int64_t rows;
  int64_t window;
};

/// Row `row` of `head` by a plain loop over keys and values [S, K, D], in double.
std::vector<double> plain_row(const Shapes& s, const std::vector<float>& q,
                              const std::vector<float>& k, const std::vector<float>& v, float scale,
                              int64_t row, int64_t head) {
  const int64_t kv = head / (s.heads / s.kv_heads);
  const int64_t position = s.cached + row;
  const int64_t first = s.window > 0 ? std::max<int64_t>(0, position - s.window + 1) : 0;
  const auto at = [&](const std::vector<float>& x, int64_t token, int64_t i) {
    return static_cast<double>(x[static_cast<size_t>((token * s.kv_heads + kv) * s.dim + i)]);
  };
  std::vector<double> weights;
  double largest = -INFINITY;
  for (int64_t t = first; t <= position; ++t) {
    double score = 0;
    for (int64_t i = 0; i < s.dim; ++i)
      score += static_cast<double>(q[static_cast<size_t>((row * s.heads + head) * s.dim + i)]) *
               at(k, t, i);
    weights.push_back(score * static_cast<double>(scale));
    largest = std::max(largest, weights.back());
  }
  double total = 0;
  for (double& w : weights) total += w = std::exp(w - largest);
  std::vector<double> y(static_cast<size_t>(s.dim));
  for (int64_t t = first; t <= position; ++t)
    for (int64_t i = 0; i < s.dim; ++i)
      y[static_cast<size_t>(i)] += weights[static_cast<size_t>(t - first)] / total * at(v, t, i);
  return y;
}

/// A cache of several layers, so that one call after the other reads from memory and not from the
/// processor's caches.
struct Cache {
  kernels::KvLayout layout;
  int64_t layers = 1;
  Array bytes;
  std::vector<std::byte*> blocks;
  std::vector<kernels::KvSequence> sequences;
};

Prepared prepare(const Shapes& s, DType dtype, int64_t layers) {
  const int64_t total = s.cached + s.rows;
  const float scale = 1.0F / std::sqrt(static_cast<float>(s.dim));
  const Array k = uniform_array({total, s.kv_heads, s.dim}, DType::f32, 2);
  const Array v = uniform_array({total, s.kv_heads, s.dim}, DType::f32, 3);
  const Array q = uniform_array({s.rows, s.heads, s.dim}, DType::f32, 1);
  auto cache = std::make_shared<Cache>();
  cache->layout = {.dtype = dtype, .kv_heads = s.kv_heads, .head_dim = s.dim};
  cache->layers = layers;
  const int64_t layer_bytes = cache->layout.block_bytes();
  const int64_t blocks = ceil_div(total, kernels::kBlockTokens);
  cache->bytes = Array::zeros({blocks * layers * layer_bytes}, DType::u8, device());
  for (int64_t i = 0; i < blocks; ++i)
    cache->blocks.push_back(reinterpret_cast<std::byte*>(cache->bytes.mutable_data<uint8_t>()) +
                            i * layers * layer_bytes);
  cache->sequences.push_back({.rows = total, .blocks = cache->blocks.data()});
  for (int64_t layer = 0; layer < layers; ++layer)
    kernels::cpu::prepare_heads({.keys = k.data<float>(),
                                 .values = v.data<float>(),
                                 .layout = cache->layout,
                                 .layer_offset = layer * layer_bytes,
                                 .sequences = cache->sequences},
                                device()->context());
  cache->sequences[0].rows = s.rows;
  cache->sequences[0].first_position = s.cached;
  auto y = std::make_shared<Array>(Array::empty(q.shape(), DType::f32, device()));
  auto layer = std::make_shared<int64_t>(0);
  auto workspace = std::make_shared<Array>(Array::empty(
      {kernels::cpu::attention_workspace(cache->layout, s.heads, device()->threads().size())},
      DType::u8, device()));
  const auto run = [=] {
    *layer = (*layer + 1) % cache->layers;
    kernels::cpu::attention(
        {.queries = q.data<float>(),
         .y = y->mutable_data<float>(),
         .heads = s.heads,
         .layout = cache->layout,
         .layer_offset = *layer * layer_bytes,
         .scale = scale,
         .window = s.window,
         .round_to_bf16 = dtype == DType::bf16,
         .sequences = cache->sequences,
         .workspace = reinterpret_cast<std::byte*>(workspace->mutable_data<uint8_t>())},
        device()->context());
  };
  const auto check = [=]() -> std::string {
    run();
    const auto result = y->to_floats();
    const auto queries = q.to_floats();
    const auto keys = k.to_floats();
    const auto values = v.to_floats();
    for (int64_t sample = 0; sample < 16; ++sample) {
      const int64_t row = sample == 0 ? s.rows - 1 : sample * 7919 % s.rows;
      const int64_t head = sample % s.heads;
      const auto start = static_cast<size_t>((row * s.heads + head) * s.dim);
      const std::vector<float> actual(result.begin() + static_cast<int64_t>(start),
                                      result.begin() + static_cast<int64_t>(start) + s.dim);
      // bf16 rounds queries, keys, values and weights to 8 bits.
      auto wrong = compare(actual, plain_row(s, queries, keys, values, scale, row, head),
                           dtype == DType::bf16 ? 0.01 : 1e-5);
      if (!wrong.empty()) return fmt::format("row {}, head {}: {}", row, head, wrong);
    }
    return {};
  };
  double seen = 0;  // pairs of a row and a key, per head
  for (int64_t row = 0; row < s.rows; ++row) {
    const int64_t before = s.cached + row + 1;
    seen += static_cast<double>(s.window > 0 ? std::min(before, s.window) : before);
  }
  const int64_t reach = s.window > 0 ? std::min(total, s.window + s.rows - 1) : total;
  return {.run = run,
          .check = check,
          .work = {.flops = 4 * seen * static_cast<double>(s.heads * s.dim),
                   .bytes = static_cast<double>(2 * reach * s.kv_heads * s.dim * size_of(dtype)) +
                            8 * static_cast<double>(s.rows * s.heads * s.dim)}};
}

}  // namespace

void register_attention() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const auto& [heads, rows] : {std::pair<int64_t, int64_t>{1, 32}, {32, 128}, {32, 512}})
      add(fmt::format("attention/{}/{}_heads_x_{}", name_of(dtype), heads, rows),
          [=, heads = heads, rows = rows] {
            return prepare({heads, heads, 128, 0, rows, 0}, dtype, 1);
          });
  }
  // What models ask for: one prompt chunk, and one token after many.
  const Shapes gemma{.heads = 4, .kv_heads = 1, .dim = 256};
  const Shapes qwen{.heads = 32, .kv_heads = 8, .dim = 128};
  for (const auto& [name, shape] : {std::pair{"gemma3_1b", gemma}, {"qwen3_4b", qwen}}) {
    for (const int64_t cached : {0, 3584}) {
      Shapes s = shape;
      s.cached = cached;
      s.rows = 512;
      add(fmt::format("attention_prefill/bf16/{}_512_after_{}", name, cached),
          [=] { return prepare(s, DType::bf16, 1); });
    }
    for (const int64_t cached : {511, 4095}) {
      Shapes s = shape;
      s.cached = cached;
      s.rows = 1;
      add(fmt::format("attention_decode/bf16/{}_1_after_{}", name, cached),
          [=] { return prepare(s, DType::bf16, 24); });
    }
  }
}

}  // namespace linnet::bench
