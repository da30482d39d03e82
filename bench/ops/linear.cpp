#include "ops/linear.hpp"

#include "ops/bench.hpp"
#include "ops/families.hpp"

namespace linnet::bench {
namespace {

Prepared prepare_linear(int64_t rows, int64_t k, int64_t n, DType dtype) {
  const auto rounding = dtype == DType::bf16 ? ops::Rounding::bf16 : ops::Rounding::none;
  const Array x = uniform_array({rows, k}, dtype, 1);
  const Array w = uniform_array({n, k}, dtype, 2);
  const ops::PackedMatrix packed = ops::pack(w, dtype);
  const auto check = [=] {
    const auto y = ops::linear(x, packed, {}, rounding).to_floats();
    const auto left = x.to_floats();
    const auto right = w.to_floats();
    std::vector<float> actual;
    std::vector<double> expected;
    for (int64_t sample = 0; sample < 1000; ++sample) {
      const int64_t row = sample % rows;
      const int64_t column = sample * 104729 % n;
      double sum = 0;
      for (int64_t i = 0; i < k; ++i)
        sum += static_cast<double>(left[static_cast<size_t>(row * k + i)]) *
               static_cast<double>(right[static_cast<size_t>(column * k + i)]);
      expected.push_back(sum);
      actual.push_back(y[static_cast<size_t>(row * n + column)]);
    }
    return compare(actual, expected, 1e-4);
  };
  return {.run = [=] { benchmark::DoNotOptimize(ops::linear(x, packed, {}, rounding)); },
          .check = check,
          .work = {.flops = 2 * static_cast<double>(rows) * static_cast<double>(k * n),
                   .bytes = static_cast<double>(size_of(dtype) * (rows * k + k * n)) +
                            4 * static_cast<double>(rows * n)}};
}

Prepared prepare_embedding(DType dtype) {
  constexpr int64_t vocabulary = 32000;
  constexpr int64_t width = 2048;
  constexpr int64_t count = 32;
  const Array table = uniform_array({vocabulary, width}, dtype, 1);
  const ops::PackedMatrix packed = ops::pack(table, dtype);
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>(i * 7919 % vocabulary));
  const auto check = [=] {
    const auto y = ops::embedding(packed, ids, 3).to_floats();
    const auto values = table.to_floats();
    std::vector<double> expected;
    for (const int32_t id : ids)
      for (int64_t i = 0; i < width; ++i)
        expected.push_back(3 * static_cast<double>(values[static_cast<size_t>(id * width + i)]));
    return compare(y, expected, 1e-6);
  };
  return {.run = [=] { benchmark::DoNotOptimize(ops::embedding(packed, ids, 3)); },
          .check = check,
          .work = {.bytes = static_cast<double>(count * width * (size_of(dtype) + 4))}};
}

}  // namespace

void register_linear() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    add(fmt::format("linear/{}/1x2048x2048", name_of(dtype)),
        [=] { return prepare_linear(1, 2048, 2048, dtype); });
    add(fmt::format("linear/{}/32x2048x8192", name_of(dtype)),
        [=] { return prepare_linear(32, 2048, 8192, dtype); });
    add(fmt::format("embedding/{}/32_of_32000x2048", name_of(dtype)),
        [=] { return prepare_embedding(dtype); });
  }
}

}  // namespace linnet::bench
