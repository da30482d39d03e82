#include "ops/cast.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "kernels/cast.hpp"
#include "sweep.hpp"

namespace linnet {
namespace {

using test::Layout;
using Value = long double;

/// The rules of astype, written plainly. Values are exactly representable in `from`.
Value converted(Value value, DType from, DType to) {
  if (to == DType::boolean) return value != 0;
  if (is_floating(to)) {
    const auto single = static_cast<float>(value);
    if (to == DType::bf16) return to_float(to_bf16(single));
    if (to == DType::f16) return to_float(to_f16(single));
    return single;
  }
  if (is_floating(from)) {
    if (std::isnan(value)) return 0;
    const auto clamp = [&](Value low, Value high) {
      return std::min(std::max(std::trunc(value), low), high);
    };
    switch (to) {
      case DType::u8: return clamp(0, 255);
      case DType::u32: return clamp(0, 4294967295.0L);
      case DType::i32: return clamp(-2147483648.0L, 2147483647.0L);
      default: return clamp(-0x1p63L, 0x1p63L - 1);
    }
  }
  const auto whole = static_cast<int64_t>(value);
  switch (to) {
    case DType::u8: return static_cast<uint8_t>(whole);
    case DType::u32: return static_cast<uint32_t>(whole);
    case DType::i32: return static_cast<int32_t>(whole);
    default: return value;
  }
}

std::vector<Value> samples(DType dtype) {
  constexpr Value infinity = std::numeric_limits<Value>::infinity();
  const Value nan = std::numeric_limits<Value>::quiet_NaN();
  switch (dtype) {
    case DType::boolean: return {0, 1, 1};
    case DType::u8: return {0, 1, 127, 128, 255};
    case DType::u32: return {0, 1, 255, 256, 257, 16777217, 2147483648.0L, 4294967295.0L};
    case DType::i32: return {0, 1, -1, 257, -300, 16777217, 2147483647.0L, -2147483648.0L};
    case DType::i64: return {0, 1, -1, 65537, -4294967297.0L, 0x1p53L + 1, 0x1p63L - 1, -0x1p63L};
    case DType::f16:
      return {0.0L,  -0.0L,    0.5L,      -1.75L, 2.5L,     255.875L,
              65504, infinity, -infinity, nan,    0x1p-24L, -0x3p-20L};
    default:
      return {0.0L,       -0.0L,        0.5L,         -1.75L, 2.5L,     255.875L,  1e4L,
              65520,      1e10L,        -1e10L,       1e19L,  -1e19L,   3e38L,     0x1p-14L,
              0x1.8p-15L, 0x1.ffcp-15L, 0x1.fffp-15L, 1e-30L, infinity, -infinity, nan};
  }
}

TEST(Cast, EveryPairOfDtypesAndLayout) {
  for (const DType from : test::all_dtypes())
    for (const DType to : test::all_dtypes())
      for (const Shape& shape : {Shape{}, Shape{1}, Shape{37}, Shape{5, 7}, Shape{3, 2, 17},
                                 Shape{3, 0}, Shape{3, 6007}})
        for (const Layout layout : test::all_layouts()) {
          if (element_count(shape) > 1000 && layout > Layout::transposed) continue;
          SCOPED_TRACE(fmt::format("{} to {} {} {}", to_string(from), to_string(to), shape,
                                   test::name(layout)));
          Array x;
          const Array y = test::same_everywhere([&](const DevicePtr& device) {
            const auto values = samples(from);
            size_t i = 0;
            const Array input = test::make_array(layout, shape, from, device,
                                                 [&] { return values[i++ % values.size()]; });
            if (device == test::device()) x = input;
            return ops::astype(input, to);
          });
          ASSERT_EQ(y.shape(), shape);
          ASSERT_EQ(y.dtype(), to);
          ASSERT_TRUE(from == to || y.is_contiguous());
          const auto inputs = test::to_values(x);
          const auto actual = test::to_values(y);
          for (size_t i = 0; i < actual.size(); ++i) {
            const Value expected = converted(inputs[i], from, to);
            ASSERT_TRUE(actual[i] == expected || (std::isnan(actual[i]) && std::isnan(expected)))
                << inputs[i] << " became " << actual[i] << ", expected " << expected;
            if (is_floating(to)) {
              ASSERT_EQ(std::signbit(actual[i]), std::signbit(expected)) << inputs[i];
            }
          }
        }
}

TEST(Cast, ContiguousCopiesOnlyWhatIsNotDense) {
  for (const DType dtype : test::all_dtypes())
    for (const Shape& shape : test::odd_shapes())
      for (const Layout layout : test::all_layouts()) {
        test::Numbers numbers(1);
        const Array x = test::make_array(layout, shape, dtype, test::all_devices()[1],
                                         [&] { return std::floor(numbers.uniform(0, 200)); });
        const Array y = ops::contiguous(x);
        ASSERT_TRUE(y.is_contiguous());
        ASSERT_EQ(test::to_bits(y), test::to_bits(x)) << to_string(shape) << test::name(layout);
        if (x.size() > 0) {
          ASSERT_EQ(y.view().data == x.view().data, x.is_contiguous());
        }
      }
  const Array x = test::from_values({1, 2}, {2}, DType::bf16, test::device());
  EXPECT_EQ(ops::astype(x, DType::bf16).view().data, x.view().data);
}

TEST(Cast, EveryHalfAndBackAgain) {
  std::vector<F16> halves(65536);
  std::vector<BF16> brains(65536);
  for (size_t i = 0; i < halves.size(); ++i)
    halves[i].bits = brains[i].bits = static_cast<uint16_t>(i);
  for (const DevicePtr& device : test::all_devices()) {
    const Array f = ops::astype(Array::from(halves, {65536}, device), DType::f32);
    const Array b = ops::astype(Array::from(brains, {65536}, device), DType::f32);
    const auto f_values = f.to_vector<float>();
    const auto b_values = b.to_vector<float>();
    const auto f_back = ops::astype(f, DType::f16).to_vector<F16>();
    const auto b_back = ops::astype(b, DType::bf16).to_vector<BF16>();
    for (size_t i = 0; i < halves.size(); ++i) {
      ASSERT_EQ(std::bit_cast<uint32_t>(f_values[i]), std::bit_cast<uint32_t>(to_float(halves[i])));
      ASSERT_EQ(std::bit_cast<uint32_t>(b_values[i]), static_cast<uint32_t>(i) << 16);
      ASSERT_EQ(f_back[i].bits, std::isnan(f_values[i]) ? (i & 0x8000U) | 0x7e00U : i);
      ASSERT_EQ(b_back[i].bits, std::isnan(b_values[i]) ? i | 0x40U : i);
    }
  }
}

TEST(Cast, RoundsToNearestEven) {
  // Every halfway point between neighbouring 16-bit floats, and its two neighbours in f32.
  std::vector<float> values;
  for (uint32_t i = 0; i < 0x7f80; i += 3)
    for (const uint32_t low : {0x7fffU, 0x8000U, 0x8001U})
      values.push_back(std::bit_cast<float>((i << 16) | low));
  for (uint32_t i = 0; i < 0x7c00; i += 3) {
    const float a = to_float(F16{static_cast<uint16_t>(i)});
    const float b = i == 0x7bff ? 65536.0F : to_float(F16{static_cast<uint16_t>(i + 1)});
    const float middle = (a + b) / 2;
    values.insert(values.end(), {std::nextafter(middle, a), middle, std::nextafter(middle, b)});
  }
  const auto n = static_cast<int64_t>(values.size());
  for (const DevicePtr& device : test::all_devices()) {
    const Array x = Array::from(values, {n}, device);
    const auto halves = ops::astype(x, DType::f16).to_vector<F16>();
    const auto brains = ops::astype(x, DType::bf16).to_vector<BF16>();
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(halves[i].bits, to_f16(values[i]).bits) << values[i];
      ASSERT_EQ(brains[i].bits, to_bf16(values[i]).bits) << values[i];
    }
  }
  EXPECT_EQ(to_float(to_f16(1.0F + 0x1p-11F)), 1.0F);
  EXPECT_EQ(to_float(to_f16(1.0F + 0x3p-11F)), 1.0F + 0x2p-10F);
  EXPECT_EQ(to_float(to_bf16(1.0F + 0x1p-8F)), 1.0F);
  EXPECT_EQ(to_float(to_bf16(1.0F + 0x3p-8F)), 1.0F + 0x2p-7F);
}

TEST(Cast, WritesNothingBeyondTheRows) {
  // A strided target inside a larger buffer: what lies between and around must stay.
  for (const DevicePtr& device : test::all_devices())
    for (const int64_t width : {1, 15, 16, 17, 300})
      for (const int64_t step : {1, 3}) {
        const Array x = test::make_array(Layout::dense, {4, width}, DType::f32, device,
                                         [i = 0]() mutable { return ++i; });
        std::vector<uint16_t> buffer(static_cast<size_t>(4 * (width * step + 7) + 9), 0xabcd);
        const kernels::View to{
            buffer.data() + 5, DType::bf16, {4, width}, {width * step + 7, step}};
        kernels::cpu::cast({.from = x.view(), .to = to}, device->context());
        int64_t changed = 0;
        for (const uint16_t value : buffer) changed += value != 0xabcd ? 1 : 0;
        ASSERT_EQ(changed, 4 * width);
        for (int64_t row = 0; row < 4; ++row)
          for (int64_t i = 0; i < width; ++i)
            ASSERT_EQ(buffer[static_cast<size_t>(5 + row * (width * step + 7) + i * step)],
                      to_bf16(static_cast<float>(row * width + i + 1)).bits);
      }
}

}  // namespace
}  // namespace linnet
