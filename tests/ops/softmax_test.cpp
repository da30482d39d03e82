#include "ops/softmax.hpp"

#include "ops/row_sweep.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using test::Case;
using test::device;
using test::Values;

/// The error allowed beside the rounding of the dtype itself.
double unit_of(DType dtype) {
  return dtype == DType::f32 ? 1e-6 : dtype == DType::f16 ? 6e-4 : 4.1e-3;
}

TEST(Softmax, MatchesDoublePrecision) {
  for (const DType dtype : test::floating_dtypes())
    for (const Case& c : test::cases_of(dtype, Values::spread)) {
      SCOPED_TRACE(c.name);
      const Array x = c.make(device());
      const auto values = x.to_floats();
      for (int axis = -x.rank(); axis < 0; ++axis) {
        const Array y =
            test::run_everywhere(c, [axis](const Array& a) { return ops::softmax(a, axis); });
        const Array logs =
            test::run_everywhere(c, [axis](const Array& a) { return ops::log_softmax(a, axis); });
        ASSERT_EQ(y.shape(), x.shape());
        ASSERT_EQ(y.dtype(), dtype);
        ASSERT_EQ(logs.shape(), x.shape());
        ASSERT_EQ(logs.dtype(), dtype);
        const auto found = y.to_floats();
        const auto found_logs = logs.to_floats();
        for (const auto& row : test::rows_of(x.shape(), {axis + x.rank()})) {
          double sum = 0;
          for (const float value : test::pick(values, row)) sum += std::exp(double{value});
          for (const int64_t position : row) {
            const auto i = static_cast<size_t>(position);
            const double expected = std::exp(double{values[i]}) / sum;
            // f16 loses digits below 2^-14.
            ASSERT_NEAR(found[i], expected, unit_of(dtype) * expected + 3e-8);
            const double log = std::log(expected);
            ASSERT_NEAR(found_logs[i], log, unit_of(dtype) * (2 + std::fabs(log)));
          }
        }
      }
    }
}

TEST(Softmax, AFewExactRows) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto softmax = [](const std::vector<float>& row) {
    return ops::softmax(Array::from(row, {static_cast<int64_t>(row.size())}, device()))
        .to_vector<float>();
  };
  EXPECT_EQ(softmax({5}), std::vector<float>{1});
  EXPECT_EQ(softmax({3e38F, 3e38F, -3e38F}), (std::vector<float>{0.5F, 0.5F, 0}));
  EXPECT_EQ(softmax({-infinity, 1, -infinity, 1}), (std::vector<float>{0, 0.5F, 0, 0.5F}));
  for (const auto& row : {std::vector<float>{-infinity, -infinity}, std::vector<float>{infinity, 0},
                          std::vector<float>{std::nanf(""), 0}})
    for (const float value : softmax(row)) EXPECT_TRUE(std::isnan(value));
  const auto logs = ops::log_softmax(Array::from<float>({-infinity, 1}, {2}, device()));
  EXPECT_EQ(logs.to_vector<float>(), (std::vector<float>{-infinity, 0}));
  // Large logits lose nothing: the maximum goes before the logarithm does.
  const auto large = ops::log_softmax(Array::from<float>({30000, 30000}, {2}, device()));
  EXPECT_FLOAT_EQ(large.to_vector<float>()[1], -std::log(2.0F));
}

TEST(Softmax, ShapesThatAreEmptyOrWrong) {
  EXPECT_EQ(ops::softmax(Array::empty({3, 0}, DType::f32, device())).shape(), (Shape{3, 0}));
  EXPECT_EQ(ops::softmax(Array::empty({0, 3}, DType::bf16, device()), 0).shape(), (Shape{0, 3}));
  using test::expect_error;
  const auto bad = ErrorCode::invalid_argument;
  expect_error(bad, "softmax: x is i32 [2]",
               [] { ops::softmax(Array::zeros({2}, DType::i32, device())); });
  expect_error(bad, "log_softmax: axis 1 of an array with 1 axes",
               [] { ops::log_softmax(Array::zeros({2}, DType::f32, device()), 1); });
  expect_error(bad, "softmax: axis -1 of an array with 0 axes",
               [] { ops::softmax(Array::zeros({}, DType::f32, device())); });
}

}  // namespace
}  // namespace linnet
