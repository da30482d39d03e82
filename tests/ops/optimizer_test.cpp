#include "ops/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/math.hpp"
#include "kernels/optimizer.hpp"
#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet {
namespace {

using test::device;

/// Odd ones, and one that several threads share.
const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {
      {}, {1}, {0}, {15}, {16}, {33}, {5, 7}, {1, 40}, {2, 3, 5}, {130, 3}, {3, 6007}, {150, 97}};
  return all;
}

Array noise(const Shape& shape, uint64_t seed, const DevicePtr& on,
            test::Layout layout = test::Layout::dense) {
  test::Numbers numbers(seed);
  return test::make_array(layout, shape, DType::f32, on,
                          [&] { return static_cast<float>(numbers.uniform(-1, 1)); });
}

/// The arrays that a step changes, parameter first.
using Arrays = std::vector<Array>;

/// Three steps on every device: equal bits everywhere. `make` gives the arrays that are changed,
/// `step` takes the one with gradient and number t, `expect` does the same to plain lists.
template <class Make, class Step, class Expect>
void sweep(const Make& make, const Step& step, const Expect& expect) {
  for (const Shape& shape : shapes())
    for (const auto layout : {test::Layout::dense, test::Layout::transposed}) {
      SCOPED_TRACE(fmt::format("{} {}", shape, test::name(layout)));
      Arrays first = make(shape, device());
      std::vector<std::vector<float>> lists;
      for (const Array& array : first) lists.push_back(array.to_floats());
      for (const DevicePtr& on : test::all_devices()) {
        Arrays arrays = make(shape, on);
        for (int64_t t = 1; t <= 3; ++t) {
          const Array gradient = noise(shape, 100 + static_cast<uint64_t>(t), on, layout);
          step(arrays, gradient, t);
          if (on == device()) expect(lists, gradient.to_floats(), t);
        }
        for (size_t i = 0; i < arrays.size(); ++i)
          ASSERT_TRUE(arrays[i].to_floats() == lists[i]) << "array " << i << ", " << test::name(on);
      }
    }
}

/// A parameter and `states` states: zeros.
auto with_states(size_t states) {
  return [=](const Shape& shape, const DevicePtr& on) {
    Arrays arrays = {noise(shape, 1, on)};
    for (size_t i = 0; i < states; ++i) arrays.push_back(Array::zeros(shape, DType::f32, on));
    return arrays;
  };
}

TEST(AdamW, IsThePlainLoopToTheBit) {
  const double lr = 0.01;
  const double scale = 0.75;
  sweep(
      with_states(2),
      [&](Arrays& a, const Array& gradient, int64_t t) {
        ops::adamw_into(
            a[0], gradient, a[1], a[2],
            {.learning_rate = lr, .weight_decay = 0.1, .step = t, .gradient_scale = scale});
      },
      [&](auto& lists, const std::vector<float>& gradient, int64_t t) {
        const auto step_size =
            static_cast<float>(lr / (1 - portable::pow(0.9, static_cast<double>(t))));
        const auto root =
            static_cast<float>(std::sqrt(1 - portable::pow(0.999, static_cast<double>(t))));
        for (size_t i = 0; i < gradient.size(); ++i) {
          float& p = lists[0][i];
          float& m = lists[1][i];
          float& v = lists[2][i];
          const float g = gradient[i] * static_cast<float>(scale);
          p = p * static_cast<float>(1 - lr * 0.1);
          m = std::fma(static_cast<float>(1 - 0.9), g - m, m);
          v = std::fma(static_cast<float>(1 - 0.999) * g, g, 0.999F * v);
          p = p - step_size * m / (std::sqrt(v) / root + 1e-8F);
        }
      });
}

TEST(Sgd, IsThePlainLoopToTheBit) {
  for (const bool nesterov : {false, true})
    for (const double momentum : {0.0, 0.9})
      sweep(
          with_states(1),
          [&](Arrays& a, const Array& gradient, int64_t) {
            ops::sgd_into(a[0], gradient, a[1],
                          {.learning_rate = 0.05,
                           .momentum = momentum,
                           .weight_decay = 0.01,
                           .nesterov = nesterov});
          },
          [&](auto& lists, const std::vector<float>& gradient, int64_t) {
            const auto mu = static_cast<float>(momentum);
            for (size_t i = 0; i < gradient.size(); ++i) {
              float d = std::fma(0.01F, lists[0][i], gradient[i]);
              if (momentum != 0) {
                float& b = lists[1][i];
                b = mu * b + d;
                d = nesterov ? std::fma(mu, b, d) : b;
              }
              lists[0][i] = std::fma(-0.05F, d, lists[0][i]);
            }
          });
}

TEST(Lion, IsThePlainLoopToTheBit) {
  sweep(
      with_states(1),
      [&](Arrays& a, const Array& gradient, int64_t) {
        ops::lion_into(a[0], gradient, a[1], {.learning_rate = 0.01, .weight_decay = 0.1});
      },
      [&](auto& lists, const std::vector<float>& gradient, int64_t) {
        for (size_t i = 0; i < gradient.size(); ++i) {
          float& p = lists[0][i];
          float& m = lists[1][i];
          const float c = 0.9F * m + static_cast<float>(1 - 0.9) * gradient[i];
          const float sign = c > 0 ? 1.0F : c < 0 ? -1.0F : 0.0F;
          p = p * static_cast<float>(1 - 0.01 * 0.1) - 0.01F * sign;
          m = 0.99F * m + static_cast<float>(1 - 0.99) * gradient[i];
        }
      });
}

TEST(Lion, NothingMovesWithoutAGradient) {
  Array p = Array::from<float>({1, -2, 3}, {3}, device());
  Array m = Array::zeros({3}, DType::f32, device());
  ops::lion_into(p, Array::zeros({3}, DType::f32, device()), m, {.learning_rate = 0.5});
  EXPECT_EQ(p.to_floats(), (std::vector<float>{1, -2, 3}));
}

/// torch.optim.Adafactor's formula in double.
void adafactor(std::vector<std::vector<double>>& lists, const std::vector<float>& gradient,
               const Shape& shape, double lr, int64_t step) {
  auto& p = lists[0];
  if (p.empty()) return;
  const auto t = static_cast<double>(step);
  const double weight = std::pow(t, -0.8);
  const auto rms = [](const std::vector<double>& x) {
    double sum = 0;
    for (const double value : x) sum += value * value;
    return std::sqrt(sum / static_cast<double>(x.size()));
  };
  const double alpha = std::max(1e-3, rms(p)) * std::min(lr, 1 / std::sqrt(t));
  for (double& value : p) value *= 1 - lr * 0.1;
  const auto rows = static_cast<size_t>(shape.rank() == 2 ? shape[0] : 1);
  const size_t columns = p.size() / rows;
  std::vector<double> estimate(p.size());
  if (shape.rank() == 2) {
    std::vector<double> row(rows, 0.0);
    std::vector<double> column(columns, 0.0);
    for (size_t i = 0; i < p.size(); ++i) {
      const double g = double{gradient[i]};
      row[i / columns] += g * g / static_cast<double>(columns);
      column[i % columns] += g * g / static_cast<double>(rows);
    }
    double mean = 0;
    for (size_t r = 0; r < rows; ++r) {
      lists[1][r] += weight * (row[r] - lists[1][r]);
      mean += lists[1][r] / static_cast<double>(rows);
    }
    for (size_t c = 0; c < columns; ++c) lists[2][c] += weight * (column[c] - lists[2][c]);
    for (size_t i = 0; i < p.size(); ++i)
      estimate[i] = lists[1][i / columns] * lists[2][i % columns] / mean;
  } else {
    for (size_t i = 0; i < p.size(); ++i) {
      const double g = double{gradient[i]};
      lists[1][i] += weight * (g * g - lists[1][i]);
      estimate[i] = lists[1][i];
    }
  }
  std::vector<double> update(p.size());
  for (size_t i = 0; i < p.size(); ++i)
    update[i] = double{gradient[i]} / std::sqrt(std::max(estimate[i], 0x1p-46));
  const double denominator = std::max(1.0, rms(update));
  for (size_t i = 0; i < p.size(); ++i) p[i] -= alpha / denominator * update[i];
}

TEST(Adafactor, MatchesDoublePrecisionAndIsTheSameEverywhere) {
  for (const Shape& shape : shapes()) {
    SCOPED_TRACE(fmt::format("{}", shape));
    const bool factored = shape.rank() == 2;
    std::vector<std::vector<double>> lists;
    Arrays result;
    for (const DevicePtr& on : test::all_devices()) {
      Array p = noise(shape, 1, on);
      const auto zeros = [&](const Shape& s) { return Array::zeros(s, DType::f32, on); };
      ops::AdafactorMoments moments;
      if (factored)
        moments = {.row_var = zeros({shape[0]}), .col_var = zeros({shape[1]})};
      else
        moments.variance = zeros(shape);
      if (lists.empty()) {
        const auto values = p.to_floats();
        lists.emplace_back(values.begin(), values.end());
        lists.emplace_back(factored ? static_cast<size_t>(shape[0]) : values.size(), 0.0);
        lists.emplace_back(factored ? static_cast<size_t>(shape[1]) : 0, 0.0);
      }
      for (int64_t t = 1; t <= 3; ++t) {
        const Array gradient = noise(shape, 100 + static_cast<uint64_t>(t), on);
        ops::adafactor_into(p, gradient, moments,
                            {.learning_rate = 0.05, .weight_decay = 0.1, .step = t});
        if (on == device()) adafactor(lists, gradient.to_floats(), shape, 0.05, t);
      }
      const Arrays all =
          factored ? Arrays{p, moments.row_var, moments.col_var} : Arrays{p, moments.variance};
      if (result.empty()) result = all;
      for (size_t i = 0; i < all.size(); ++i) {
        ASSERT_TRUE(all[i].to_floats() == result[i].to_floats()) << i << " " << test::name(on);
        const auto found = all[i].to_floats();
        for (size_t j = 0; j < found.size(); ++j)
          ASSERT_NEAR(found[j], lists[i][j], 3e-6) << "array " << i << " element " << j;
      }
    }
  }
}

TEST(SumOfSquares, IsInChunksOfSixteenLanes) {
  for (const int64_t size : {0, 1, 15, 16, 33, 4096, 4097, 20000}) {
    const Array x = noise({size}, 7, device());
    const auto values = x.to_floats();
    double expected = 0;
    for (size_t first = 0; first < values.size(); first += kernels::kSquareChunk) {
      std::vector<float> lanes(16, 0.0F);
      const size_t last = std::min(values.size(), first + kernels::kSquareChunk);
      for (size_t i = first; i < last; ++i) {
        float& lane = lanes[(i - first) % 16];
        lane = lane + values[i] * values[i];
      }
      for (size_t half = 8; half > 0; half /= 2)
        for (size_t i = 0; i < half; ++i) lanes[i] = lanes[i] + lanes[i + half];
      expected += double{lanes[0]};
    }
    for (const DevicePtr& on : test::all_devices()) {
      EXPECT_EQ(ops::sum_of_squares(noise({size}, 7, on)), expected) << size << test::name(on);
      EXPECT_EQ(ops::sum_of_squares(noise({size}, 7, on, test::Layout::offset)),
                ops::sum_of_squares(noise({size}, 7, device(), test::Layout::offset)));
    }
  }
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isinf(ops::sum_of_squares(Array::from<float>({1, infinity}, {2}, device()))));
  EXPECT_TRUE(
      std::isnan(ops::sum_of_squares(Array::from<float>({std::nanf(""), 1}, {2}, device()))));
}

TEST(AddScaled, AddsWithOneRounding) {
  for (const DevicePtr& on : test::all_devices()) {
    Array sum = noise({3, 6007}, 1, on);
    const Array x = noise({3, 6007}, 2, on, test::Layout::transposed);
    auto expected = sum.to_floats();
    const auto terms = x.to_floats();
    for (size_t i = 0; i < terms.size(); ++i) expected[i] = std::fma(0.25F, terms[i], expected[i]);
    ops::add_scaled_into(sum, x, 0.25);
    EXPECT_TRUE(sum.to_floats() == expected) << test::name(on);
  }
}

TEST(OptimizerOps, ErrorsNameTheArrays) {
  const auto bad = ErrorCode::invalid_argument;
  const auto zeros = [](const Shape& shape) { return Array::zeros(shape, DType::f32, device()); };
  Array p = zeros({2, 3});
  Array state = zeros({2, 3});
  Array wrong = zeros({3, 2});
  test::expect_error(bad, "adamw: gradient is f32 [3, 2], expected f32 [2, 3]",
                     [&] { ops::adamw_into(p, wrong, state, state, {}); });
  test::expect_error(bad, "adamw: exp_avg_sq is f32 [3, 2], expected dense f32 [2, 3]",
                     [&] { ops::adamw_into(p, p, state, wrong, {}); });
  test::expect_error(bad, "adamw: step is 0",
                     [&] { ops::adamw_into(p, p, state, state, {.step = 0}); });
  Array none;
  test::expect_error(bad, "sgd: buffer is undefined",
                     [&] { ops::sgd_into(p, p, none, {.momentum = 0.5}); });
  test::expect_error(bad, "lion: gradient is undefined",
                     [&] { ops::lion_into(p, none, state, {}); });
  Array turned = wrong.with_layout({2, 3}, {1, 2}, 0);
  test::expect_error(bad, "lion: parameter is f32 [2, 3], expected dense",
                     [&] { ops::lion_into(turned, p, state, {}); });
  ops::AdafactorMoments moments{.row_var = zeros({2}), .col_var = zeros({2})};
  test::expect_error(bad, "adafactor: col_var is f32 [2], expected dense f32 [3]",
                     [&] { ops::adafactor_into(p, p, moments, {}); });
  test::expect_error(bad, "sum_of_squares: x is bf16",
                     [&] { (void)ops::sum_of_squares(Array::zeros({1}, DType::bf16, device())); });
}

}  // namespace
}  // namespace linnet
