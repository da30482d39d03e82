// Attention to the bit: every instruction set, path and number of threads against a plain loop that
// follows kernels/attention.hpp word by word.
#include "kernels/attention.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/fp_mode.hpp"
#include "base/half.hpp"
#include "kernels/cpu/attention_paths.hpp"
#include "kernels/elementwise.hpp"

namespace linnet::kernels {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

struct Shapes {
  int64_t heads, kv_heads, dim;
  int64_t cached, rows;
  int64_t window = 0;
};

struct Problem {
  Shapes shapes;
  DType dtype;
  float scale = 0.3F;
  std::vector<float> queries;  // [rows, H, D]
  std::vector<float> keys;     // [S, K, D]
  std::vector<float> values;   // [S, K, D]

  Problem(const Shapes& s, DType t, unsigned seed) : shapes(s), dtype(t) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    const auto fill = [&](std::vector<float>& x, int64_t n) {
      x.resize(static_cast<size_t>(n));
      for (float& v : x) v = normal(random);
    };
    fill(queries, s.rows * s.heads * s.dim);
    fill(keys, (s.cached + s.rows) * s.kv_heads * s.dim);
    fill(values, (s.cached + s.rows) * s.kv_heads * s.dim);
  }
};

/// The exp of the kernels, on the portable instruction set.
void exp_all(std::vector<float>& x) {
  static ThreadPool pool(1);
  const auto n = static_cast<int64_t>(x.size());
  cpu::unary({.op = UnaryOp::exp,
              .x = {x.data(), DType::f32, {n}, {1}},
              .y = {x.data(), DType::f32, {n}, {1}}},
             {pool, cpu::testable_isas().front()});
}
float exp_of(float x) {
  std::vector<float> value{x};
  exp_all(value);
  return value[0];
}

/// sum over k of x[k] w[k] by the dot-product contract.
template <class Left, class Right>
float contract(int64_t count, const Left& x, const Right& w) {
  float sum = 0;
  for (int64_t start = 0; start < count; start += 32) {
    float chain[2] = {0, 0};
    for (int64_t i = start; i < start + 32 && i < count; ++i)
      chain[i % 2] = std::fma(x(i), w(i), chain[i % 2]);
    sum += chain[0] + chain[1];
  }
  return sum;
}

float sum_lanes(std::vector<float> lanes) {
  for (size_t half = 8; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

std::vector<float> plain(const Problem& p) {
  const FlushSubnormals flush;
  const Shapes& s = p.shapes;
  const auto round = [&](float v) { return p.dtype == DType::bf16 ? to_float(to_bf16(v)) : v; };
  std::vector<float> y(p.queries.size());
  for (int64_t row = 0; row < s.rows; ++row)
    for (int64_t head = 0; head < s.heads; ++head) {
      const int64_t kv = head / (s.heads / s.kv_heads);
      const int64_t position = s.cached + row;
      const int64_t first = s.window > 0 ? std::max<int64_t>(0, position - s.window + 1) : 0;
      const auto query = [&](int64_t i) {
        return round(p.queries[static_cast<size_t>((row * s.heads + head) * s.dim + i)]);
      };
      const auto cached = [&](const std::vector<float>& x, int64_t token, int64_t i) {
        return round(x[static_cast<size_t>((token * s.kv_heads + kv) * s.dim + i)]);
      };
      float maximum = kLowest;
      std::vector<float> lanes(16, 0);
      std::vector<float> sums(static_cast<size_t>(s.dim), 0);
      for (int64_t start = first / 128 * 128; start <= position; start += 128) {
        std::vector<float> scores(128, kLowest);
        float largest = maximum;
        for (int64_t t = start; t < start + 128; ++t) {
          if (t < first || t > position) continue;
          float& score = scores[static_cast<size_t>(t - start)];
          score = contract(s.dim, query, [&](int64_t i) { return cached(p.keys, t, i); }) * p.scale;
          largest = std::max(largest, score);
        }
        const float rescale = exp_of(maximum - largest);
        maximum = largest;
        for (float& score : scores) score -= maximum;
        exp_all(scores);
        for (float& lane : lanes) lane *= rescale;
        for (size_t i = 0; i < 128; ++i) lanes[i % 16] += scores[i];
        for (int64_t i = 0; i < s.dim; ++i) {
          const float weighted = contract(
              128, [&](int64_t t) { return round(scores[static_cast<size_t>(t)]); },
              [&](int64_t t) {
                return start + t > position ? 0.0F : cached(p.values, start + t, i);
              });
          float& sum = sums[static_cast<size_t>(i)];
          sum = std::fma(sum, rescale, weighted);
        }
      }
      const float scale = 1.0F / sum_lanes(lanes);
      for (int64_t i = 0; i < s.dim; ++i)
        y[static_cast<size_t>((row * s.heads + head) * s.dim + i)] =
            sums[static_cast<size_t>(i)] * scale + 0.0F;
    }
  return y;
}

/// Several problems of equal shapes but lengths as the sequences of one batch, their blocks
/// scattered.
std::vector<std::vector<float>> compute(const std::vector<Problem>& problems,
                                        const cpu::Context& context) {
  const Shapes& first = problems[0].shapes;
  const KvLayout layout{problems[0].dtype, first.kv_heads, first.dim};
  constexpr int64_t kLayers = 2;  // the second one is used
  const int64_t block_bytes = kLayers * layout.block_bytes();
  int64_t blocks = 0;
  for (const Problem& p : problems)
    blocks += ceil_div(p.shapes.cached + p.shapes.rows, kBlockTokens);
  std::vector<std::byte> memory(static_cast<size_t>(blocks * block_bytes));
  std::vector<std::vector<std::byte*>> tables(problems.size());
  std::vector<KvSequence> sequences;
  std::vector<float> queries;
  int64_t row = 0;
  int64_t used = 0;
  for (size_t i = 0; i < problems.size(); ++i) {
    const Problem& p = problems[i];
    const int64_t total = p.shapes.cached + p.shapes.rows;
    for (int64_t b = 0; b < ceil_div(total, kBlockTokens); ++b, ++used)
      tables[i].push_back(memory.data() + (blocks - 1 - used) * block_bytes);
    cpu::prepare_heads(
        {.keys = p.keys.data(),
         .values = p.values.data(),
         .layout = layout,
         .layer_offset = layout.block_bytes(),
         .sequences = std::vector<KvSequence>{{.rows = total, .blocks = tables[i].data()}}},
        context);
    if (first.window > 0)  // blocks that nobody can see are gone
      for (int64_t b = 0; (b + 1) * kBlockTokens <= p.shapes.cached - first.window + 1; ++b)
        tables[i][static_cast<size_t>(b)] = nullptr;
    sequences.push_back({.first_row = row,
                         .rows = p.shapes.rows,
                         .first_position = p.shapes.cached,
                         .blocks = tables[i].data()});
    row += p.shapes.rows;
    queries.insert(queries.end(), p.queries.begin(), p.queries.end());
  }
  constexpr float kSentinel = 4321.0F;
  std::vector<float> y(queries.size() + 1, kSentinel);
  const auto workspace_bytes =
      static_cast<size_t>(cpu::attention_workspace(layout, first.heads, context.pool.size()));
  constexpr auto kUntouched = std::byte{0xff};  // as floats: NaN, should anything be read too early
  std::vector<std::byte> workspace(workspace_bytes + 128, kUntouched);
  auto* aligned =
      reinterpret_cast<std::byte*>((reinterpret_cast<uintptr_t>(workspace.data()) + 63) / 64 * 64);
  cpu::attention({.queries = queries.data(),
                  .y = y.data(),
                  .heads = first.heads,
                  .layout = layout,
                  .layer_offset = layout.block_bytes(),
                  .scale = problems[0].scale,
                  .window = first.window,
                  .round_to_bf16 = layout.dtype == DType::bf16,
                  .sequences = sequences,
                  .workspace = aligned},
                 context);
  EXPECT_EQ(y.back(), kSentinel);
  EXPECT_EQ(aligned[workspace_bytes], kUntouched);
  std::vector<std::vector<float>> results;
  int64_t at = 0;
  for (const Problem& p : problems) {
    const auto n = static_cast<int64_t>(p.queries.size());
    results.emplace_back(y.begin() + at, y.begin() + at + n);
    at += n;
  }
  return results;
}

testing::AssertionResult same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return testing::AssertionFailure() << a.size() << " and " << b.size();
  for (size_t i = 0; i < a.size(); ++i)
    if (std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i]))
      return testing::AssertionFailure() << "value " << i << ": " << a[i] << " and " << b[i];
  return testing::AssertionSuccess();
}

class AttentionBits : public testing::TestWithParam<Shapes> {};

TEST_P(AttentionBits, FollowTheContractOnEveryPath) {
  for (const DType dtype : {DType::bf16, DType::f32}) {
    const Problem problem(GetParam(), dtype, 7);
    const auto expected = plain(problem);
    for (const cpu::Isa isa : cpu::testable_isas())
      for (const int threads : {1, 2, 5}) {
        ThreadPool pool(threads);
        EXPECT_TRUE(same_bits(compute({problem}, {pool, isa})[0], expected))
            << to_string(isa) << ", " << threads << " threads, " << to_string(dtype);
      }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, AttentionBits,
    testing::Values(Shapes{1, 1, 2, 0, 1}, Shapes{1, 1, 32, 0, 70},  // tiles of single heads
                    Shapes{4, 1, 64, 0, 37}, Shapes{4, 1, 20, 300, 1},
                    Shapes{8, 2, 48, 250, 3},  // two tiles, chunks shared out
                    Shapes{16, 1, 16, 500, 1}, Shapes{12, 2, 16, 130, 4}, Shapes{5, 5, 18, 260, 1},
                    Shapes{3, 1, 128, 100, 33, 64},  // a window inside chunks
                    Shapes{4, 2, 32, 700, 1, 200}, Shapes{4, 2, 32, 640, 9, 129},
                    Shapes{2, 1, 48, 128, 130, 128}, Shapes{2, 2, 16, 90, 80, 40}),
    [](const auto& info) {
      const Shapes& s = info.param;
      return "heads_" + std::to_string(s.heads) + "_" + std::to_string(s.kv_heads) + "_dim_" +
             std::to_string(s.dim) + "_rows_" + std::to_string(s.rows) + "_after_" +
             std::to_string(s.cached) + "_window_" + std::to_string(s.window);
    });

TEST(AttentionSubnormals, AreFlushedOnEveryPath) {
  Problem problem({4, 1, 64, 200, 20}, DType::bf16, 11);
  for (float& v : problem.queries) v *= 1e-19F;
  for (float& v : problem.keys) v *= 1e-19F;  // products around 1e-38
  for (float& v : problem.values) v *= 1e-38F;
  const auto expected = plain(problem);
  for (const cpu::Isa isa : cpu::testable_isas())
    for (const int threads : {1, 2}) {
      ThreadPool pool(threads);
      EXPECT_TRUE(same_bits(compute({problem}, {pool, isa})[0], expected))
          << to_string(isa) << ", " << threads << " threads";
    }
}

TEST(AttentionBatch, ARowDoesNotDependOnTheOthers) {
  for (const int64_t window : {0, 50}) {
    std::vector<Problem> problems;
    for (const auto& [cached, rows] : std::vector<std::pair<int64_t, int64_t>>{
             {0, 1}, {300, 1}, {40, 60}, {5, 2}, {0, 100}, {129, 1}, {127, 8}})
      problems.emplace_back(Shapes{6, 2, 32, cached, rows, window}, DType::bf16,
                            static_cast<unsigned>(cached + rows));
    std::vector<std::vector<float>> expected;
    ThreadPool one(1);
    for (const Problem& p : problems)
      expected.push_back(compute({p}, {one, cpu::available_isas().front()})[0]);
    for (const cpu::Isa isa : cpu::testable_isas())
      for (const int threads : {1, 2, 8}) {
        ThreadPool pool(threads);
        const auto results = compute(problems, {pool, isa});
        for (size_t i = 0; i < problems.size(); ++i)
          EXPECT_TRUE(same_bits(results[i], expected[i]))
              << to_string(isa) << ", " << threads << " threads, sequence " << i;
      }
  }
}

TEST(AttentionExp, HasTheBitsOfExp) {
  std::vector<float> x{-0.0F, 0.0F, kLowest};
  for (uint64_t bits = 0x80000000U; bits < 0xff800000U; bits += 7919)
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (int step = -200; step < 200; ++step)  // where results become 0
    x.push_back(std::bit_cast<float>(std::bit_cast<uint32_t>(-87.33654F) + step));
  for (const cpu::Isa isa : cpu::available_isas()) {
    ThreadPool pool(1);
    std::vector<float> expected(x.size());
    const auto n = static_cast<int64_t>(x.size());
    cpu::unary({.op = UnaryOp::exp,
                .x = {x.data(), DType::f32, {n}, {1}},
                .y = {expected.data(), DType::f32, {n}, {1}}},
               {pool, isa});
    std::vector<float> actual = x;
    const FlushSubnormals flush;
    cpu::exp_nonpositive(actual.data(), n, isa);
    EXPECT_TRUE(same_bits(actual, expected)) << to_string(isa);
  }
}

TEST(AttentionSplit, ManyRoundsOfChunks) {
  // More chunks than two threads compute between two joins.
  const Problem problem({2, 1, 8, 20000, 1}, DType::bf16, 3);
  ThreadPool one(1);
  ThreadPool two(2);
  for (const cpu::Isa isa : cpu::testable_isas())
    EXPECT_TRUE(same_bits(compute({problem}, {two, isa})[0], compute({problem}, {one, isa})[0]))
        << to_string(isa);
}

}  // namespace
}  // namespace linnet::kernels
