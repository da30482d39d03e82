#include "array/array.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet {
namespace {

using test::expect_error;

const DevicePtr& device() { return test::device(); }

/// 0, 1, 2 ... in a shape.
Array counted(const Shape& shape) {
  std::vector<int32_t> values(static_cast<size_t>(element_count(shape)));
  std::iota(values.begin(), values.end(), 0);
  return Array::from(values, shape, device());
}

TEST(Array, FromKeepsValuesOfEveryDtype) {
  for (const DType dtype : test::all_dtypes()) {
    const Array x = test::from_values({0, 1, 1, 0, 1, 0}, {2, 3}, dtype, device());
    EXPECT_EQ(x.dtype(), dtype);
    EXPECT_EQ(x.shape(), (Shape{2, 3}));
    EXPECT_EQ(x.strides(), (Strides{3, 1}));
    EXPECT_EQ(x.size(), 6);
    EXPECT_EQ(x.nbytes(), 6 * size_of(dtype));
    EXPECT_TRUE(x.is_contiguous());
    EXPECT_EQ(x.to_floats(), (std::vector<float>{0, 1, 1, 0, 1, 0}));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(x.view().data) % 64, 0U);
  }
  EXPECT_EQ(counted({}).item<int32_t>(), 0);
  EXPECT_EQ(counted({}).rank(), 0);
  EXPECT_EQ(counted({3, 0, 2}).size(), 0);
  EXPECT_TRUE(counted({3, 0, 2}).to_vector<int32_t>().empty());
  EXPECT_EQ(Array::zeros({2, 2}, DType::i64, device()).to_vector<int64_t>(),
            std::vector<int64_t>(4, 0));
}

TEST(Array, ReadsAnyViewInLogicalOrder) {
  const Array x = counted({2, 3, 4});
  const auto read = [&](const Shape& shape, const Strides& strides, int64_t offset) {
    return x.with_layout(shape, strides, offset).to_vector<int32_t>();
  };
  using Values = std::vector<int32_t>;
  EXPECT_EQ(read({4, 3}, {1, 4}, 0), (Values{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
  EXPECT_EQ(read({3, 2}, {8, 2}, 1), (Values{1, 3, 9, 11, 17, 19}));
  EXPECT_EQ(read({2, 3}, {-12, -1}, 23), (Values{23, 22, 21, 11, 10, 9}));
  EXPECT_EQ(read({2, 3}, {0, 1}, 5), (Values{5, 6, 7, 5, 6, 7}));
  EXPECT_EQ(read({3, 2}, {1, 0}, 5), (Values{5, 5, 6, 6, 7, 7}));
  EXPECT_EQ(read({3, 3}, {1, 1}, 0), (Values{0, 1, 2, 1, 2, 3, 2, 3, 4}));
  EXPECT_EQ(read({}, {}, 23), (Values{23}));
  EXPECT_EQ(read({0, 5}, {100, 100}, 1000), Values());
}

TEST(Array, ReadsEveryDtypeAndLayoutAsAPlainWalkDoes) {
  for (const DType dtype : test::all_dtypes())
    for (const Shape& shape : test::odd_shapes())
      for (const test::Layout layout : test::all_layouts()) {
        const Array x = test::make_array(layout, shape, dtype, device(),
                                         [i = 0]() mutable { return i++ % 251; });
        const auto values = test::to_values(x);
        // The same through the raw view, one element at a time.
        const auto* data = static_cast<const std::byte*>(x.view().data);
        for (int64_t flat = 0; flat < x.size(); ++flat) {
          int64_t rest = flat;
          int64_t offset = 0;
          for (int axis = shape.rank() - 1; axis >= 0; --axis) {
            offset += rest % shape[axis] * x.strides()[axis];
            rest /= shape[axis];
          }
          const std::byte* at = data + offset * size_of(dtype);
          uint64_t raw = 0;
          std::memcpy(&raw, at, static_cast<size_t>(size_of(dtype)));
          const auto value = values[static_cast<size_t>(flat)];
          uint64_t expected = static_cast<uint64_t>(static_cast<int64_t>(value));
          if (dtype == DType::f16) expected = to_f16(static_cast<float>(value)).bits;
          if (dtype == DType::bf16) expected = to_bf16(static_cast<float>(value)).bits;
          if (dtype == DType::f32) expected = std::bit_cast<uint32_t>(static_cast<float>(value));
          ASSERT_EQ(raw, expected) << to_string(dtype) << to_string(shape) << test::name(layout);
        }
      }
}

TEST(Array, ViewsShareTheBytesAndKeepThemAlive) {
  Array view;
  {
    Array x = counted({2, 3});
    view = x.with_layout({3}, {2}, 1);
    x.mutable_data<int32_t>()[3] = 77;
  }
  EXPECT_EQ(view.to_vector<int32_t>(), (std::vector<int32_t>{1, 77, 5}));
  EXPECT_EQ(view.offset(), 1);
}

TEST(Array, ViewsStayInsideTheStorage) {
  const Array x = counted({2, 3});
  const auto refuse = [&](std::string_view message, const Shape& shape, const Strides& strides,
                          int64_t offset) {
    expect_error(ErrorCode::invalid_argument, message,
                 [&] { static_cast<void>(x.with_layout(shape, strides, offset)); });
  };
  constexpr int64_t large = int64_t{1} << 62;
  refuse("reaches elements 0..6 of 6", {7}, {1}, 0);
  refuse("reaches elements 6..6 of 6", {}, {}, 6);
  refuse("reaches elements -1..-1 of 6", {1}, {1}, -1);
  refuse("reaches elements -1..5 of 6", {7}, {-1}, 5);
  refuse("a view of shape [2, 2], strides [5, 1], offset 1 reaches elements 1..7 of 6", {2, 2},
         {5, 1}, 1);
  refuse("do not fit 63 bits", {5}, {large}, 0);
  refuse("do not fit 63 bits", {3, 3}, {large - 1, large - 1}, 0);
  refuse("does not fit 63 bits", {large, 4}, {0, 0}, 0);
  refuse("does not fit 63 bits", {-1}, {1}, 0);
  refuse("2 extents but 1 strides", {2, 3}, {1}, 0);
  EXPECT_EQ(x.with_layout({large, 1}, {0, 0}, 5).size(), large);  // no bytes of its own
}

TEST(Array, ContiguousMeansNoGaps) {
  const Array x = counted({4, 6});
  EXPECT_TRUE(x.with_layout({2, 6}, {6, 1}, 6).is_contiguous());
  EXPECT_TRUE(x.with_layout({1, 6}, {99, 1}, 0).is_contiguous());  // an axis of 1 has no step
  EXPECT_TRUE(x.with_layout({0, 6}, {1, 7}, 0).is_contiguous());
  EXPECT_FALSE(x.with_layout({4, 3}, {6, 1}, 0).is_contiguous());
  EXPECT_FALSE(x.with_layout({6, 4}, {1, 6}, 0).is_contiguous());
  EXPECT_FALSE(x.with_layout({3}, {0}, 0).is_contiguous());
}

TEST(Array, DirectAccessNeedsTheDtypeAndDenseElements) {
  Array x = counted({4, 6});
  EXPECT_EQ(x.data<int32_t>()[7], 7);
  EXPECT_EQ(x.with_layout({2, 6}, {6, 1}, 12).data<int32_t>()[0], 12);
  expect_error(ErrorCode::internal, "direct access as f32 to a i32 array of shape [4, 6]",
               [&] { static_cast<void>(x.data<float>()); });
  expect_error(ErrorCode::internal, "direct access as i32",
               [&] { static_cast<void>(x.with_layout({2}, {2}, 0).data<int32_t>()); });
  expect_error(ErrorCode::invalid_argument, "reading a i32 array as f32",
               [&] { static_cast<void>(x.to_vector<float>()); });
  expect_error(ErrorCode::invalid_argument, "item() of an array of shape [4, 6]",
               [&] { static_cast<void>(x.item<int32_t>()); });
}

TEST(Array, OverForeignMemoryIsReadOnlyAndKeepsItsOwner) {
  const auto owner = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3, 4});
  const std::weak_ptr<std::vector<float>> watch = owner;
  const int64_t before = device()->memory().stats().active_bytes;
  Array x = Array::over({std::as_bytes(std::span(*owner)), owner}, {2, 2}, DType::f32, device());
  EXPECT_EQ(device()->memory().stats().active_bytes, before);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 2, 3, 4}));
  expect_error(ErrorCode::internal, "read-only", [&] { static_cast<void>(x.mutable_view()); });
  expect_error(ErrorCode::internal, "read-only",
               [&] { static_cast<void>(x.mutable_data<float>()); });
  const Bytes bytes{std::as_bytes(std::span(*owner)), nullptr};
  expect_error(ErrorCode::invalid_argument, "16 bytes for f32 [5], expected 20",
               [&] { Array::over(bytes, {5}, DType::f32, device()); });
  const Bytes shifted{bytes.view.subspan(2, 4), nullptr};
  expect_error(ErrorCode::invalid_argument, "is not aligned for f32",
               [&] { Array::over(shifted, {1}, DType::f32, device()); });
  EXPECT_EQ(watch.use_count(), 2);
  x = Array();
  EXPECT_EQ(watch.use_count(), 1);
}

TEST(Array, RefusesBadShapesCountsAndUndefinedArrays) {
  const auto refuse = [](std::string_view message, const auto& call) {
    expect_error(ErrorCode::invalid_argument, message, call);
  };
  refuse("does not fit 63 bits", [] { Array::empty({-1}, DType::f32, device()); });
  refuse("does not fit 63 bits", [] {
    Array::empty({int64_t{1} << 40, int64_t{1} << 30}, DType::u8, device());
  });
  refuse("does not fit 63 bits", [] { Array::empty({int64_t{1} << 61}, DType::i64, device()); });
  refuse("5 values for shape [2, 3]", [] { Array::from(std::vector<float>(5), {2, 3}, device()); });
  refuse("dim: axis 2 of an array with 2 axes", [] { static_cast<void>(counted({2, 3}).dim(2)); });
  EXPECT_EQ(counted({2, 3}).dim(-2), 2);
  const Array undefined;
  EXPECT_FALSE(undefined.defined());
  refuse("an undefined array", [&] { static_cast<void>(undefined.view()); });
  refuse("an undefined array", [&] { static_cast<void>(undefined.device()); });
  refuse("an undefined array", [&] { static_cast<void>(undefined.with_layout({1}, {1}, 0)); });
  refuse("at most 8 axes", [] { counted({1, 1, 1, 1, 1, 1, 1, 1, 1}); });
}

TEST(Device, OptionsAreChecked) {
  expect_error(ErrorCode::invalid_argument, "memory_limit -1",
               [] { Device::cpu({.memory_limit = -1}); });
  expect_error(ErrorCode::invalid_argument, "cache_limit -1",
               [] { Device::cpu({.cache_limit = -1}); });
  expect_error(ErrorCode::invalid_argument, "thread count -1",
               [] { Device::cpu({.threads = -1}); });
#if defined(__x86_64__)
  expect_error(ErrorCode::device, "neon", [] { Device::cpu({}, kernels::cpu::Isa::neon); });
#endif
  EXPECT_EQ(Device::cpu({.threads = 2})->threads().size(), 2);
  EXPECT_GT(physical_memory(), int64_t{1} << 20);
  EXPECT_EQ(Device::cpu({.threads = 1})->memory().stats().limit_bytes, physical_memory());
}

TEST(Device, LivesAsLongAsItsLastArray) {
  std::weak_ptr<Device> watch;
  Array x;
  {
    const DevicePtr own = Device::cpu({.threads = 1});
    watch = own;
    x = Array::zeros({3}, DType::f32, own);
  }
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 0, 0}));
  x = Array();
  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace linnet
