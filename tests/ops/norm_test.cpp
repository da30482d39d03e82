#include "ops/norm.hpp"

#include "ops/cast.hpp"
#include "ops/elementwise.hpp"
#include "ops/row_sweep.hpp"
#include "support/expect_error.hpp"
#include "support/sanitized.hpp"

namespace linnet {
namespace {

using test::Case;
using test::device;
using test::Values;

constexpr float kEps = 1e-6F;

/// The rounding of the dtype, relative to the result and to what was cancelled in it.
double unit_of(DType dtype) {
  return dtype == DType::f32 ? 2e-6 : dtype == DType::f16 ? 6e-4 : 4.1e-3;
}

/// A weight or bias of n values in another dtype and layout than x, to cover the conversions.
Array vector_of(int64_t n, DType dtype, const DevicePtr& on) {
  const Array all = test::values_of(dtype, Values::spread, 2 * n + 3, on);
  return all.with_layout({n}, {2}, 3);
}

struct Exact {
  double scale = 0;  ///< 1 / sqrt(mean square or variance + eps)
  std::vector<double> y;
};

/// norm(x, weight, bias) against expected(row, i) for all cases; without bias if told so.
template <class Op, class Expected>
void sweep(bool with_bias, const Op& op, const Expected& expected) {
  for (const DType dtype : test::floating_dtypes())
    for (const Case& c : test::cases_of(dtype, Values::spread)) {
      SCOPED_TRACE(c.name);
      const Array x = c.make(device());
      const int64_t width = x.dim(-1);
      const DType other = dtype == DType::f32 ? DType::bf16 : DType::f32;
      const Array y = test::run_everywhere(c, [&](const Array& a) {
        return op(a, vector_of(width, other, a.device()),
                  with_bias ? vector_of(width, dtype, a.device()) : Array());
      });
      ASSERT_EQ(y.shape(), x.shape());
      ASSERT_EQ(y.dtype(), dtype);
      const auto values = x.to_floats();
      const auto weights = vector_of(width, other, device()).to_floats();
      const auto biases = with_bias ? vector_of(width, dtype, device()).to_floats()
                                    : std::vector<float>(weights.size(), 0.0F);
      const auto found = y.to_floats();
      for (const auto& positions : test::rows_of(x.shape(), {x.rank() - 1})) {
        const auto row = test::pick(values, positions);
        const Exact exact = expected(row, weights, biases);
        for (size_t i = 0; i < row.size(); ++i) {
          // Where all elements are nearly equal, what is left of x - mean is rounding error.
          const double term = 8 * exact.scale * std::fabs(double{weights[i]}) * 2e-6;
          ASSERT_NEAR(found[static_cast<size_t>(positions[i])], exact.y[i],
                      unit_of(dtype) * (std::fabs(exact.y[i]) + 8) + term);
        }
      }
    }
}

TEST(RmsNorm, MatchesDoublePrecision) {
  sweep(
      false,
      [](const Array& x, const Array& weight, const Array&) {
        return ops::rms_norm(x, weight, kEps);
      },
      [](const auto& row, const auto& weights, const auto&) {
        double squares = 0;
        for (const float value : row) squares += double{value} * double{value};
        const double scale =
            1 / std::sqrt(squares / static_cast<double>(row.size()) + double{kEps});
        Exact result{scale, {}};
        for (size_t i = 0; i < row.size(); ++i)
          result.y.push_back(double{row[i]} * scale * double{weights[i]});
        return result;
      });
}

Exact layer_norm(const std::vector<float>& row, const std::vector<float>& weights,
                 const std::vector<float>& biases) {
  const auto n = static_cast<double>(row.size());
  double mean = 0;
  for (const float value : row) mean += double{value} / n;
  double variance = 0;
  for (const float value : row) variance += (double{value} - mean) * (double{value} - mean) / n;
  const double scale = 1 / std::sqrt(variance + double{kEps});
  Exact result{scale, {}};
  for (size_t i = 0; i < row.size(); ++i)
    result.y.push_back((double{row[i]} - mean) * scale * double{weights[i]} + double{biases[i]});
  return result;
}

TEST(LayerNorm, MatchesDoublePrecision) {
  for (const bool with_bias : {false, true})
    sweep(
        with_bias,
        [](const Array& x, const Array& weight, const Array& bias) {
          return ops::layer_norm(x, weight, bias, kEps);
        },
        layer_norm);
}

TEST(RmsNorm, KnownRow) {
  const Array x = Array::from<float>({3, 4}, {1, 2}, device());
  const Array weight = Array::from<float>({1, 2}, {2}, device());
  const auto y = ops::rms_norm(x, weight, 0).to_vector<float>();
  EXPECT_FLOAT_EQ(y[0], 3 / std::sqrt(12.5F));
  EXPECT_FLOAT_EQ(y[1], 8 / std::sqrt(12.5F));
}

TEST(RmsNorm, TheSumUsesSixteenLanes) {
  // Alone in its lane every small square counts; in one chain they would all be lost.
  std::vector<float> row(33, 0.0F);
  row[0] = 4096.0F;
  for (size_t i = 17; i < 33; i += 15) row[i] = 1.0F;
  const Array x = Array::from(row, {33}, device());
  const Array ones = Array::from(std::vector<float>(33, 1.0F), {33}, device());
  std::vector<float> squares(33);
  for (size_t i = 0; i < 33; ++i) squares[i] = row[i] * row[i];
  const float scale = 1.0F / std::sqrt(test::lane_sum(squares) / 33.0F);
  EXPECT_EQ(ops::rms_norm(x, ones, 0).to_vector<float>()[17], scale);
}

/// Values in -1..1, the same on every device.
Array noise(const Shape& shape, uint64_t seed, const DevicePtr& on) {
  test::Numbers numbers(seed);
  return test::make_array(test::Layout::dense, shape, DType::f32, on,
                          [&] { return numbers.uniform(-1, 1); });
}

TEST(ResidualNorm, HasTheBitsOfTheSeparateOps) {
  for (const int64_t width : {1, 15, 16, 33, 100, 5000})
    for (int64_t rows = 1; rows <= 70; rows += width == 5000 ? 23 : test::rounds(1, 11)) {
      SCOPED_TRACE(fmt::format("{} rows of {}", rows, width));
      for (const bool with_inner : {false, true})
        for (const auto rounding : {ops::Rounding::none, ops::Rounding::bf16}) {
          std::vector<uint64_t> sum;
          std::vector<uint64_t> norm;
          for (const DevicePtr& on : test::all_devices()) {
            const Array x = noise({rows, width}, 1, on);
            const Array y = noise({rows, width}, 2, on);
            const ops::RmsTerm inner =
                with_inner ? ops::RmsTerm{noise({width}, 3, on), 1e-5F} : ops::RmsTerm();
            const ops::RmsTerm outer{noise({width}, 4, on), 1e-6F};
            if (sum.empty()) {
              const Array plain =
                  ops::add(x, with_inner ? ops::rms_norm(y, inner.weight, inner.eps) : y);
              sum = test::to_bits(plain);
              norm = test::to_bits(
                  ops::astype(ops::rms_norm(plain, outer.weight, outer.eps),
                              rounding == ops::Rounding::bf16 ? DType::bf16 : DType::f32));
            }
            const auto both = ops::residual_norm(x, y, inner, outer, rounding);
            ASSERT_EQ(both.norm.dtype(),
                      rounding == ops::Rounding::bf16 ? DType::bf16 : DType::f32);
            ASSERT_TRUE(test::to_bits(both.sum) == sum) << test::name(on);
            ASSERT_TRUE(test::to_bits(both.norm) == norm) << test::name(on);
            const auto alone = ops::residual_norm(x, y, inner, {}, rounding);
            ASSERT_TRUE(test::to_bits(alone.sum) == sum) << test::name(on);
            ASSERT_FALSE(alone.norm.defined());
          }
        }
    }
}

TEST(ResidualNorm, ErrorsNameTheShapes) {
  const auto zeros = [](const Shape& shape) { return Array::zeros(shape, DType::f32, device()); };
  const auto bad = ErrorCode::invalid_argument;
  test::expect_error(bad, "residual_norm: x is f32 [2, 3], y is f32 [3, 2]", [&] {
    (void)ops::residual_norm(zeros({2, 3}), zeros({3, 2}), {}, {});
  });
  test::expect_error(bad, "residual_norm: outer is f32 [4], expected floating [3]", [&] {
    (void)ops::residual_norm(zeros({2, 3}), zeros({2, 3}), {}, {zeros({4}), 0});
  });
  const auto none = ops::residual_norm(zeros({0, 3}), zeros({0, 3}), {}, {zeros({3}), 0});
  EXPECT_EQ(none.norm.shape(), (Shape{0, 3}));
}

TEST(Norm, EmptyOnesAndErrors) {
  const Array none = Array::empty({0, 4}, DType::f32, device());
  const Array ones = Array::from<float>({1, 1, 1, 1}, {4}, device());
  EXPECT_EQ(ops::rms_norm(none, ones, kEps).shape(), none.shape());
  EXPECT_EQ(ops::layer_norm(none, ones, ones, kEps).shape(), none.shape());
  const Array flat = Array::empty({3, 0}, DType::f32, device());
  const Array no_weight = Array::empty({0}, DType::f32, device());
  EXPECT_EQ(ops::rms_norm(flat, no_weight, kEps).shape(), flat.shape());
  using test::expect_error;
  const auto bad = ErrorCode::invalid_argument;
  const Array x = Array::zeros({2, 3}, DType::f32, device());
  expect_error(bad, "rms_norm: weight is f32 [4], expected floating [3] for x [2, 3]",
               [&] { ops::rms_norm(x, ones, kEps); });
  expect_error(bad, "layer_norm: bias is f32 [4], expected floating [3]",
               [&] { ops::layer_norm(x, Array::zeros({3}, DType::f32, device()), ones, kEps); });
  expect_error(bad, "rms_norm: x is i32 [4]",
               [&] { ops::rms_norm(Array::zeros({4}, DType::i32, device()), ones, kEps); });
  expect_error(bad, "layer_norm: x is f32 []", [&] {
    ops::layer_norm(Array::zeros({}, DType::f32, device()), ones, Array(), kEps);
  });
}

}  // namespace
}  // namespace linnet
