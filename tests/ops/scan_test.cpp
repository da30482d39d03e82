#include "ops/scan.hpp"

#include <algorithm>

#include "ops/row_sweep.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using test::Case;
using test::device;
using test::Values;

/// The running sums of a row, as a plain loop.
template <class T>
std::vector<T> running_sums(std::vector<T> row, const ops::ScanOptions& options) {
  if (options.reverse) std::reverse(row.begin(), row.end());
  T sum = 0;
  for (T& value : row) {
    const T before = sum;
    sum += value;
    value = options.exclusive ? before : sum;
  }
  if (options.reverse) std::reverse(row.begin(), row.end());
  return row;
}

TEST(Cumsum, MatchesAPlainLoop) {
  for (const DType dtype : test::all_dtypes())
    for (const Case& c : test::cases_of(dtype, Values::spread)) {
      SCOPED_TRACE(c.name);
      const Array x = c.make(device());
      for (int axis = 0; axis < x.rank(); ++axis)
        for (const ops::ScanOptions options :
             {ops::ScanOptions{}, ops::ScanOptions{.reverse = true},
              ops::ScanOptions{.reverse = axis == 0, .exclusive = true}}) {
          const Array y = test::run_everywhere(
              c, [&](const Array& a) { return ops::cumsum(a, axis, options); });
          ASSERT_EQ(y.shape(), x.shape());
          ASSERT_EQ(y.dtype(), is_floating(dtype) ? dtype : DType::i64);
          const auto check = [&](const auto& values, const auto& found, const auto& round) {
            for (const auto& positions : test::rows_of(x.shape(), {axis})) {
              const auto expected = running_sums(test::pick(values, positions), options);
              for (size_t i = 0; i < positions.size(); ++i)
                ASSERT_EQ(found[static_cast<size_t>(positions[i])], round(expected[i]));
            }
          };
          if (is_floating(dtype))
            check(x.to_floats(), y.to_floats(),
                  [dtype](float value) { return test::rounded(value, dtype); });
          else
            check(ops::astype(x, DType::i64).to_vector<int64_t>(), y.to_vector<int64_t>(),
                  [](int64_t value) { return value; });
        }
    }
}

TEST(Cumsum, EdgesAndErrors) {
  EXPECT_EQ(ops::cumsum(Array::empty({0}, DType::f32, device())).shape(), Shape{0});
  EXPECT_EQ(ops::cumsum(Array::from<int64_t>({INT64_MAX, 1}, {2}, device())).to_vector<int64_t>(),
            (std::vector<int64_t>{INT64_MAX, INT64_MIN}));
  test::expect_error(ErrorCode::invalid_argument, "cumsum: axis 1 of an array with 1 axes",
                     [&] { ops::cumsum(Array::zeros({2}, DType::f32, device()), 1); });
}

}  // namespace
}  // namespace linnet
