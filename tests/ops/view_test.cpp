#include "ops/view.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "ops/cast.hpp"
#include "ops/creation.hpp"
#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet {
namespace {

using ops::Slice;
using test::expect_error;
using test::Layout;
using Value = long double;

/// 0, 1, 2 ... in the shape.
Array counted(const Shape& shape, DType dtype = DType::i32,
              const DevicePtr& device = test::device()) {
  return ops::reshape(ops::arange(element_count(shape), dtype, device), shape);
}

std::vector<int32_t> read(const Array& x) { return x.to_vector<int32_t>(); }

/// One index per axis; at(x, index) is the element.
Value at(const std::vector<Value>& values, const Shape& shape, const std::vector<int64_t>& index) {
  int64_t flat = 0;
  for (int axis = 0; axis < shape.rank(); ++axis)
    flat = flat * shape[axis] + index[static_cast<size_t>(axis)];
  return values[static_cast<size_t>(flat)];
}

/// Calls visit(index) in row-major order.
template <class Visit>
void for_each_index(const Shape& shape, const Visit& visit) {
  const int64_t count = element_count(shape);
  std::vector<int64_t> index(static_cast<size_t>(shape.rank()));
  for (int64_t flat = 0; flat < count; ++flat) {
    int64_t rest = flat;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      index[static_cast<size_t>(axis)] = rest % shape[axis];
      rest /= shape[axis];
    }
    visit(index);
  }
}

TEST(Reshape, KeepsTheLogicalOrderOfEveryLayout) {
  const std::vector<std::pair<Shape, std::vector<Shape>>> cases = {
      {{}, {{1}, {1, 1}, {-1}, {}}},
      {{12}, {{3, 4}, {2, 1, 6}, {-1, 2}, {12, 1}}},
      {{3, 4}, {{12}, {4, 3}, {2, 6}, {3, 2, 2}, {1, 3, 1, 4}, {-1}}},
      {{2, 3, 4}, {{6, 4}, {2, 12}, {24}, {4, 6}, {2, 3, 2, 2}, {1, 2, 3, 4}}},
      {{2, 1, 5}, {{2, 5}, {10}, {5, 2}, {2, 5, 1}}},
      {{0, 3}, {{0}, {3, 0, 7}, {-1, 3}}},
  };
  for (const auto& [shape, targets] : cases)
    for (const Layout layout : test::all_layouts())
      for (const Shape& target : targets) {
        SCOPED_TRACE(fmt::format("{} {} to {}", test::name(layout), shape, target));
        const Array x = test::make_array(layout, shape, DType::i32, test::device(),
                                         [i = 0]() mutable { return i++; });
        const Array y = ops::reshape(x, target);
        EXPECT_EQ(y.size(), x.size());
        EXPECT_EQ(read(y), read(x));
      }
}

TEST(Reshape, IsAViewWhereStridesAllow) {
  const Array x = counted({4, 6});
  const auto shares = [](const Array& a, const Array& b) { return a.view().data == b.view().data; };
  EXPECT_TRUE(shares(ops::reshape(x, {2, 2, 3, 2}), x));
  const Array columns = ops::slice(x, {{}, {.start = 0, .stop = 4}});  // rows of 4, 6 apart
  EXPECT_TRUE(shares(ops::reshape(columns, {4, 2, 2}), x));
  EXPECT_TRUE(shares(ops::reshape(columns, {2, 2, 1, 4}), x));
  EXPECT_FALSE(shares(ops::reshape(columns, {16}), x));
  const Array turned = ops::transpose(x);  // [6, 4]
  EXPECT_TRUE(shares(ops::reshape(turned, {3, 2, 4}), x));
  EXPECT_TRUE(shares(ops::reshape(turned, {6, 2, 2}), x));
  EXPECT_FALSE(shares(ops::reshape(turned, {24}), x));
  const Array repeated = ops::broadcast_to(counted({1, 6}), {5, 6});
  EXPECT_EQ(ops::reshape(repeated, {5, 2, 3}).strides(), (Strides{0, 3, 1}));
}

TEST(Reshape, Errors) {
  const Array x = counted({3, 4});
  const auto expect = [&](const Shape& shape, std::string_view message) {
    expect_error(ErrorCode::invalid_argument, message, [&] { ops::reshape(x, shape); });
  };
  expect({5}, "reshape: [3, 4] has 12 elements, [5] has 5");
  expect({-1, 5}, "reshape: [3, 4] to [-1, 5]");
  expect({-1, -1}, "reshape: [3, 4] to [-1, -1]");
  expect({-2, 6}, "reshape: [3, 4] to [-2, 6]");
  expect({-1, 0}, "reshape: [3, 4] to [-1, 0]");
  expect({int64_t{1} << 62, 4}, "does not fit 63 bits");
}

TEST(Transpose, EveryPermutationOfEveryLayout) {
  const Shape shape = {2, 3, 4};
  std::vector<int> axes = {0, 1, 2};
  do {
    for (const Layout layout : test::all_layouts()) {
      const Array x = test::make_array(layout, shape, DType::u8, test::device(),
                                       [i = 0]() mutable { return i++; });
      const Array y = ops::transpose(x, axes);
      const auto values = test::to_values(x);
      std::vector<Value> expected;
      for_each_index(y.shape(), [&](const std::vector<int64_t>& index) {
        std::vector<int64_t> source(3);
        for (size_t i = 0; i < 3; ++i) source[static_cast<size_t>(axes[i])] = index[i];
        expected.push_back(at(values, shape, source));
      });
      ASSERT_EQ(test::to_values(y), expected) << test::name(layout);
      ASSERT_EQ(test::to_values(ops::contiguous(y)), expected) << test::name(layout);
    }
  } while (std::next_permutation(axes.begin(), axes.end()));
}

TEST(Transpose, SwapsReversesAndRefuses) {
  const Array x = counted({2, 3, 4});
  EXPECT_EQ(ops::transpose(x).shape(), (Shape{4, 3, 2}));
  EXPECT_EQ(ops::transpose(x, {-1, 0, 1}).shape(), (Shape{4, 2, 3}));
  EXPECT_EQ(ops::swap_axes(x, 0, -1).shape(), (Shape{4, 3, 2}));
  EXPECT_EQ(read(ops::swap_axes(x, 0, -1)), read(ops::transpose(x)));
  EXPECT_EQ(ops::transpose(counted({})).rank(), 0);
  expect_error(ErrorCode::invalid_argument, "transpose: 2 axes for the shape [2, 3, 4]", [&] {
    ops::transpose(x, {0, 1});
  });
  expect_error(ErrorCode::invalid_argument, "transpose: axis -1 is named twice, shape [2, 3, 4]",
               [&] {
                 ops::transpose(x, {0, 2, -1});
               });
  expect_error(ErrorCode::invalid_argument, "transpose: axis 3 of an array with 3 axes", [&] {
    ops::transpose(x, {0, 1, 3});
  });
  expect_error(ErrorCode::invalid_argument, "swap_axes: axis 3", [&] { ops::swap_axes(x, 0, 3); });
}

TEST(View, AxesOfExtentOne) {
  const Array x = ops::transpose(counted({2, 3}));
  EXPECT_EQ(ops::expand_dims(x, 0).shape(), (Shape{1, 3, 2}));
  EXPECT_EQ(ops::expand_dims(x, -1).shape(), (Shape{3, 2, 1}));
  EXPECT_EQ(ops::expand_dims(x, 1).shape(), (Shape{3, 1, 2}));
  EXPECT_EQ(read(ops::expand_dims(x, 1)), read(x));
  const Array y = ops::expand_dims(ops::expand_dims(x, 0), 2);  // [1, 3, 1, 2]
  EXPECT_EQ(ops::squeeze(y).shape(), x.shape());
  EXPECT_EQ(ops::squeeze(y, 0).shape(), (Shape{3, 1, 2}));
  EXPECT_EQ(ops::squeeze(y, -2).shape(), (Shape{1, 3, 2}));
  EXPECT_EQ(read(ops::squeeze(y)), read(x));
  expect_error(ErrorCode::invalid_argument, "squeeze: axis 1 of [1, 3, 1, 2] is not 1",
               [&] { ops::squeeze(y, 1); });
  expect_error(ErrorCode::invalid_argument, "expand_dims: axis 4 of an array with 3 axes",
               [&] { ops::expand_dims(x, 4); });
  expect_error(ErrorCode::invalid_argument, "at most 8 axes", [&] {
    ops::expand_dims(counted({1, 1, 1, 1, 1, 1, 1, 1}), 0);
  });
}

TEST(View, BroadcastTo) {
  const Array x = counted({3, 1});
  const Array y = ops::broadcast_to(x, {2, 3, 4});
  EXPECT_EQ(read(y), (std::vector<int32_t>{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2,
                                           0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2}));
  EXPECT_EQ(y.view().data, x.view().data);
  EXPECT_EQ(ops::broadcast_to(x, {3, 0}).size(), 0);
  EXPECT_EQ(ops::broadcast_to(counted({}), {2, 2}).size(), 4);
  expect_error(ErrorCode::invalid_argument,
               "broadcast_to: the shape [3, 1] does not broadcast to [2, 4]", [&] {
                 ops::broadcast_to(x, {2, 4});
               });
  expect_error(ErrorCode::invalid_argument,
               "broadcast_to: the shape [3, 1] does not broadcast to [3]",
               [&] { ops::broadcast_to(x, {3}); });
}

TEST(View, AsStridedIsBounded) {
  const Array x = counted({10});
  const Array windows = ops::as_strided(x, {4, 3}, {2, 1}, 1);
  EXPECT_EQ(read(windows), (std::vector<int32_t>{1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 9}));
  const Array inner = ops::slice(x, {{.start = 4}});
  EXPECT_EQ(read(ops::as_strided(inner, {2}, {-3})), (std::vector<int32_t>{4, 1}));
  expect_error(ErrorCode::invalid_argument, "reaches elements 2..10 of 10", [&] {
    ops::as_strided(x, {4, 3}, {2, 1}, 2);
  });
  expect_error(ErrorCode::invalid_argument, "reaches elements -2..4",
               [&] { ops::as_strided(inner, {3}, {-3}); });
}

/// Python's slice.indices, the long way round.
std::vector<int64_t> python_indices(const Slice& s, int64_t extent) {
  std::vector<int64_t> result;
  const auto fix = [&](int64_t value) { return value < 0 ? value + extent : value; };
  if (s.step > 0) {
    const int64_t start = s.start ? fix(*s.start) : 0;
    const int64_t stop = s.stop ? fix(*s.stop) : extent;
    for (int64_t i = std::max<int64_t>(start, 0); i < std::min(stop, extent); i += s.step)
      result.push_back(i);
  } else {
    const int64_t start = s.start ? fix(*s.start) : extent - 1;
    const int64_t stop = s.stop ? fix(*s.stop) : -1;
    for (int64_t i = std::min(start, extent - 1); i > std::max<int64_t>(stop, -1); i += s.step)
      result.push_back(i);
  }
  return result;
}

TEST(Slice, AsPythonForEveryStartStopAndStep) {
  for (const int64_t extent : {0, 1, 5})
    for (int64_t step = -3; step <= 3; ++step) {
      if (step == 0) continue;
      std::vector<std::optional<int64_t>> ends = {std::nullopt};
      for (int64_t end = -7; end <= 7; ++end) ends.emplace_back(end);
      for (const auto& start : ends)
        for (const auto& stop : ends) {
          const Slice s{.start = start, .stop = stop, .step = step};
          const auto expected = python_indices(s, extent);
          const Array row = ops::slice(counted({extent}, DType::i64), {s});
          ASSERT_EQ(row.to_vector<int64_t>(), expected)
              << extent << ": " << start.value_or(99) << " " << stop.value_or(99) << " " << step;
          // The middle axis of three, and from a view.
          const Array x = ops::transpose(counted({3, extent, 2}, DType::i64));
          const Array y = ops::slice_axis(x, 1, s);
          std::vector<int64_t> cube;
          for (int64_t a = 0; a < 2; ++a)
            for (const int64_t b : expected)
              for (int64_t c = 0; c < 3; ++c) cube.push_back((c * extent + b) * 2 + a);
          ASSERT_EQ(y.to_vector<int64_t>(), cube);
        }
    }
}

TEST(Slice, IsAViewAndRefuses) {
  const Array x = counted({4, 5});
  const Array y = ops::slice(x, {{.start = 1, .stop = 3}, {.step = -2}});
  EXPECT_EQ(y.shape(), (Shape{2, 3}));
  EXPECT_EQ(read(y), (std::vector<int32_t>{9, 7, 5, 14, 12, 10}));
  constexpr int64_t lowest = std::numeric_limits<int64_t>::min();
  constexpr int64_t highest = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(read(ops::slice(x, {{.start = 2, .stop = lowest, .step = lowest}})),
            (std::vector<int32_t>{10, 11, 12, 13, 14}));
  EXPECT_EQ(ops::slice(x, {{.start = lowest, .stop = highest, .step = highest}}).shape(),
            (Shape{1, 5}));
  expect_error(ErrorCode::invalid_argument, "slice: 3 slices for the shape [4, 5]", [&] {
    ops::slice(x, {{}, {}, {}});
  });
  expect_error(ErrorCode::invalid_argument, "slice: the step of axis 1 is 0, shape [4, 5]", [&] {
    ops::slice(x, {{}, {.step = 0}});
  });
  expect_error(ErrorCode::invalid_argument, "slice_axis: axis 2 of an array with 2 axes",
               [&] { ops::slice_axis(x, 2, {}); });
}

TEST(Concat, EveryAxisDtypeAndLayout) {
  for (int axis = -3; axis < 3; ++axis)
    for (const Layout layout : test::all_layouts()) {
      const int along = axis < 0 ? axis + 3 : axis;
      std::vector<Array> parts;
      const std::vector<DType> dtypes = {DType::u8, DType::i32, DType::bf16, DType::u8};
      const std::vector<int64_t> extents = {2, 0, 5, 1};
      for (size_t i = 0; i < 4; ++i) {
        Shape shape = {3, 4, 2};
        shape[along] = extents[i];
        parts.push_back(test::make_array(layout, shape, dtypes[i], test::device(),
                                         [n = 50 * i]() mutable { return n++; }));
      }
      const Array y = ops::concat(parts, axis);
      Shape shape = {3, 4, 2};
      shape[along] = 8;
      ASSERT_EQ(y.shape(), shape);
      ASSERT_EQ(y.dtype(), DType::bf16);
      std::vector<Value> expected;
      for_each_index(shape, [&](std::vector<int64_t> index) {
        auto& position = index[static_cast<size_t>(along)];
        size_t part = 0;
        for (; position >= extents[part]; ++part) position -= extents[part];
        expected.push_back(at(test::to_values(parts[part]), parts[part].shape(), index));
      });
      ASSERT_EQ(test::to_values(y), expected);
    }
}

TEST(Concat, Errors) {
  expect_error(ErrorCode::invalid_argument, "concat: no arrays", [] { ops::concat({}, 0); });
  expect_error(ErrorCode::invalid_argument, "concat: [2, 3] and [2, 4] along axis 0", [] {
    ops::concat({counted({2, 3}), counted({2, 4})}, 0);
  });
  expect_error(ErrorCode::invalid_argument, "concat: [2, 3] and [3] along axis 1", [] {
    ops::concat({counted({2, 3}), counted({3})}, 1);
  });
  expect_error(ErrorCode::invalid_argument, "concat: axis 0 of an array with 0 axes", [] {
    ops::concat({counted({}), counted({})}, 0);
  });
}

TEST(SliceUpdate, ReplacesThePartAndNothingElse) {
  for (const DType dtype : test::all_dtypes())
    for (const Layout layout : test::all_layouts()) {
      SCOPED_TRACE(fmt::format("{} {}", to_string(dtype), test::name(layout)));
      const std::vector<Slice> where = {{.start = 1, .stop = 6, .step = 2},
                                        {.start = -2, .step = -3}};
      const Array y = test::same_everywhere([&](const DevicePtr& device) {
        const Array x = test::make_array(layout, {7, 9}, dtype, device, [] { return 0; });
        const Array update = test::make_array(layout, {3}, DType::i64, device, [] { return 1; });
        const Array result = ops::slice_update(x, update, where);
        EXPECT_EQ(test::to_values(x), std::vector<Value>(63, 0));
        return result;
      });
      ASSERT_EQ(y.dtype(), dtype);
      std::vector<Value> expected(63, 0);
      for (const int64_t row : {1, 3, 5})
        for (const int64_t column : {7, 4, 1}) expected[static_cast<size_t>(row * 9 + column)] = 1;
      ASSERT_EQ(test::to_values(y), expected);
    }
}

TEST(SliceUpdate, InPlaceWritesThroughViews) {
  Array x = Array::zeros({4, 3}, DType::i32, test::device());
  Array turned = ops::transpose(x);  // [3, 4]
  ops::slice_update_into(turned, counted({3, 2}), {{}, {.start = 1, .stop = 3}});
  EXPECT_EQ(read(x), (std::vector<int32_t>{0, 0, 0, 0, 2, 4, 1, 3, 5, 0, 0, 0}));
  expect_error(ErrorCode::invalid_argument,
               "slice_update: the shape [2] does not broadcast to [4, 3]",
               [&] { ops::slice_update_into(x, counted({2}), {}); });
  Array repeated = ops::broadcast_to(counted({1, 3}), {2, 3});
  expect_error(ErrorCode::invalid_argument,
               "slice_update: axis 0 of the array that is written, [2, 3], repeats one element",
               [&] { ops::slice_update_into(repeated, counted({3}), {}); });
  const std::vector<int32_t> memory = {1, 2};
  Array mapped =
      Array::over({std::as_bytes(std::span(memory)), nullptr}, {2}, DType::i32, test::device());
  expect_error(ErrorCode::internal, "writing to a read-only array",
               [&] { ops::slice_update_into(mapped, counted({2}), {}); });
}

TEST(Creation, FullOnesZerosAndLike) {
  for (const DType dtype : test::all_dtypes()) {
    const Array x = ops::full({2, 3}, 1, dtype, test::device());
    EXPECT_EQ(x.dtype(), dtype);
    EXPECT_TRUE(x.is_contiguous());
    EXPECT_EQ(test::to_values(x), std::vector<Value>(6, 1));
    EXPECT_EQ(test::to_values(ops::ones_like(x)), std::vector<Value>(6, 1));
    EXPECT_EQ(test::to_values(ops::zeros_like(x)), std::vector<Value>(6, 0));
    EXPECT_EQ(test::to_values(ops::ones({}, dtype, test::device())), std::vector<Value>(1, 1));
    EXPECT_EQ(ops::zeros({3, 0}, dtype, test::device()).size(), 0);
  }
  const Array large = ops::full({3, 20001}, 0.3, DType::bf16, test::all_devices()[1]);
  EXPECT_EQ(large.to_floats(), std::vector<float>(60003, to_float(to_bf16(0.3F))));
  expect_error(ErrorCode::invalid_argument, "the scalar -1 does not fit u32",
               [] { ops::full({2}, -1, DType::u32, test::device()); });
  expect_error(ErrorCode::invalid_argument, "-3 does not fit", [] {
    ops::full({2, -3}, 1, DType::u32, test::device());
  });
}

TEST(Creation, Arange) {
  const auto& device = test::device();
  EXPECT_EQ(read(ops::arange(2, 11, 3, DType::i32, device)), (std::vector<int32_t>{2, 5, 8}));
  EXPECT_EQ(read(ops::arange(2, -5, -3, DType::i32, device)), (std::vector<int32_t>{2, -1, -4}));
  EXPECT_EQ(ops::arange(5, 5, 1, DType::i32, device).size(), 0);
  EXPECT_EQ(ops::arange(5, 2, 1, DType::f32, device).size(), 0);
  EXPECT_EQ(ops::arange(0, 1, 0.25, DType::f32, device).to_floats(),
            (std::vector<float>{0, 0.25F, 0.5F, 0.75F}));
  EXPECT_EQ(ops::arange(3, DType::bf16, device).to_floats(), (std::vector<float>{0, 1, 2}));
  constexpr int64_t highest = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(ops::arange(-highest - 1, highest, highest, DType::i64, device).to_vector<int64_t>(),
            (std::vector<int64_t>{-highest - 1, -1, highest - 1}));
  const auto expect = [&](std::string_view message, const auto& call) {
    expect_error(ErrorCode::invalid_argument, message, call);
  };
  expect("arange: the step is 0", [&] { ops::arange(0, 1, 0, DType::i32, device); });
  expect("arange: 0..1 by 0", [&] { ops::arange(0, 1, 0, DType::f32, device); });
  expect("arange: 0..inf by 1", [&] { ops::arange(0, INFINITY, 1, DType::f32, device); });
  expect("arange: 0.5 is not whole", [&] { ops::arange(0, 3, 0.5, DType::i32, device); });
  expect("does not fit u8", [&] { ops::arange(0, 300, 1, DType::u8, device); });
  expect("too many elements", [&] { ops::arange(0, highest, 1, DType::i64, device); });
}

TEST(Promotion, TheTable) {
  using enum DType;
  const auto expect = [](DType a, DType b, DType result) {
    EXPECT_EQ(ops::promote(a, b), result) << to_string(a) << to_string(b);
    EXPECT_EQ(ops::promote(b, a), result) << to_string(a) << to_string(b);
  };
  for (const DType dtype : test::all_dtypes()) {
    expect(dtype, dtype, dtype);
    expect(boolean, dtype, dtype);
    expect(dtype, f32, f32);
    if (is_integral(dtype)) {
      expect(dtype, i64, i64);
      expect(dtype, f16, f16);
      expect(dtype, bf16, bf16);
    }
  }
  expect(u8, u32, u32);
  expect(u8, i32, i32);
  expect(u32, i32, i64);
  expect(f16, bf16, f32);
}

TEST(Promotion, BroadcastShapes) {
  EXPECT_EQ(ops::broadcast_shapes("t", {2, 1, 4}, {3, 1}), (Shape{2, 3, 4}));
  EXPECT_EQ(ops::broadcast_shapes("t", {}, {0, 1}), (Shape{0, 1}));
  EXPECT_EQ(ops::broadcast_shapes("t", {1}, {0}), (Shape{0}));
  expect_error(ErrorCode::invalid_argument, "t: the shapes [2, 3] and [3, 3] do not broadcast", [] {
    ops::broadcast_shapes("t", {2, 3}, {3, 3});
  });
  expect_error(ErrorCode::invalid_argument, "t: the shapes [0] and [2] do not broadcast",
               [] { ops::broadcast_shapes("t", {0}, {2}); });
}

}  // namespace
}  // namespace linnet
