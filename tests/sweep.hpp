// Sweeps: one op over dtypes, odd shapes and every kind of view, on every instruction set with one
// and two threads. Results must be right on the first device and equal to the bit on all others.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "array/array.hpp"
#include "tolerances.hpp"

namespace linnet::test {

/// One device per instruction set and thread count, best set with one thread first, with 1 GiB
/// each; made once.
inline const std::vector<DevicePtr>& all_devices() {
  static const std::vector<DevicePtr> all = [] {
    std::vector<DevicePtr> result;
    for (const auto isa : kernels::cpu::available_isas())
      for (const int threads : {1, 2})
        result.push_back(Device::cpu({.threads = threads, .memory_limit = 1 << 30}, isa));
    return result;
  }();
  return all;
}

inline const DevicePtr& device() { return all_devices().front(); }

inline std::string name(const DevicePtr& device) {
  return fmt::format("{} with {} threads", kernels::cpu::to_string(device->isa()),
                     device->threads().size());
}

inline const std::vector<DType>& all_dtypes() {
  static const std::vector<DType> all = {DType::boolean, DType::u8,  DType::u32,  DType::i32,
                                         DType::i64,     DType::f16, DType::bf16, DType::f32};
  return all;
}
inline const std::vector<DType>& floating_dtypes() {
  static const std::vector<DType> all = {DType::f16, DType::bf16, DType::f32};
  return all;
}

/// Odd shapes; the last one is large enough to be split between threads.
inline const std::vector<Shape>& odd_shapes() {
  static const std::vector<Shape> all = {{},           {1},       {15},         {16},
                                         {33},         {5, 7},    {2, 1, 3},    {4, 0, 3},
                                         {2, 3, 1, 5}, {3, 2, 9}, {5, 1, 1031}, {3, 6007}};
  return all;
}

/// A small deterministic generator; the standard distributions differ between libraries.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 1) {}
  uint64_t next() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33) ^ (state_ >> 59);
  }
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(next() & 0x3fffffffU) / 0x1p30;
  }

 private:
  uint64_t state_;
};

/// Values as a dense array; they are rounded to the dtype.
inline Array from_values(const std::vector<long double>& values, const Shape& shape, DType dtype,
                         const DevicePtr& device) {
  const auto build = [&]<class T>(T) {
    if constexpr (std::is_same_v<T, bool>) {
      const auto data = std::make_unique<bool[]>(values.size());
      for (size_t i = 0; i < values.size(); ++i) data[i] = values[i] != 0;
      return Array::from(std::span<const bool>(data.get(), values.size()), shape, device);
    } else {
      std::vector<T> data;
      data.reserve(values.size());
      for (const long double value : values) {
        if constexpr (std::is_same_v<T, F16>)
          data.push_back(to_f16(static_cast<float>(value)));
        else if constexpr (std::is_same_v<T, BF16>)
          data.push_back(to_bf16(static_cast<float>(value)));
        else
          data.push_back(static_cast<T>(value));
      }
      return Array::from(data, shape, device);
    }
  };
  switch (dtype) {
    case DType::boolean: return build(bool{});
    case DType::u8: return build(uint8_t{});
    case DType::u32: return build(uint32_t{});
    case DType::i32: return build(int32_t{});
    case DType::i64: return build(int64_t{});
    case DType::f16: return build(F16{});
    case DType::bf16: return build(BF16{});
    case DType::f32: break;
  }
  return build(float{});
}

/// All elements in logical order, exactly (a long double holds every int64).
inline std::vector<long double> to_values(const Array& x) {
  const auto read = [&]<class T>(T) {
    std::vector<long double> result;
    for (const T value : x.to_vector<T>()) {
      if constexpr (std::is_same_v<T, F16> || std::is_same_v<T, BF16>)
        result.push_back(static_cast<long double>(to_float(value)));
      else
        result.push_back(static_cast<long double>(value));
    }
    return result;
  };
  switch (x.dtype()) {
    case DType::boolean: return read(bool{});
    case DType::u8: return read(uint8_t{});
    case DType::u32: return read(uint32_t{});
    case DType::i32: return read(int32_t{});
    case DType::i64: return read(int64_t{});
    case DType::f16: return read(F16{});
    case DType::bf16: return read(BF16{});
    case DType::f32: break;
  }
  return read(float{});
}

/// The bits of all elements in logical order, for comparing devices. Every NaN counts as the same:
/// which operand's payload survives is the processor's choice.
inline std::vector<uint64_t> to_bits(const Array& x) {
  std::vector<uint64_t> result;
  const auto values = to_values(x);
  for (const long double value : values) {
    if (is_floating(x.dtype()))
      result.push_back(std::isnan(value) ? ~uint64_t{0}
                                         : std::bit_cast<uint64_t>(static_cast<double>(value)));
    else
      result.push_back(static_cast<uint64_t>(static_cast<int64_t>(value)));
  }
  return result;
}

/// How the elements of a test array lie in memory.
enum class Layout { dense, transposed, stepped, reversed, offset, repeated };

inline const std::vector<Layout>& all_layouts() {
  static const std::vector<Layout> all = {Layout::dense,    Layout::transposed, Layout::stepped,
                                          Layout::reversed, Layout::offset,     Layout::repeated};
  return all;
}

inline std::string name(Layout layout) {
  switch (layout) {
    case Layout::dense: return "dense";
    case Layout::transposed: return "transposed";
    case Layout::stepped: return "stepped";
    case Layout::reversed: return "reversed";
    case Layout::offset: return "offset";
    case Layout::repeated: return "repeated";
  }
  return "?";
}

/// A view of `shape` and `layout` whose storage holds values from next(), in storage order.
template <class Next>
Array make_array(Layout layout, const Shape& shape, DType dtype, const DevicePtr& device,
                 Next next) {
  Shape stored = shape;  // of the dense array underneath
  Strides strides;
  int64_t offset = 0;
  const int last = shape.rank() - 1;
  switch (layout) {
    case Layout::dense: strides = dense_strides(stored); break;
    case Layout::transposed: {
      for (int axis = 0; axis <= last; ++axis) stored[axis] = shape[last - axis];
      const Strides dense = dense_strides(stored);
      strides = dense;
      for (int axis = 0; axis <= last; ++axis) strides[axis] = dense[last - axis];
      break;
    }
    case Layout::stepped:  // every second element of a longer last axis, from its second one on
      if (last >= 0) stored[last] = 2 * shape[last] + 1;
      strides = dense_strides(stored);
      if (last >= 0) {
        strides[last] = 2;
        offset = 1;
      }
      break;
    case Layout::reversed:  // the last axis backwards
      strides = dense_strides(stored);
      if (last >= 0) {
        strides[last] = -1;
        offset = std::max<int64_t>(shape[last] - 1, 0);
      }
      break;
    case Layout::offset:
      stored = {element_count(shape) + 5};
      strides = dense_strides(shape);
      offset = 3;
      break;
    case Layout::repeated:  // the first axis broadcast
      if (last >= 0) stored[0] = std::min<int64_t>(shape[0], 1);
      strides = dense_strides(stored);
      if (last >= 0) strides[0] = 0;
      break;
  }
  std::vector<long double> values(static_cast<size_t>(element_count(stored)));
  for (long double& value : values) value = next();
  return from_values(values, stored, dtype, device).with_layout(shape, strides, offset);
}

/// Runs build(device) -> result on every device and expects equal shapes, dtypes and bits.
/// Returns the first device's result.
template <class Build>
Array same_everywhere(const Build& build) {
  const Array first = build(device());
  const std::vector<uint64_t> bits = to_bits(first);
  for (size_t i = 1; i < all_devices().size(); ++i) {
    const Array other = build(all_devices()[i]);
    EXPECT_EQ(other.shape(), first.shape());
    EXPECT_EQ(other.dtype(), first.dtype());
    EXPECT_TRUE(to_bits(other) == bits) << "bits differ on " << name(all_devices()[i]);
  }
  return first;
}

/// Expects result[i] close to expected[i]; slack(i) is an allowed absolute error of element i.
template <class Slack>
void expect_close(const Array& result, const std::vector<long double>& expected,
                  const Slack& slack) {
  const auto actual = to_values(result);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    ASSERT_TRUE(close(actual[i], expected[i], result.dtype(), slack(i)))
        << "element " << i << " is " << actual[i] << ", expected " << expected[i];
}
inline void expect_close(const Array& result, const std::vector<long double>& expected) {
  expect_close(result, expected, [](size_t) { return 0.0L; });
}

}  // namespace linnet::test
