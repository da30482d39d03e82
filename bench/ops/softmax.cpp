#include "ops/softmax.hpp"

#include <algorithm>

#include "ops/bench.hpp"
#include "ops/families.hpp"

namespace linnet::bench {
namespace {

Prepared prepare(int64_t rows, int64_t width, DType dtype) {
  const Array x =
      ops::astype(Array::from(normal_values(rows * width, 1, 3), {rows, width}, device()), dtype);
  const auto check = [=] {
    const auto in = x.to_floats();
    std::vector<double> expected;
    for (int64_t row = 0; row < rows; ++row) {
      const float* from = in.data() + row * width;
      const auto largest = static_cast<double>(*std::max_element(from, from + width));
      double sum = 0;
      for (int64_t i = 0; i < width; ++i) sum += std::exp(static_cast<double>(from[i]) - largest);
      for (int64_t i = 0; i < width; ++i)
        expected.push_back(std::exp(static_cast<double>(from[i]) - largest) / sum);
    }
    return compare(ops::softmax(x).to_floats(), expected, tolerance(dtype, 1e-6));
  };
  return {.run = [=] { benchmark::DoNotOptimize(ops::softmax(x)); },
          .check = check,
          .work = {.bytes = 2 * static_cast<double>(x.nbytes())}};
}

}  // namespace

void register_softmax() {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const auto& [rows, width] :
         {std::pair<int64_t, int64_t>{1, 1024}, {32, 32000}, {1, 128000}})
      add(fmt::format("softmax/{}/{}x{}", name_of(dtype), rows, width),
          [=, rows = rows, width = width] { return prepare(rows, width, dtype); });
}

}  // namespace linnet::bench
