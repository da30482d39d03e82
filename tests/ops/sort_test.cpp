#include "ops/sort.hpp"

#include <algorithm>
#include <numeric>

#include "ops/row_sweep.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using test::Case;
using test::device;
using test::Values;

/// NumPy's order: NaN last.
bool sorts_before(float a, float b) { return a < b || (a == a && b != b); }
bool sorts_before(int64_t a, int64_t b) { return a < b; }

template <class T>
std::vector<int64_t> sorted_indices(const std::vector<T>& row) {
  std::vector<int64_t> order(row.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&row](int64_t a, int64_t b) {
    return sorts_before(row[static_cast<size_t>(a)], row[static_cast<size_t>(b)]);
  });
  return order;
}

/// Largest first, equals by index.
template <class T>
std::vector<int64_t> largest_indices(const std::vector<T>& row) {
  std::vector<int64_t> order(row.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&row](int64_t a, int64_t b) {
    return sorts_before(row[static_cast<size_t>(b)], row[static_cast<size_t>(a)]);
  });
  return order;
}

/// Equal to the bit but for the kind of NaN (the conversion of 16-bit floats makes it quiet).
bool same(float a, float b) {
  return a != a ? b != b : std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}
bool same(int64_t a, int64_t b) { return a == b; }

/// Calls check(values, rows, read) with the values as float or int64_t; read(array) reads likewise.
template <class Check>
void with_values(const Array& x, const Check& check) {
  if (is_floating(x.dtype()))
    check(x.to_floats(), [](const Array& a) { return a.to_floats(); });
  else
    check(ops::astype(x, DType::i64).to_vector<int64_t>(),
          [](const Array& a) { return ops::astype(a, DType::i64).to_vector<int64_t>(); });
}

TEST(Sort, SortAndArgsortMatchAStableSort) {
  for (const DType dtype : test::all_dtypes())
    for (const Case& c : test::cases_of(dtype, Values::special)) {
      SCOPED_TRACE(c.name);
      const Array x = c.make(device());
      for (int axis = 0; axis < x.rank(); ++axis) {
        const Array sorted =
            test::run_everywhere(c, [axis](const Array& a) { return ops::sort(a, axis); });
        const Array order =
            test::run_everywhere(c, [axis](const Array& a) { return ops::argsort(a, axis); });
        ASSERT_EQ(sorted.shape(), x.shape());
        ASSERT_EQ(sorted.dtype(), dtype);
        ASSERT_EQ(order.shape(), x.shape());
        const auto indices = order.to_vector<int64_t>();
        with_values(x, [&](const auto& values, const auto& read) {
          const auto found = read(sorted);
          for (const auto& positions : test::rows_of(x.shape(), {axis})) {
            const auto row = test::pick(values, positions);
            const auto expected = sorted_indices(row);
            ASSERT_EQ(test::pick(indices, positions), expected);
            for (size_t i = 0; i < row.size(); ++i)
              ASSERT_TRUE(same(found[static_cast<size_t>(positions[i])],
                               row[static_cast<size_t>(expected[i])]));
          }
        });
      }
    }
}

TEST(TopK, MatchesAStableSort) {
  for (const DType dtype : test::all_dtypes())
    for (const Case& c : test::cases_of(dtype, Values::special)) {
      SCOPED_TRACE(c.name);
      const Array x = c.make(device());
      for (int axis = 0; axis < x.rank(); ++axis)
        for (const int64_t k : {int64_t{1}, (x.shape()[axis] + 2) / 3, x.shape()[axis]}) {
          const Array values_found = ops::topk(x, k, axis).values;
          const Array indices_found = test::run_everywhere(
              c, [&](const Array& a) { return ops::topk(a, k, axis).indices; });
          Shape shape = x.shape();
          shape[axis] = k;
          ASSERT_EQ(values_found.shape(), shape);
          ASSERT_EQ(values_found.dtype(), dtype);
          ASSERT_EQ(indices_found.shape(), shape);
          const auto indices = indices_found.to_vector<int64_t>();
          with_values(x, [&](const auto& values, const auto& read) {
            const auto found = read(values_found);
            const auto rows = test::rows_of(x.shape(), {axis});
            const auto results = test::rows_of(shape, {axis});
            for (size_t r = 0; r < rows.size(); ++r) {
              const auto row = test::pick(values, rows[r]);
              const auto expected = largest_indices(row);
              for (size_t i = 0; i < static_cast<size_t>(k); ++i) {
                const auto at = static_cast<size_t>(results[r][i]);
                ASSERT_EQ(indices[at], expected[i]);
                ASSERT_TRUE(same(found[at], row[static_cast<size_t>(expected[i])]));
              }
            }
          });
        }
    }
}

TEST(ArgPartition, MatchesAStableSort) {
  for (const DType dtype : test::all_dtypes())
    for (const Case& c : test::cases_of(dtype, Values::special)) {
      SCOPED_TRACE(c.name);
      const Array x = c.make(device());
      for (int axis = 0; axis < x.rank(); ++axis)
        for (const int64_t kth : {int64_t{0}, x.shape()[axis] / 2, int64_t{-1}}) {
          const Array order = test::run_everywhere(
              c, [&](const Array& a) { return ops::argpartition(a, kth, axis); });
          ASSERT_EQ(order.shape(), x.shape());
          const auto indices = order.to_vector<int64_t>();
          with_values(x, [&](const auto& values, const auto&) {
            for (const auto& positions : test::rows_of(x.shape(), {axis})) {
              auto expected = sorted_indices(test::pick(values, positions));
              const int64_t at = kth < 0 ? kth + x.shape()[axis] : kth;
              std::sort(expected.begin(), expected.begin() + at);
              std::sort(expected.begin() + at + 1, expected.end());
              ASSERT_EQ(test::pick(indices, positions), expected);
            }
          });
        }
    }
}

TEST(Sort, EmptyOnesAndErrors) {
  const Array x = Array::empty({3, 0}, DType::f32, device());
  EXPECT_EQ(ops::sort(x).shape(), x.shape());
  EXPECT_EQ(ops::argsort(x, 0).shape(), x.shape());
  EXPECT_EQ(ops::topk(x, 0).indices.shape(), x.shape());
  EXPECT_EQ(ops::topk(Array::zeros({4, 2}, DType::u8, device()), 0, 0).values.shape(),
            (Shape{0, 2}));
  using test::expect_error;
  const auto bad = ErrorCode::invalid_argument;
  const Array y = Array::zeros({2, 5}, DType::f32, device());
  expect_error(bad, "sort: axis 2 of an array with 2 axes", [&] { ops::sort(y, 2); });
  expect_error(bad, "argsort: axis -1 of an array with 0 axes",
               [] { ops::argsort(Array::zeros({}, DType::f32, device())); });
  expect_error(bad, "topk: k 6 of 5 elements along axis -1 of x [2, 5]", [&] { ops::topk(y, 6); });
  expect_error(bad, "topk: k -1 of 2", [&] { ops::topk(y, -1, 0); });
  expect_error(bad, "argpartition: kth 5 of 5", [&] { ops::argpartition(y, 5); });
  expect_error(bad, "argpartition: kth 0 of 0", [&] { ops::argpartition(x, 0); });
  // A view that claims 2^32 elements: refused before anything is allocated.
  const Array wide = y.with_layout({int64_t{1} << 32}, {0}, 0);
  expect_error(bad, "sort: axis -1 of x [4294967296] has 2^32 elements or more",
               [&] { ops::sort(wide); });
}

}  // namespace
}  // namespace linnet
