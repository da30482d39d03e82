#include "ops/reduce.hpp"

#include <algorithm>

#include "ops/row_sweep.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using test::Case;
using test::device;
using test::Values;

/// Calls check(case, axes, keepdims, rows) for every case and choice of axes.
template <class Check>
void sweep(const std::vector<DType>& dtypes, Values kind, const Check& check) {
  for (const DType dtype : dtypes)
    for (const Case& c : test::cases_of(dtype, kind)) {
      SCOPED_TRACE(c.name);
      const Array x = c.make(device());
      bool keepdims = false;
      for (const auto& axes : test::axis_choices(x.rank())) {
        SCOPED_TRACE(fmt::format("axes {}", fmt::join(axes, ", ")));
        check(c, x, axes, keepdims, test::rows_of(x.shape(), axes));
        keepdims = !keepdims;
      }
    }
}

Shape reduced_shape(const Shape& shape, const std::vector<int>& axes, bool keepdims) {
  Shape result;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool chosen = std::find(axes.begin(), axes.end(), axis) != axes.end();
    if (!chosen || keepdims) result.push_back(chosen ? 1 : shape[axis]);
  }
  return result;
}

/// The elements of a bool or integer array, exactly.
std::vector<int64_t> integers(const Array& x) {
  return ops::astype(x, DType::i64).to_vector<int64_t>();
}

TEST(Sum, FloatsAreAddedInSixteenLanes) {
  sweep(test::floating_dtypes(), Values::spread,
        [](const Case& c, const Array& x, const auto& axes, bool keepdims, const auto& rows) {
          const Array y = test::run_everywhere(
              c, [&](const Array& a) { return ops::sum(a, ops::Axes(axes), keepdims); });
          EXPECT_EQ(y.shape(), reduced_shape(x.shape(), axes, keepdims));
          EXPECT_EQ(y.dtype(), x.dtype());
          const auto values = x.to_floats();
          const auto sums = y.to_floats();
          for (size_t row = 0; row < rows.size(); ++row)
            ASSERT_EQ(sums[row],
                      test::rounded(test::lane_sum(test::pick(values, rows[row])), x.dtype()));
        });
}

TEST(Sum, IntegersAreExact) {
  sweep({DType::boolean, DType::u8, DType::u32, DType::i32, DType::i64}, Values::spread,
        [](const Case& c, const Array& x, const auto& axes, bool keepdims, const auto& rows) {
          const Array y = test::run_everywhere(
              c, [&](const Array& a) { return ops::sum(a, ops::Axes(axes), keepdims); });
          EXPECT_EQ(y.dtype(), DType::i64);
          const auto values = integers(x);
          const auto sums = y.template to_vector<int64_t>();
          for (size_t row = 0; row < rows.size(); ++row) {
            int64_t expected = 0;
            for (const int64_t position : rows[row]) expected += values[position];
            ASSERT_EQ(sums[row], expected);
          }
        });
  const Array large = Array::from<int64_t>({INT64_MAX, 1}, {2}, device());
  EXPECT_EQ(ops::sum(large).item<int64_t>(), INT64_MIN);
}

TEST(Mean, IsTheSumOverTheNumber) {
  sweep(test::all_dtypes(), Values::spread,
        [](const Case& c, const Array& x, const auto& axes, bool keepdims, const auto& rows) {
          const Array y = test::run_everywhere(
              c, [&](const Array& a) { return ops::mean(a, ops::Axes(axes), keepdims); });
          EXPECT_EQ(y.shape(), reduced_shape(x.shape(), axes, keepdims));
          EXPECT_EQ(y.dtype(), is_floating(x.dtype()) ? x.dtype() : DType::f32);
          const auto means = y.to_floats();
          for (size_t row = 0; row < rows.size(); ++row) {
            float expected = 0;
            if (is_floating(x.dtype())) {
              const float sum = test::lane_sum(test::pick(x.to_floats(), rows[row]));
              expected = test::rounded(sum / static_cast<float>(rows[row].size()), x.dtype());
            } else {
              int64_t sum = 0;
              for (const int64_t value : test::pick(integers(x), rows[row])) sum += value;
              expected = static_cast<float>(static_cast<double>(sum) /
                                            static_cast<double>(rows[row].size()));
            }
            ASSERT_EQ(means[row], expected);
            if (rows.size() > 50) row += 40;  // converting x again and again takes its time
          }
        });
}

/// NumPy's order: NaN beats everything, the first of equals wins.
template <class T>
size_t best_index(const std::vector<T>& row, bool largest) {
  size_t best = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    if (row[best] != row[best]) return best;
    if (row[i] != row[i] || (largest ? row[i] > row[best] : row[i] < row[best])) best = i;
  }
  return best;
}

/// Checks max, min, argmax and argmin of one row against the plain loop.
template <class T>
void check_extremes(const std::vector<T>& row, const std::vector<T>& found,
                    const std::vector<int64_t>& indices) {
  for (const bool largest : {true, false}) {
    const size_t best = best_index(row, largest);
    const T value = found[largest ? 0 : 1];
    ASSERT_TRUE(value == row[best] || (value != value && row[best] != row[best])) << value;
    ASSERT_EQ(indices[largest ? 0 : 1], static_cast<int64_t>(best));
  }
}

TEST(Extremes, MatchAPlainLoop) {
  for (const Values kind : {Values::ties, Values::special})
    sweep(test::all_dtypes(), kind,
          [](const Case& c, const Array& x, const auto& axes, bool keepdims, const auto& rows) {
            const ops::Axes over(axes);
            const auto run = [&](auto op) {
              return test::run_everywhere(c, [&](const Array& a) { return op(a, over, keepdims); });
            };
            const Array largest = run(ops::max);
            const Array smallest = run(ops::min);
            const Array first_largest = run(ops::argmax);
            const Array first_smallest = run(ops::argmin);
            EXPECT_EQ(largest.dtype(), x.dtype());
            EXPECT_EQ(smallest.dtype(), x.dtype());
            EXPECT_EQ(first_largest.shape(), reduced_shape(x.shape(), axes, keepdims));
            const auto argmax = first_largest.template to_vector<int64_t>();
            const auto argmin = first_smallest.template to_vector<int64_t>();
            const auto check = [&](const auto& all, const auto& max, const auto& min) {
              for (size_t row = 0; row < rows.size(); ++row)
                check_extremes(test::pick(all, rows[row]), {max[row], min[row]},
                               {argmax[row], argmin[row]});
            };
            if (is_floating(x.dtype()))
              check(x.to_floats(), largest.to_floats(), smallest.to_floats());
            else
              check(integers(x), integers(largest), integers(smallest));
          });
}

TEST(Extremes, SubnormalsZerosAndLimits) {
  const float tiny = 1e-40F;
  const Array x = Array::from<float>({-0.0F, 0.0F, tiny, -tiny}, {4}, device());
  EXPECT_EQ(ops::argmax(x).item<int64_t>(), 2);
  EXPECT_EQ(ops::argmin(x).item<int64_t>(), 3);
  const Array zeros = Array::from<float>({-0.0F, 0.0F}, {2}, device());
  EXPECT_EQ(ops::argmax(zeros).item<int64_t>(), 0);
  EXPECT_FALSE(std::signbit(ops::max(zeros).item<float>()));
  EXPECT_FALSE(std::signbit(ops::min(zeros).item<float>()));
  const Array large = Array::from<int64_t>({INT64_MAX - 1, INT64_MAX, INT64_MIN}, {3}, device());
  EXPECT_EQ(ops::max(large).item<int64_t>(), INT64_MAX);
  EXPECT_EQ(ops::argmin(large).item<int64_t>(), 2);
  const Array words = Array::from<uint32_t>({7, UINT32_MAX}, {2}, device());
  EXPECT_EQ(ops::max(words).item<uint32_t>(), UINT32_MAX);
}

TEST(LogSumExp, MatchesDoublePrecision) {
  sweep(test::floating_dtypes(), Values::spread,
        [](const Case& c, const Array& x, const auto& axes, bool keepdims, const auto& rows) {
          const Array y = test::run_everywhere(
              c, [&](const Array& a) { return ops::logsumexp(a, ops::Axes(axes), keepdims); });
          EXPECT_EQ(y.shape(), reduced_shape(x.shape(), axes, keepdims));
          EXPECT_EQ(y.dtype(), x.dtype());
          const auto values = x.to_floats();
          const auto found = y.to_floats();
          const float unit = x.dtype() == DType::f32   ? 1e-6F
                             : x.dtype() == DType::f16 ? 1e-3F
                                                       : 8e-3F;
          for (size_t row = 0; row < rows.size(); ++row) {
            double sum = 0;
            for (const float value : test::pick(values, rows[row]))
              sum += std::exp(static_cast<double>(value));
            const double expected = std::log(sum);
            ASSERT_NEAR(found[row], expected,
                        static_cast<double>(unit) * (1 + std::fabs(expected)));
          }
        });
}

TEST(LogSumExp, InfinitiesAndNan) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto one = [](std::vector<float> row) {
    const auto size = static_cast<int64_t>(row.size());
    return ops::logsumexp(Array::from(row, {size}, device())).item<float>();
  };
  EXPECT_EQ(one({-infinity, -infinity}), -infinity);
  EXPECT_EQ(one({-infinity, 2.5F}), 2.5F);
  EXPECT_EQ(one({infinity, 1}), infinity);
  EXPECT_TRUE(std::isnan(one({std::nanf(""), 1})));
  EXPECT_EQ(one({1000, -1000}), 1000);
  EXPECT_EQ(one({}), -infinity);
}

TEST(AnyAll, MatchAPlainLoop) {
  for (const DType dtype : test::all_dtypes())
    for (const Case& c : test::cases_of(dtype, Values::special)) {
      SCOPED_TRACE(c.name);
      const Array x = c.make(device());
      const auto values = x.to_floats();
      for (int axis = 0; axis < x.rank(); ++axis) {
        const auto any =
            test::run_everywhere(c, [axis](const Array& a) { return ops::any(a, axis); });
        const auto all =
            test::run_everywhere(c, [axis](const Array& a) { return ops::all(a, axis, true); });
        EXPECT_EQ(any.shape(), reduced_shape(x.shape(), {axis}, false));
        EXPECT_EQ(all.shape(), reduced_shape(x.shape(), {axis}, true));
        const auto anys = any.to_vector<bool>();
        const auto alls = all.to_vector<bool>();
        const auto rows = test::rows_of(x.shape(), {axis});
        for (size_t row = 0; row < rows.size(); ++row) {
          const auto nonzero = [&](int64_t position) {
            return values[static_cast<size_t>(position)] != 0.0F;
          };
          ASSERT_EQ(anys[row], std::any_of(rows[row].begin(), rows[row].end(), nonzero));
          ASSERT_EQ(alls[row], std::all_of(rows[row].begin(), rows[row].end(), nonzero));
        }
      }
    }
  // A row with nothing, and one with the smallest something, at every place of a vector.
  for (int64_t place = 0; place < 20; ++place) {
    std::vector<float> row(20, -0.0F);
    EXPECT_FALSE(ops::any(Array::from(row, {20}, device())).item<bool>());
    row[static_cast<size_t>(place)] = 1e-38F * 2;
    EXPECT_TRUE(ops::any(Array::from(row, {20}, device())).item<bool>());
  }
}

TEST(Reduce, EmptyOnes) {
  const Array x = Array::empty({3, 0}, DType::f32, device());
  EXPECT_EQ(ops::sum(x, 1).to_vector<float>(), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(ops::sum(x, 0).shape(), Shape{0});
  EXPECT_EQ(ops::max(x, 0).shape(), Shape{0});
  EXPECT_FALSE(ops::any(x).item<bool>());
  EXPECT_TRUE(ops::all(x).item<bool>());
  using test::expect_error;
  const auto bad = ErrorCode::invalid_argument;
  expect_error(bad, "max: no elements to reduce in x [3, 0]", [&] { ops::max(x); });
  expect_error(bad, "min: no elements to reduce in x [3, 0]", [&] { ops::min(x, 1); });
  expect_error(bad, "mean: no elements to reduce in x [3, 0]", [&] { ops::mean(x, 1); });
  expect_error(bad, "argmax: no elements", [&] { ops::argmax(x, -1); });
  expect_error(bad, "argmin: no elements", [&] { ops::argmin(x); });
}

TEST(Reduce, Scalars) {
  const Array x = Array::from<float>({2.5F}, {}, device());
  EXPECT_EQ(ops::sum(x).item<float>(), 2.5F);
  EXPECT_EQ(ops::sum(x, {}, true).shape(), Shape{});
  EXPECT_EQ(ops::argmax(x).item<int64_t>(), 0);
  const Array y = Array::from<float>({1, 2, 3}, {3}, device());
  EXPECT_EQ(ops::sum(y, ops::Axes(std::vector<int>{})).to_vector<float>(),
            (std::vector<float>{1, 2, 3}));
}

TEST(Reduce, WrongAxesAreNamed) {
  const Array x = Array::zeros({2, 3}, DType::i32, device());
  using test::expect_error;
  const auto bad = ErrorCode::invalid_argument;
  expect_error(bad, "sum: axis 2 of an array with 2 axes", [&] { ops::sum(x, 2); });
  expect_error(bad, "max: axis -3", [&] { ops::max(x, {0, -3}); });
  expect_error(bad, "any: axis -1 is given twice", [&] { ops::any(x, {1, -1}); });
  expect_error(bad, "logsumexp: x is i32 [2, 3]", [&] { ops::logsumexp(x); });
}

}  // namespace
}  // namespace linnet
