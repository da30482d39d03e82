#include "ops/reduce.hpp"

#include <algorithm>

#include "ops/bench.hpp"
#include "ops/families.hpp"

namespace linnet::bench {
namespace {

Prepared prepare_sum(DType dtype) {
  const Array x = uniform_array({1 << 20}, dtype, 1);
  return {.run = [=] { benchmark::DoNotOptimize(ops::sum(x)); },
          .check =
              [=] {
                double sum = 0;
                double magnitude = 0;
                for (const float v : x.to_floats()) {
                  sum += static_cast<double>(v);
                  magnitude += std::fabs(static_cast<double>(v));
                }
                return compare(ops::sum(x).to_floats(), {sum}, tolerance(dtype, magnitude * 1e-7));
              },
          .work = {.bytes = static_cast<double>(x.nbytes())}};
}

Prepared prepare_argmax(DType dtype) {
  const Array x = uniform_array({1, 32000}, dtype, 1);
  return {.run = [=] { benchmark::DoNotOptimize(ops::argmax(x)); },
          .check =
              [=] {
                const auto values = x.to_floats();
                const auto expected = std::max_element(values.begin(), values.end());
                return ops::argmax(x).item<int64_t>() == expected - values.begin()
                           ? std::string()
                           : std::string("not the first of the largest");
              },
          .work = {.bytes = static_cast<double>(x.nbytes())}};
}

}  // namespace

void register_reduce() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    add(fmt::format("sum/{}/1M", name_of(dtype)), [=] { return prepare_sum(dtype); });
    add(fmt::format("argmax/{}/1x32000", name_of(dtype)), [=] { return prepare_argmax(dtype); });
  }
}

}  // namespace linnet::bench
