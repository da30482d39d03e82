#include "ops/norm.hpp"

#include "ops/bench.hpp"
#include "ops/families.hpp"

namespace linnet::bench {
namespace {

constexpr int64_t kWidth = 2048;
constexpr double kEps = 1e-6;

/// (x - mean) / sqrt(mean((x - mean)^2) + eps) * weight + bias; the mean is 0 for rms_norm.
std::vector<double> plain(const Array& x, const Array& weight, const Array& bias, bool centre) {
  const auto in = x.to_floats();
  const auto w = weight.to_floats();
  const auto b = bias.to_floats();
  std::vector<double> y(in.size());
  for (size_t start = 0; start < in.size(); start += kWidth) {
    double mean = 0;
    double squares = 0;
    if (centre)
      for (size_t i = 0; i < kWidth; ++i) mean += in[start + i] / static_cast<double>(kWidth);
    for (size_t i = 0; i < kWidth; ++i) squares += (in[start + i] - mean) * (in[start + i] - mean);
    const double scale = 1 / std::sqrt(squares / kWidth + kEps);
    for (size_t i = 0; i < kWidth; ++i)
      y[start + i] = (in[start + i] - mean) * scale * static_cast<double>(w[i]) +
                     (centre ? static_cast<double>(b[i]) : 0);
  }
  return y;
}

Prepared prepare(int64_t rows, DType dtype, bool centre) {
  const Array x = uniform_array({rows, kWidth}, dtype, 1);
  const Array weight = uniform_array({kWidth}, DType::f32, 2);
  const Array bias = uniform_array({kWidth}, DType::f32, 3);
  const auto norm = [=] {
    return centre ? ops::layer_norm(x, weight, bias, static_cast<float>(kEps))
                  : ops::rms_norm(x, weight, static_cast<float>(kEps));
  };
  return {.run = [=] { benchmark::DoNotOptimize(norm()); },
          .check =
              [=] {
                return compare(norm().to_floats(), plain(x, weight, bias, centre),
                               tolerance(dtype, 1e-5));
              },
          .work = {.bytes = 2 * static_cast<double>(x.nbytes())}};
}

}  // namespace

void register_norm() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const int64_t rows : {1, 32})
      add(fmt::format("rms_norm/{}/{}x{}", name_of(dtype), rows, kWidth),
          [=] { return prepare(rows, dtype, false); });
    add(fmt::format("layer_norm/{}/32x{}", name_of(dtype), kWidth),
        [=] { return prepare(32, dtype, true); });
  }
}

}  // namespace linnet::bench
