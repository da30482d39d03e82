// What the tests of reductions, softmax, scans and sorting share beside sweep.hpp: views whose rows
// have odd lengths, and the rows of an array as a plain list of positions.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "array/array.hpp"
#include "ops/cast.hpp"
#include "sweep.hpp"

namespace linnet::test {

/// Where the values of a case come from.
enum class Values {
  spread,   // -8..8, few equal ones
  ties,     // -3..3 in steps of 1/2, so that many are equal; both zeros
  special,  // ties with NaN and infinities among them
};

/// A view that can be made alike on every device.
struct Case {
  std::string name;
  DType dtype;
  std::function<Array(const DevicePtr&)> make;
};

/// `size` values of a dtype on a device.
inline Array values_of(DType dtype, Values kind, int64_t size, const DevicePtr& device) {
  std::mt19937 random(static_cast<uint32_t>(size) * 8 + static_cast<uint32_t>(dtype));
  std::vector<float> values(static_cast<size_t>(size));
  const float infinity = std::numeric_limits<float>::infinity();
  for (float& value : values) {
    const uint32_t bits = static_cast<uint32_t>(random());
    value = kind == Values::spread ? static_cast<float>(bits >> 8) * 0x1p-20F - 8.0F
                                   : static_cast<float>(bits % 13) * 0.5F - 3.0F;
    if (value == 0.0F && bits % 2 == 1) value = -0.0F;
    if (kind != Values::special || bits % 11 != 0) continue;
    const float specials[] = {infinity, -infinity, std::nanf(""), -std::nanf("")};
    value = specials[bits / 16 % 4];
  }
  if (!is_floating(dtype))
    for (float& value : values) value = std::isfinite(value) ? std::floor(value * 7.0F) : 77.0F;
  return ops::astype(Array::from(values, {size}, device), dtype);
}

/// Views of one dtype: sizes round the sixteen lanes; dense, transposed, stepped, reversed and
/// broadcast ones.
inline std::vector<Case> cases_of(DType dtype, Values kind) {
  std::vector<Case> result;
  const auto add = [&](const std::string& name, int64_t size, const Shape& shape,
                       const Strides& strides, int64_t offset) {
    result.push_back(
        {std::string(to_string(dtype)) + " " + name + " " + to_string(shape), dtype,
         [=](const DevicePtr& device) {
           return values_of(dtype, kind, size, device).with_layout(shape, strides, offset);
         }});
  };
  for (const int64_t n : {1, 2, 15, 16, 17, 33, 100, 257}) {
    add("dense", n, {n}, {1}, 0);
    add("dense", 3 * n, {3, n}, {n, 1}, 0);
    add("transposed", 5 * n, {n, 5}, {1, n}, 0);
    add("stepped", 6 * n, {3, n}, {2 * n, 2}, 0);
  }
  add("reversed", 70, {2, 35}, {35, -1}, 34);
  add("broadcast in front", 35, {4, 35}, {0, 1}, 0);
  add("broadcast behind", 19, {19, 3}, {1, 0}, 0);
  add("permuted", 3 * 18 * 5, {5, 3, 18}, {1, 90, 5}, 0);
  // Large enough for two threads.
  add("long", 20 * 1031, {20, 1031}, {1031, 1}, 0);
  add("tall", 700 * 21, {700, 21}, {1, 700}, 0);
  return result;
}

/// The bytes of an array in logical order.
inline std::string bytes_of(const Array& x) {
  const Array dense = ops::contiguous(x);
  return std::string(static_cast<const char*>(dense.view().data),
                     static_cast<size_t>(dense.nbytes()));
}

/// The chosen axes in rising order; every axis of a case alone, the first two, and all.
inline std::vector<std::vector<int>> axis_choices(int rank) {
  std::vector<std::vector<int>> result;
  for (int axis = 0; axis < rank; ++axis) result.push_back({axis});
  if (rank > 2) result.push_back({0, 1});
  if (rank > 2) result.push_back({0, 2});
  if (rank > 1) {
    result.emplace_back();
    for (int axis = 0; axis < rank; ++axis) result.back().push_back(axis);
  }
  return result;
}

/// For each combination of the other axes, the logical (row-major) positions of the elements over
/// the chosen axes, in row-major order.
inline std::vector<std::vector<int64_t>> rows_of(const Shape& shape, const std::vector<int>& axes) {
  std::vector<bool> chosen(static_cast<size_t>(shape.rank()), false);
  for (const int axis : axes) chosen[static_cast<size_t>(axis)] = true;
  int64_t rows = 1;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (!chosen[static_cast<size_t>(axis)]) rows *= shape[axis];
  std::vector<std::vector<int64_t>> result(static_cast<size_t>(rows));
  const int64_t size = element_count(shape);
  for (int64_t position = 0; position < size; ++position) {
    int64_t rest = position;
    int64_t row = 0;
    int64_t scale = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      const int64_t index = rest % shape[axis];
      rest /= shape[axis];
      if (chosen[static_cast<size_t>(axis)]) continue;
      row += index * scale;
      scale *= shape[axis];
    }
    result[static_cast<size_t>(row)].push_back(position);
  }
  return result;
}

/// The elements of a row.
template <class T>
std::vector<T> pick(const std::vector<T>& values, const std::vector<int64_t>& positions) {
  std::vector<T> result;
  result.reserve(positions.size());
  for (const int64_t position : positions) result.push_back(values[static_cast<size_t>(position)]);
  return result;
}

/// Sixteen lanes and the fixed tree, as a plain loop.
inline float lane_sum(const std::vector<float>& values) {
  float lanes[16] = {};
  for (size_t i = 0; i < values.size(); ++i) lanes[i % 16] += values[i];
  for (size_t half = 8; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

/// A float rounded to a dtype and back.
inline float rounded(float value, DType dtype) {
  if (dtype == DType::bf16) return to_float(to_bf16(value));
  if (dtype == DType::f16) return to_float(to_f16(value));
  return value;
}

/// Runs op(x) for a case on every device; all results must have the same bytes. Returns the first.
template <class Op>
Array run_everywhere(const Case& c, const Op& op) {
  Array first;
  for (const DevicePtr& device : all_devices()) {
    const Array result = op(c.make(device));
    if (!first.defined()) {
      first = result;
      continue;
    }
    EXPECT_EQ(result.shape(), first.shape());
    EXPECT_EQ(result.dtype(), first.dtype());
    EXPECT_TRUE(bytes_of(result) == bytes_of(first)) << c.name << " differs on " << name(device);
  }
  return first;
}

}  // namespace linnet::test
