#include "ops/matmul.hpp"

#include "ops/bench.hpp"
#include "ops/families.hpp"

namespace linnet::bench {
namespace {

Prepared prepare(int64_t m, int64_t k, int64_t n, DType dtype) {
  const Array a = uniform_array({m, k}, dtype, 1);
  const Array b = uniform_array({k, n}, dtype, 2);
  const auto check = [=] {
    const auto y = ops::matmul(a, b).to_floats();
    const auto left = a.to_floats();
    const auto right = b.to_floats();
    std::vector<float> actual;
    std::vector<double> expected;
    for (int64_t sample = 0; sample < 100; ++sample) {  // a full product would take minutes
      const int64_t row = sample * 7919 % m;
      const int64_t column = sample * 104729 % n;
      double sum = 0;
      for (int64_t i = 0; i < k; ++i)
        sum += static_cast<double>(left[static_cast<size_t>(row * k + i)]) *
               static_cast<double>(right[static_cast<size_t>(i * n + column)]);
      expected.push_back(sum);
      actual.push_back(y[static_cast<size_t>(row * n + column)]);
    }
    return compare(actual, expected, tolerance(dtype, 1e-4));
  };
  const auto size = static_cast<double>(size_of(dtype));
  return {.run = [=] { benchmark::DoNotOptimize(ops::matmul(a, b)); },
          .check = check,
          .work = {.flops = 2 * static_cast<double>(m) * static_cast<double>(k * n),
                   .bytes = size * static_cast<double>(m * k + k * n + m * n)}};
}

}  // namespace

void register_matmul() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (int64_t side = 128; side <= 4096; side *= 2)
      add(fmt::format("matmul/{}/{}x{}x{}", name_of(dtype), side, side, side),
          [=] { return prepare(side, side, side, dtype); });
    add(fmt::format("matmul/{}/1x2048x32000", name_of(dtype)),
        [=] { return prepare(1, 2048, 32000, dtype); });
  }
}

}  // namespace linnet::bench
