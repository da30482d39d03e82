#include "ops/indexing.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet {
namespace {

using test::expect_error;
using test::Layout;
using Value = long double;

/// Random indices in -extent..extent-1.
Array make_indices(Layout layout, const Shape& shape, DType dtype, int64_t extent,
                   const DevicePtr& device) {
  test::Numbers numbers(static_cast<uint64_t>(extent));
  const bool is_signed = dtype == DType::i32 || dtype == DType::i64;
  const auto bound = static_cast<double>(extent);
  return test::make_array(layout, shape, dtype, device, [&] {
    return std::floor(numbers.uniform(is_signed ? -bound : 0, bound));
  });
}

size_t wrapped(Value index, int64_t extent) {
  return static_cast<size_t>(index < 0 ? index + static_cast<Value>(extent) : index);
}

TEST(Take, EveryAxisDtypeAndLayout) {
  const Shape shape = {4, 5, 33};
  for (const DType dtype : test::all_dtypes())
    for (const DType index_dtype : {DType::u8, DType::u32, DType::i32, DType::i64})
      for (const Layout layout : test::all_layouts())
        for (int axis = 0; axis < 3; ++axis)
          for (const Shape& index_shape : {Shape{}, Shape{7}, Shape{2, 3}, Shape{0, 2}}) {
            SCOPED_TRACE(fmt::format("{} {} {} axis {} indices {}", to_string(dtype),
                                     to_string(index_dtype), test::name(layout), axis,
                                     index_shape));
            Array x, indices;
            const Array y = test::same_everywhere([&](const DevicePtr& device) {
              test::Numbers numbers(2);
              const Array source = test::make_array(layout, shape, dtype, device, [&] {
                return std::floor(numbers.uniform(0, 200));
              });
              const Array at = make_indices(layout, index_shape, index_dtype, shape[axis], device);
              if (device == test::device()) x = source, indices = at;
              return ops::take(source, at, axis);
            });
            Shape expected_shape;
            int64_t outer = 1, inner = 1;
            for (int i = 0; i < axis; ++i) {
              expected_shape.push_back(shape[i]);
              outer *= shape[i];
            }
            for (const int64_t extent : index_shape) expected_shape.push_back(extent);
            for (int i = axis + 1; i < 3; ++i) {
              expected_shape.push_back(shape[i]);
              inner *= shape[i];
            }
            ASSERT_EQ(y.shape(), expected_shape);
            ASSERT_EQ(y.dtype(), dtype);
            const auto values = test::to_values(x);
            std::vector<Value> expected;
            for (int64_t o = 0; o < outer; ++o)
              for (const Value index : test::to_values(indices))
                for (int64_t i = 0; i < inner; ++i)
                  expected.push_back(
                      values[(static_cast<size_t>(o * shape[axis]) + wrapped(index, shape[axis])) *
                                 static_cast<size_t>(inner) +
                             static_cast<size_t>(i)]);
            ASSERT_EQ(test::to_values(y), expected);
          }
}

TEST(Take, RowsOfAnEmbedding) {
  const Array y = test::same_everywhere([&](const DevicePtr& device) {
    const Array table = test::make_array(Layout::dense, {300, 640}, DType::bf16, device,
                                         [i = 0]() mutable { return (i++ / 640) % 256; });
    return ops::take(table, make_indices(Layout::dense, {100}, DType::i32, 256, device), 0);
  });
  const auto indices =
      make_indices(Layout::dense, {100}, DType::i32, 256, test::device()).to_vector<int32_t>();
  const auto values = y.to_floats();
  for (size_t i = 0; i < values.size(); ++i) {
    const int32_t index = indices[i / 640];
    ASSERT_EQ(values[i], static_cast<float>(index < 0 ? (index + 300) % 256 : index));
  }
}

TEST(Take, Errors) {
  const auto& device = test::device();
  const Array x = Array::zeros({3, 4}, DType::f32, device);
  const auto expect = [&](std::string_view message, const std::vector<int32_t>& indices, int axis) {
    expect_error(ErrorCode::invalid_argument, message, [&] {
      ops::take(x, Array::from(indices, {static_cast<int64_t>(indices.size())}, device), axis);
    });
  };
  expect("take: the index 3 is outside an axis of extent 3", {0, 3}, 0);
  expect("take: the index -5 is outside an axis of extent 4", {0, -5}, 1);
  expect("take: axis 2 of an array with 2 axes", {0}, 2);
  expect_error(ErrorCode::invalid_argument, "take: the indices are f32 [3, 4], expected integers",
               [&] { ops::take(x, x, 0); });
  expect_error(ErrorCode::invalid_argument, "take: the index 4294967295 is outside", [&] {
    ops::take(x, Array::from(std::vector<uint32_t>{0xffffffffU}, {1}, device), 0);
  });
  expect_error(ErrorCode::invalid_argument, "give more than 8 axes", [&] {
    ops::take(x, Array::zeros({1, 1, 1, 1, 1, 1, 1, 1}, DType::i32, device), 0);
  });
  // Nothing to read from, but nothing is read either.
  EXPECT_EQ(
      ops::take(Array::zeros({0, 4}, DType::f32, device), Array::zeros({0}, DType::i64, device), 0)
          .shape(),
      (Shape{0, 4}));
}

/// The flat position of `index` in a shape; axes of extent 1 broadcast.
size_t position(const Shape& shape, const std::vector<int64_t>& index) {
  int64_t flat = 0;
  for (int axis = 0; axis < shape.rank(); ++axis)
    flat = flat * shape[axis] + (shape[axis] == 1 ? 0 : index[static_cast<size_t>(axis)]);
  return static_cast<size_t>(flat);
}

template <class Visit>
void for_each_index(const Shape& shape, const Visit& visit) {
  std::vector<int64_t> index(static_cast<size_t>(shape.rank()));
  for (int64_t flat = 0; flat < element_count(shape); ++flat) {
    int64_t rest = flat;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      index[static_cast<size_t>(axis)] = rest % shape[axis];
      rest /= shape[axis];
    }
    visit(index);
  }
}

TEST(TakeAlongAxis, EveryAxisDtypeLayoutAndBroadcast) {
  const Shape shape = {4, 5, 7};
  for (const DType dtype : {DType::boolean, DType::bf16, DType::f32, DType::i64})
    for (const Layout layout : test::all_layouts())
      for (int axis = 0; axis < 3; ++axis)
        for (const bool broadcast : {false, true}) {
          SCOPED_TRACE(fmt::format("{} {} axis {}", to_string(dtype), test::name(layout), axis));
          Shape index_shape = shape;
          index_shape[axis] = 9;
          if (broadcast) index_shape[(axis + 1) % 3] = 1;
          Array x, indices;
          const Array y = test::same_everywhere([&](const DevicePtr& device) {
            test::Numbers numbers(2);
            const Array source = test::make_array(
                layout, shape, dtype, device, [&] { return std::floor(numbers.uniform(0, 200)); });
            const Array at = make_indices(layout, index_shape, DType::i32, shape[axis], device);
            if (device == test::device()) x = source, indices = at;
            return ops::take_along_axis(source, at, axis - 3);
          });
          Shape expected_shape = shape;
          expected_shape[axis] = 9;
          ASSERT_EQ(y.shape(), expected_shape);
          const auto values = test::to_values(x);
          const auto at = test::to_values(indices);
          std::vector<Value> expected;
          for_each_index(expected_shape, [&](std::vector<int64_t> index) {
            const Value chosen = at[position(index_shape, index)];
            index[static_cast<size_t>(axis)] = static_cast<int64_t>(wrapped(chosen, shape[axis]));
            expected.push_back(values[position(shape, index)]);
          });
          ASSERT_EQ(test::to_values(y), expected);
        }
}

TEST(PutAlongAxis, EveryAxisDtypeAndLayout) {
  const Shape shape = {4, 5, 7};
  for (const DType dtype : {DType::boolean, DType::bf16, DType::f32, DType::i64})
    for (const Layout layout : test::all_layouts())
      for (int axis = 0; axis < 3; ++axis) {
        SCOPED_TRACE(fmt::format("{} {} axis {}", to_string(dtype), test::name(layout), axis));
        // More indices than places, so that some are written twice.
        Shape index_shape = shape;
        index_shape[axis] = 9;
        Array x, indices, what;
        const Array y = test::same_everywhere([&](const DevicePtr& device) {
          test::Numbers numbers(2);
          const auto next = [&] { return std::floor(numbers.uniform(0, 200)); };
          const Array source = test::make_array(layout, shape, dtype, device, next);
          const Array at = make_indices(layout, index_shape, DType::i64, shape[axis], device);
          const Array values = test::make_array(layout, {7}, DType::i32, device, next);
          if (device == test::device()) x = source, indices = at, what = values;
          return ops::put_along_axis(
              source, at, axis == 2 ? test::from_values({3}, {1}, DType::u8, device) : values,
              axis);
        });
        ASSERT_EQ(y.shape(), shape);
        ASSERT_EQ(y.dtype(), dtype);
        auto expected = test::to_values(x);
        const auto at = test::to_values(indices);
        const auto values = test::to_values(what);
        for_each_index(index_shape, [&](std::vector<int64_t> index) {
          const Value chosen = at[position(index_shape, index)];
          const Value value = axis == 2 ? 3 : values[static_cast<size_t>(index[2])];
          index[static_cast<size_t>(axis)] = static_cast<int64_t>(wrapped(chosen, shape[axis]));
          expected[position(shape, index)] = dtype == DType::boolean ? value != 0 : value;
        });
        ASSERT_EQ(test::to_values(y), expected);
      }
}

TEST(AlongAxis, Errors) {
  const auto& device = test::device();
  const Array x = Array::zeros({3, 4}, DType::f32, device);
  const auto zeros = [&](const Shape& shape) { return Array::zeros(shape, DType::i32, device); };
  const auto expect = [](std::string_view message, const auto& call) {
    expect_error(ErrorCode::invalid_argument, message, call);
  };
  expect("take_along_axis: the indices have the shape [3] and x has [3, 4]",
         [&] { ops::take_along_axis(x, zeros({3}), 0); });
  expect("take_along_axis: the shapes [3, 1] and [2, 1] do not broadcast", [&] {
    ops::take_along_axis(x, zeros({2, 4}), 1);
  });
  expect("take_along_axis: the index 7 is outside an axis of extent 4", [&] {
    ops::take_along_axis(x, Array::from(std::vector<int64_t>{7}, {1, 1}, device), 1);
  });
  expect("put_along_axis: the indices are f32 [3, 4], expected integers",
         [&] { ops::put_along_axis(x, x, x, 1); });
  expect("put_along_axis: the shape [2, 4] does not broadcast to [3, 4]", [&] {
    ops::put_along_axis(x, zeros({2, 4}), x, 1);
  });
  expect("put_along_axis: the shape [5] does not broadcast to [3, 4]", [&] {
    ops::put_along_axis(x, zeros({3, 4}), zeros({5}), 1);
  });
  expect("put_along_axis: the index -4 is outside an axis of extent 3", [&] {
    ops::put_along_axis(x, Array::from(std::vector<int64_t>{-4}, {1, 1}, device), x, 0);
  });
}

}  // namespace
}  // namespace linnet
