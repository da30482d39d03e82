// prepare_heads to the bit: norms, rotation and the cache's panels against the separate kernels and
// a loop that writes one element at a time.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "base/half.hpp"
#include "kernels/attention.hpp"
#include "kernels/matmul.hpp"
#include "kernels/norm.hpp"
#include "kernels/rope.hpp"

namespace linnet::kernels {
namespace {

constexpr int64_t kLayers = 2;  // the second one is written

struct Shapes {
  int64_t heads, kv_heads, dim;
  bool norms, rotated;
};

struct Problem {
  Shapes shapes;
  int64_t rows;
  std::vector<float> queries, keys, values;  // [rows, H or K, D]
  std::vector<float> q_weight, k_weight;     // [D]
  std::vector<float> cos, sin;               // [rows, D/2]

  Problem(const Shapes& s, int64_t n) : shapes(s), rows(n) {
    std::mt19937 random(static_cast<unsigned>(n));
    std::normal_distribution<float> normal;
    const auto fill = [&](std::vector<float>& x, int64_t count) {
      x.resize(static_cast<size_t>(count));
      for (float& v : x) v = normal(random);
    };
    fill(queries, n * s.heads * s.dim);
    fill(keys, n * s.kv_heads * s.dim);
    fill(values, n * s.kv_heads * s.dim);
    fill(q_weight, s.dim);
    fill(k_weight, s.dim);
    fill(cos, n * (s.dim / 2));
    fill(sin, n * (s.dim / 2));
  }
};

/// Two sequences in one batch: the first takes a third of the rows and begins at an odd slot.
struct Cache {
  KvLayout layout;
  std::vector<std::byte> memory;
  std::vector<std::byte*> blocks[2];
  std::vector<KvSequence> sequences;

  Cache(const Problem& p, DType dtype) : layout{dtype, p.shapes.kv_heads, p.shapes.dim} {
    const int64_t each = ceil_div(p.rows + 7, kBlockTokens);
    memory.resize(static_cast<size_t>(2 * each * kLayers * layout.block_bytes()));
    for (int64_t i = 0; i < 2 * each; ++i)  // taking turns
      blocks[i % 2].push_back(memory.data() + i * kLayers * layout.block_bytes());
    const int64_t first = p.rows / 3;
    sequences = {{0, first, 7, blocks[0].data()}, {first, p.rows - first, 0, blocks[1].data()}};
  }
};

/// The separate kernels, on the portable instruction set; changes queries and keys.
void prepare_apart(Problem& p) {
  ThreadPool pool(1);
  const cpu::Context context{pool, cpu::testable_isas().front()};
  const Shapes& s = p.shapes;
  const auto apply = [&](std::vector<float>& x, const std::vector<float>& weight, int64_t heads) {
    if (s.norms)
      cpu::rms_norm({.x = x.data(),
                     .weight = weight.data(),
                     .y = x.data(),
                     .rows = p.rows * heads,
                     .width = s.dim,
                     .eps = 1e-5F},
                    context);
    if (s.rotated)
      cpu::rope({.x = x.data(),
                 .cos = p.cos.data(),
                 .sin = p.sin.data(),
                 .y = x.data(),
                 .rows = p.rows,
                 .heads = heads,
                 .head_dim = s.dim},
                context);
  };
  apply(p.queries, p.q_weight, s.heads);
  apply(p.keys, p.k_weight, s.kv_heads);
}

// Where an element lies in a panel of kernels/matmul.hpp with k rows: bf16 keeps k in pairs.
void assign(BF16* panel, int64_t k, int64_t lane, float value) {
  panel[(k / 2 * 16 + lane) * 2 + k % 2] = to_bf16(value);
}
void assign(float* panel, int64_t k, int64_t lane, float value) { panel[k * 16 + lane] = value; }

template <class Element>
void write_plainly(const Problem& p, Cache& cache) {
  const KvLayout& layout = cache.layout;
  for (const KvSequence& s : cache.sequences)
    for (int64_t row = 0; row < s.rows; ++row)
      for (int64_t head = 0; head < layout.kv_heads; ++head) {
        const int64_t position = s.first_position + row;
        const int64_t slot = position % kBlockTokens;
        auto* keys =
            reinterpret_cast<Element*>(s.blocks[position / kBlockTokens] + layout.block_bytes()) +
            head * layout.head_elements();
        Element* key_panel = keys + slot / 16 * round_up(layout.head_dim, kBlockK) * 16;
        for (int64_t d = 0; d < layout.head_dim; ++d) {
          const auto at = static_cast<size_t>(
              ((s.first_row + row) * layout.kv_heads + head) * layout.head_dim + d);
          assign(key_panel, d, slot % 16, p.keys[at]);
          assign(keys + layout.key_elements() + d / 16 * kBlockTokens * 16, slot, d % 16,
                 p.values[at]);
        }
      }
}

HeadsArgs args_of(const Problem& p, const Cache& cache, std::vector<float>& prepared) {
  return {.queries = p.queries.data(),
          .keys = p.keys.data(),
          .values = p.values.data(),
          .heads = p.shapes.heads,
          .q_norm = {p.shapes.norms ? p.q_weight.data() : nullptr, 1e-5F},
          .k_norm = {p.shapes.norms ? p.k_weight.data() : nullptr, 1e-5F},
          .cos = p.shapes.rotated ? p.cos.data() : nullptr,
          .sin = p.shapes.rotated ? p.sin.data() : nullptr,
          .prepared_queries = prepared.data(),
          .layout = cache.layout,
          .layer_offset = cache.layout.block_bytes(),
          .sequences = cache.sequences};
}

class Heads : public testing::TestWithParam<Shapes> {};

TEST_P(Heads, HaveTheBitsOfTheSeparateKernels) {
  for (int64_t rows = 1; rows <= 70; ++rows) {
    const Problem problem(GetParam(), rows);
    Problem apart = problem;
    prepare_apart(apart);
    for (const DType dtype : {DType::bf16, DType::f32}) {
      Cache expected(problem, dtype);
      if (dtype == DType::bf16)
        write_plainly<BF16>(apart, expected);
      else
        write_plainly<float>(apart, expected);
      for (const cpu::Isa isa : cpu::testable_isas())
        for (const int threads : {1, 2}) {
          ThreadPool pool(threads);
          Cache cache(problem, dtype);
          std::vector<float> queries(problem.queries.size());
          cpu::prepare_heads(args_of(problem, cache, queries), {pool, isa});
          ASSERT_EQ(queries, apart.queries) << rows << " rows, " << to_string(isa);
          ASSERT_TRUE(cache.memory == expected.memory)
              << rows << " rows, " << to_string(isa) << ", " << to_string(dtype) << ", " << threads
              << " threads";
        }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Heads,
                         testing::Values(Shapes{4, 1, 64, true, true}, Shapes{3, 3, 18, true, true},
                                         Shapes{6, 2, 2, false, true},
                                         Shapes{5, 5, 33, true, false},
                                         Shapes{2, 1, 7, false, false},
                                         Shapes{4, 2, 40, true, true}),
                         [](const auto& info) {
                           const Shapes& s = info.param;
                           return "heads_" + std::to_string(s.heads) + "_" +
                                  std::to_string(s.kv_heads) + "_dim_" + std::to_string(s.dim) +
                                  (s.norms ? "_norms" : "") + (s.rotated ? "_rotated" : "");
                         });

TEST(HeadsInPieces, LeaveTheirNeighboursAlone) {
  // Tokens that come one after the other share words of a panel.
  const Problem problem({2, 2, 24, true, true}, 40);
  for (const DType dtype : {DType::bf16, DType::f32})
    for (const cpu::Isa isa : cpu::testable_isas()) {
      ThreadPool pool(2);
      Cache whole(problem, dtype);
      std::vector<float> queries(problem.queries.size());
      cpu::prepare_heads(args_of(problem, whole, queries), {pool, isa});
      Cache pieces(problem, dtype);
      const std::vector<KvSequence> all = pieces.sequences;
      for (const int64_t odd : {1, 0})  // every second token, then the others
        for (const KvSequence& s : all)
          for (int64_t row = odd; row < s.rows; row += 2) {
            pieces.sequences = {{s.first_row + row, 1, s.first_position + row, s.blocks}};
            cpu::prepare_heads(args_of(problem, pieces, queries), {pool, isa});
          }
      EXPECT_TRUE(pieces.memory == whole.memory) << to_string(isa) << ", " << to_string(dtype);
    }
}

}  // namespace
}  // namespace linnet::kernels
