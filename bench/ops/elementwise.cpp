#include "ops/elementwise.hpp"

#include "ops/activation.hpp"
#include "ops/bench.hpp"
#include "ops/families.hpp"
#include "ops/view.hpp"

namespace linnet::bench {
namespace {

constexpr int64_t kCount = 1 << 20;

using Function = Array (*)(const ops::Operand&, const ops::Operand&);

Prepared prepare_binary(Function function, double (*plain)(double, double), DType dtype) {
  const Array a = uniform_array({kCount}, dtype, 1);
  const Array b = uniform_array({kCount}, dtype, 2);
  const auto check = [=] {
    const auto left = a.to_floats();
    const auto right = b.to_floats();
    std::vector<double> expected;
    for (size_t i = 0; i < left.size(); ++i)
      expected.push_back(plain(static_cast<double>(left[i]), static_cast<double>(right[i])));
    return compare(function(a, b).to_floats(), expected, tolerance(dtype, 1e-7));
  };
  return {.run = [=] { benchmark::DoNotOptimize(function(a, b)); },
          .check = check,
          .work = {.bytes = 3 * static_cast<double>(a.nbytes())}};
}

double plain_silu(double x) { return x / (1 + std::exp(-x)); }
double plain_gelu(double x) {
  return x / 2 * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

Prepared prepare_silu(DType dtype) {
  const Array x = uniform_array({kCount}, dtype, 1);
  const auto check = [=] {
    std::vector<double> expected;
    for (const float v : x.to_floats()) expected.push_back(plain_silu(static_cast<double>(v)));
    return compare(ops::silu(x).to_floats(), expected, tolerance(dtype, 1e-6));
  };
  return {.run = [=] { benchmark::DoNotOptimize(ops::silu(x)); },
          .check = check,
          .work = {.bytes = 2 * static_cast<double>(x.nbytes())}};
}

/// The gate of a feed-forward block over rows of one joint matrix, as models compute it.
Prepared prepare_gate(int64_t rows, int64_t width, ops::Activation activation,
                      double (*plain)(double)) {
  const Array joint =
      Array::from(normal_values(rows * 2 * width, 1, 2), {rows, 2 * width}, device());
  const Array gate = ops::slice_axis(joint, 1, {0, width});
  const Array up = ops::slice_axis(joint, 1, {width, 2 * width});
  const auto check = [=] {
    const auto g = gate.to_floats();
    const auto u = up.to_floats();
    std::vector<double> expected;
    for (size_t i = 0; i < g.size(); ++i)
      expected.push_back(plain(static_cast<double>(g[i])) * static_cast<double>(u[i]));
    return compare(ops::gated_activation(gate, up, activation).to_floats(), expected, 1e-5);
  };
  return {.run = [=] { benchmark::DoNotOptimize(ops::gated_activation(gate, up, activation)); },
          .check = check,
          .work = {.bytes = 12 * static_cast<double>(rows * width)}};
}

}  // namespace

void register_elementwise() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    add(fmt::format("add/{}/1M", name_of(dtype)), [=] {
      return prepare_binary(
          ops::add, [](double a, double b) { return a + b; }, dtype);
    });
    add(fmt::format("mul/{}/1M", name_of(dtype)), [=] {
      return prepare_binary(
          ops::mul, [](double a, double b) { return a * b; }, dtype);
    });
    add(fmt::format("silu/{}/1M", name_of(dtype)), [=] { return prepare_silu(dtype); });
  }
  for (const int64_t rows : {1, 512}) {
    add(fmt::format("gated_gelu_tanh/f32/{}x6912", rows),
        [=] { return prepare_gate(rows, 6912, ops::Activation::gelu_tanh, plain_gelu); });
    add(fmt::format("gated_silu/f32/{}x6912", rows),
        [=] { return prepare_gate(rows, 6912, ops::Activation::silu, plain_silu); });
  }
}

}  // namespace linnet::bench
