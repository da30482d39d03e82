#include "ops/rope.hpp"

#include <numeric>

#include "ops/bench.hpp"
#include "ops/families.hpp"

namespace linnet::bench {
namespace {

/// Names are [sequences, heads, tokens, D], as other libraries have it; here x is [T, H, D].
Prepared prepare(int64_t tokens, int64_t heads, int64_t dim) {
  const Array x = uniform_array({tokens, heads, dim}, DType::f32, 1);
  std::vector<int64_t> positions(static_cast<size_t>(tokens));
  std::iota(positions.begin(), positions.end(), 0);
  const auto frequencies = ops::rope_frequencies({.theta = 10000}, dim);
  const ops::RopeTable table = ops::rope_table(frequencies, positions, device());
  const auto check = [=] {
    const auto in = x.to_floats();
    std::vector<double> expected(in.size());
    for (int64_t row = 0; row < tokens * heads; ++row)
      for (int64_t i = 0; i < dim / 2; ++i) {
        const auto a = static_cast<size_t>(row * dim + i);
        const auto b = a + static_cast<size_t>(dim / 2);
        const double angle =
            static_cast<float>(row / heads) * frequencies.inverse[static_cast<size_t>(i)];
        expected[a] = in[a] * std::cos(angle) - in[b] * std::sin(angle);
        expected[b] = in[b] * std::cos(angle) + in[a] * std::sin(angle);
      }
    return compare(ops::rope(x, table).to_floats(), expected, 1e-6);
  };
  return {.run = [=] { benchmark::DoNotOptimize(ops::rope(x, table)); },
          .check = check,
          .work = {.bytes = 2 * static_cast<double>(x.nbytes())}};
}

}  // namespace

void register_rope() {
  add("rope/f32/1x1x32x128", [] { return prepare(32, 1, 128); });
  add("rope/f32/1x32x512x128", [] { return prepare(512, 32, 128); });
}

}  // namespace linnet::bench
