#include "ops/elementwise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "ops/cast.hpp"
#include "ops/creation.hpp"
#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet {
namespace {

using test::Layout;
using Value = long double;

constexpr Value kInfinity = std::numeric_limits<Value>::infinity();
constexpr Value kNan = std::numeric_limits<Value>::quiet_NaN();

struct UnaryCase {
  const char* name;
  Array (*op)(const Array&);
  Value (*reference)(Value);
  double low;
  double high;
  double slack = 0;  // allowed error beside the dtype's, relative to |x|
};

Value gelu(Value x) { return x / 2 * (1 + std::erf(x / std::sqrt(Value{2}))); }
Value gelu_tanh(Value x) {
  const Value pi = std::acos(Value{-1});
  return x / 2 * (1 + std::tanh(std::sqrt(2 / pi) * (x + 0.044715L * x * x * x)));
}

const std::vector<UnaryCase>& floating_cases() {
  static const std::vector<UnaryCase> cases = {
      {"neg", ops::neg, [](Value x) { return -x; }, -100, 100},
      {"abs", ops::abs, [](Value x) { return std::fabs(x); }, -100, 100},
      {"square", ops::square, [](Value x) { return x * x; }, -100, 100},
      {"sqrt", ops::sqrt, [](Value x) { return std::sqrt(x); }, -1, 100},
      {"rsqrt", ops::rsqrt, [](Value x) { return 1 / std::sqrt(x); }, 0.01, 100},
      {"exp", ops::exp, [](Value x) { return std::exp(x); }, -20, 20},
      {"log", ops::log, [](Value x) { return std::log(x); }, -1, 100},
      {"tanh", ops::tanh, [](Value x) { return std::tanh(x); }, -6, 6},
      {"erf", ops::erf, [](Value x) { return std::erf(x); }, -5, 5},
      {"sigmoid", ops::sigmoid, [](Value x) { return 1 / (1 + std::exp(-x)); }, -20, 20},
      {"silu", ops::silu, [](Value x) { return x / (1 + std::exp(-x)); }, -20, 20},
      {"gelu", ops::gelu, gelu, -8, 8, 0x1p-23},
      {"gelu_tanh", ops::gelu_tanh, gelu_tanh, -8, 8, 0x1p-23},
  };
  return cases;
}

TEST(Unary, FloatsInEveryLayout) {
  for (const UnaryCase& test : floating_cases())
    for (const DType dtype : test::floating_dtypes())
      for (const Shape& shape : test::odd_shapes())
        for (const Layout layout : test::all_layouts()) {
          SCOPED_TRACE(
              fmt::format("{} {} {} {}", test.name, to_string(dtype), shape, test::name(layout)));
          Array x;
          const Array y = test::same_everywhere([&](const DevicePtr& device) {
            test::Numbers numbers(7);
            const Array input = test::make_array(
                layout, shape, dtype, device, [&] { return numbers.uniform(test.low, test.high); });
            if (device == test::device()) x = input;
            return test.op(input);
          });
          ASSERT_EQ(y.shape(), shape);
          ASSERT_EQ(y.dtype(), dtype);
          const auto inputs = test::to_values(x);
          auto expected = inputs;
          for (Value& value : expected) value = test.reference(value);
          test::expect_close(y, expected,
                             [&](size_t i) { return std::fabs(inputs[i]) * test.slack; });
          if (::testing::Test::HasFatalFailure()) return;
        }
}

TEST(Unary, SpecialValues) {
  const std::vector<Value> special = {0.0L, -0.0L, 1, -1, kInfinity, -kInfinity, kNan};
  const auto check = [&](const char* what, Array (*op)(const Array&),
                         const std::vector<Value>& expected) {
    SCOPED_TRACE(what);
    for (const DType dtype : test::floating_dtypes()) {
      const Array y = test::same_everywhere([&](const DevicePtr& device) {
        return op(test::from_values(special, {7}, dtype, device));
      });
      const auto values = test::to_values(y);
      for (size_t i = 0; i < expected.size(); ++i) {
        if (std::isnan(expected[i])) {
          EXPECT_TRUE(std::isnan(values[i])) << "of " << special[i];
        } else {
          EXPECT_TRUE(test::close(values[i], expected[i], dtype)) << "of " << special[i];
          EXPECT_EQ(std::signbit(values[i]), std::signbit(expected[i])) << "of " << special[i];
        }
      }
    }
  };
  const Value e = std::exp(1.0L);
  check("neg", ops::neg, {-0.0L, 0.0L, -1, 1, -kInfinity, kInfinity, kNan});
  check("abs", ops::abs, {0, 0, 1, 1, kInfinity, kInfinity, kNan});
  check("square", ops::square, {0, 0, 1, 1, kInfinity, kInfinity, kNan});
  check("sqrt", ops::sqrt, {0.0L, -0.0L, 1, kNan, kInfinity, kNan, kNan});
  check("rsqrt", ops::rsqrt, {kInfinity, -kInfinity, 1, kNan, 0, kNan, kNan});
  check("exp", ops::exp, {1, 1, e, 1 / e, kInfinity, 0, kNan});
  check("log", ops::log, {-kInfinity, -kInfinity, 0, kNan, kInfinity, kNan, kNan});
  const Value t = std::tanh(1.0L);
  check("tanh", ops::tanh, {0.0L, -0.0L, t, -t, 1, -1, kNan});
  const Value f = std::erf(1.0L);
  check("erf", ops::erf, {0.0L, -0.0L, f, -f, 1, -1, kNan});
  check("sigmoid", ops::sigmoid, {0.5L, 0.5L, e / (1 + e), 1 / (1 + e), 1, 0, kNan});
  check("silu", ops::silu, {0.0L, -0.0L, e / (1 + e), -1 / (1 + e), kInfinity, kNan, kNan});
  check("gelu", ops::gelu, {0.0L, -0.0L, gelu(1), gelu(-1), kInfinity, kNan, kNan});
  check("gelu_tanh", ops::gelu_tanh,
        {0.0L, -0.0L, gelu_tanh(1), gelu_tanh(-1), kInfinity, kNan, kNan});
}

/// The value that the low bits of an exact integer result give.
Value wrapped(__int128 value, DType dtype) {
  switch (dtype) {
    case DType::boolean: return value != 0;
    case DType::u8: return static_cast<uint8_t>(value);
    case DType::u32: return static_cast<uint32_t>(value);
    case DType::i32: return static_cast<int32_t>(value);
    default: return static_cast<Value>(static_cast<int64_t>(value));
  }
}

/// Small values, and those at the ends of the range.
std::vector<Value> integer_samples(DType dtype) {
  switch (dtype) {
    case DType::boolean: return {0, 1, 1, 0};
    case DType::u8: return {0, 1, 2, 3, 17, 127, 128, 254, 255};
    case DType::u32: return {0, 1, 2, 3, 65536, 2147483648.0L, 4294967295.0L};
    case DType::i32: return {0, 1, -1, 2, -3, 46341, 2147483647.0L, -2147483648.0L};
    default: return {0, 1, -1, 3, -7, 3037000500.0L, 0x1p63L - 1, -0x1p63L};
  }
}

TEST(Unary, IntegersWrapAndTheRestBecomesF32) {
  for (const DType dtype : {DType::boolean, DType::u8, DType::u32, DType::i32, DType::i64}) {
    const auto samples = integer_samples(dtype);
    const Shape shape = {static_cast<int64_t>(samples.size())};
    const auto run = [&](Array (*op)(const Array&)) {
      return test::same_everywhere([&](const DevicePtr& device) {
        return op(test::from_values(samples, shape, dtype, device));
      });
    };
    const auto expect = [&](const Array& y, const std::function<__int128(__int128)>& reference) {
      ASSERT_EQ(y.dtype(), dtype);
      std::vector<Value> expected;
      for (const Value value : samples)
        expected.push_back(wrapped(reference(static_cast<__int128>(value)), dtype));
      test::expect_close(y, expected);
    };
    if (dtype != DType::boolean) expect(run(ops::neg), [](__int128 x) { return -x; });
    expect(run(ops::abs), [](__int128 x) { return x < 0 ? -x : x; });
    expect(run(ops::square), [](__int128 x) { return x * x; });
    const Array y = run(ops::sqrt);
    EXPECT_EQ(y.dtype(), DType::f32);
    std::vector<Value> expected;
    for (const Value value : samples) expected.push_back(std::sqrt(value));
    test::expect_close(y, expected);
  }
  const Array flags = ops::full({2, 3}, true, DType::boolean, test::device());
  test::expect_error(ErrorCode::invalid_argument, "neg: not defined for bools, here [2, 3]",
                     [&] { ops::neg(flags); });
}

struct BinaryCase {
  const char* name;
  Array (*op)(const ops::Operand&, const ops::Operand&);
  Value (*floating)(Value, Value);
  __int128 (*integer)(__int128, __int128);  // null: true division
};

__int128 power_of(__int128 base, __int128 exponent) {
  uint64_t result = 1;
  for (__int128 i = 0; i < exponent; ++i) result *= static_cast<uint64_t>(base);
  return static_cast<int64_t>(result);
}

const std::vector<BinaryCase>& binary_cases() {
  static const std::vector<BinaryCase> cases = {
      {"add", ops::add, [](Value a, Value b) { return a + b; },
       [](__int128 a, __int128 b) { return a + b; }},
      {"sub", ops::sub, [](Value a, Value b) { return a - b; },
       [](__int128 a, __int128 b) { return a - b; }},
      {"mul", ops::mul, [](Value a, Value b) { return a * b; },
       [](__int128 a, __int128 b) { return a * b; }},
      {"div", ops::div, [](Value a, Value b) { return a / b; }, nullptr},
      {"power", ops::power, [](Value a, Value b) { return std::pow(a, b); }, power_of},
      {"maximum", ops::maximum,
       [](Value a, Value b) { return std::isnan(a) || std::isnan(b) ? kNan : std::max(a, b); },
       [](__int128 a, __int128 b) { return std::max(a, b); }},
      {"minimum", ops::minimum,
       [](Value a, Value b) { return std::isnan(a) || std::isnan(b) ? kNan : std::min(a, b); },
       [](__int128 a, __int128 b) { return std::min(a, b); }},
  };
  return cases;
}

/// Index of the operand's element for element `flat` of `shape`.
size_t source_index(const Shape& shape, const Shape& operand, int64_t flat) {
  int64_t index = 0;
  int64_t step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    const int64_t at = flat % shape[axis];
    flat /= shape[axis];
    const int own = axis - (shape.rank() - operand.rank());
    if (own < 0) continue;
    if (operand[own] != 1) index += at * step;
    step *= operand[own];
  }
  return static_cast<size_t>(index);
}

/// reference(a, b) for every element of the broadcast shape.
template <class Reference>
std::vector<Value> broadcast_reference(const Array& a, const Array& b, const Shape& shape,
                                       const Reference& reference) {
  const auto left = test::to_values(a);
  const auto right = test::to_values(b);
  std::vector<Value> result(static_cast<size_t>(element_count(shape)));
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = reference(left[source_index(shape, a.shape(), static_cast<int64_t>(i))],
                          right[source_index(shape, b.shape(), static_cast<int64_t>(i))]);
  return result;
}

struct ShapePair {
  Shape a, b, result;
};

const std::vector<ShapePair>& shape_pairs() {
  static const std::vector<ShapePair> pairs = {
      {{}, {}, {}},
      {{17}, {17}, {17}},
      {{5, 7}, {7}, {5, 7}},
      {{5, 1}, {1, 7}, {5, 7}},
      {{3}, {2, 4, 1}, {2, 4, 3}},
      {{}, {4, 5}, {4, 5}},
      {{0, 4}, {1, 4}, {0, 4}},
      {{2, 3, 5}, {2, 1, 5}, {2, 3, 5}},
      {{3, 6007}, {6007}, {3, 6007}},
      {{3, 6007}, {3, 1}, {3, 6007}},
  };
  return pairs;
}

TEST(Binary, FloatsOfEveryLayoutBroadcast) {
  for (const BinaryCase& test : binary_cases())
    for (const DType dtype : test::floating_dtypes())
      for (const ShapePair& shapes : shape_pairs())
        for (const Layout layout : test::all_layouts()) {
          SCOPED_TRACE(fmt::format("{} {} {} {} {}", test.name, to_string(dtype), shapes.a,
                                   shapes.b, test::name(layout)));
          Array a, b;
          const Array y = test::same_everywhere([&](const DevicePtr& device) {
            test::Numbers numbers(3);
            const bool power = std::string_view(test.name) == "power";
            const auto next = [&] { return numbers.uniform(power ? 0.1 : -9, 9); };
            const Array left = test::make_array(layout, shapes.a, dtype, device, next);
            const Array right = test::make_array(Layout::dense, shapes.b, dtype, device, next);
            if (device == test::device()) a = left, b = right;
            return test.op(left, right);
          });
          ASSERT_EQ(y.shape(), shapes.result);
          ASSERT_EQ(y.dtype(), dtype);
          test::expect_close(y, broadcast_reference(a, b, shapes.result, test.floating));
          if (::testing::Test::HasFatalFailure()) return;
          if (std::string_view(test.name) == "power" && shapes.result.rank() == 2) break;
        }
}

TEST(Binary, EveryPairOfDtypes) {
  for (const BinaryCase& test : binary_cases())
    for (const DType dtype_a : test::all_dtypes())
      for (const DType dtype_b : test::all_dtypes()) {
        const bool power = std::string_view(test.name) == "power";
        DType expected_dtype = ops::promote(dtype_a, dtype_b);
        if (test.integer == nullptr && !is_floating(expected_dtype)) expected_dtype = DType::f32;
        if (expected_dtype == DType::boolean && (power || std::string_view(test.name) == "sub"))
          continue;
        SCOPED_TRACE(fmt::format("{} {} {}", test.name, to_string(dtype_a), to_string(dtype_b)));
        const auto values = [&](DType dtype, bool exponent) {
          std::vector<Value> result;
          for (const Value value : is_floating(dtype) ? std::vector<Value>{0, 0.5L, 1, 2, 3, 7, 100}
                                                      : integer_samples(dtype))
            if (!exponent || (value >= 0 && value < 20)) result.push_back(value);
          return result;
        };
        const auto values_a = values(dtype_a, false);
        const auto values_b = values(dtype_b, power);
        const Shape shape_a = {static_cast<int64_t>(values_a.size()), 1};
        const Shape shape_b = {static_cast<int64_t>(values_b.size())};
        const Array y = test::same_everywhere([&](const DevicePtr& device) {
          return test.op(test::from_values(values_a, shape_a, dtype_a, device),
                         test::from_values(values_b, shape_b, dtype_b, device));
        });
        ASSERT_EQ(y.dtype(), expected_dtype);
        const Shape shape = {shape_a[0], shape_b[0]};
        ASSERT_EQ(y.shape(), shape);
        const auto reference = [&](Value left, Value right) -> Value {
          if (!is_floating(expected_dtype))
            return wrapped(test.integer(static_cast<__int128>(left), static_cast<__int128>(right)),
                           expected_dtype);
          // Operands enter as f32.
          return test.floating(static_cast<float>(left), static_cast<float>(right));
        };
        const auto actual = test::to_values(y);
        for (size_t i = 0; i < actual.size(); ++i) {
          const Value left = values_a[i / values_b.size()];
          const Value right = values_b[i % values_b.size()];
          Value expected = reference(left, right);
          ASSERT_TRUE(test::close(actual[i], expected, expected_dtype))
              << left << " and " << right << " give " << actual[i] << ", expected " << expected;
        }
      }
}

TEST(Binary, FloatSpecialValues) {
  const std::vector<Value> special = {0.0L,       -0.0L, 1,     -1,    2,    -2,
                                      3,          -3,    0.5L,  -0.5L, 2.5L, kInfinity,
                                      -kInfinity, kNan,  1e30L, 1e-30L};
  const auto n = static_cast<int64_t>(special.size());
  for (const BinaryCase& test : binary_cases()) {
    const Array y = test::same_everywhere([&](const DevicePtr& device) {
      return test.op(test::from_values(special, {n, 1}, DType::f32, device),
                     test::from_values(special, {n}, DType::f32, device));
    });
    const auto actual = test::to_values(y);
    for (size_t i = 0; i < actual.size(); ++i) {
      const float a = static_cast<float>(special[i / special.size()]);
      const float b = static_cast<float>(special[i % special.size()]);
      const auto expected = static_cast<Value>(test.floating(a, b));
      ASSERT_TRUE(test::close(actual[i], expected, DType::f32))
          << test.name << " of " << a << " and " << b << ": " << actual[i] << ", expected "
          << expected;
    }
  }
}

TEST(Binary, PowersAreWithinThreeQuartersOfAnUlp) {
  test::Numbers numbers(11);
  std::vector<Value> bases, exponents;
  const auto add = [&](double base, double exponent) {
    bases.push_back(static_cast<float>(base));
    exponents.push_back(static_cast<float>(exponent));
  };
  for (int i = 0; i < 40000; ++i) {
    const double base = std::exp2(numbers.uniform(-20, 20));
    add(base, numbers.uniform(-6, 6));
    add(-base, std::floor(numbers.uniform(-6, 7)));
    // Close to one with large exponents, and extreme bases with small ones.
    const double near = 1 + numbers.uniform(-0.01, 0.01);
    add(near, numbers.uniform(-80, 80) / std::fabs(near - 1));
    add(std::exp2(numbers.uniform(-126, 127)), numbers.uniform(-1, 1));
  }
  const auto n = static_cast<int64_t>(bases.size());
  const Array y = test::same_everywhere([&](const DevicePtr& device) {
    return ops::power(test::from_values(bases, {n}, DType::f32, device),
                      test::from_values(exponents, {n}, DType::f32, device));
  });
  const auto actual = test::to_values(y);
  Value worst = 0;
  size_t at = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    const Value exact = std::pow(bases[i], exponents[i]);
    if (std::fabs(exact) < 0x1p-126L) {
      ASSERT_LE(std::fabs(actual[i]), 0x1p-126L);
    } else if (std::fabs(exact) >= 0x1.ffffffp127L) {
      ASSERT_TRUE(std::isinf(actual[i])) << bases[i] << "^" << exponents[i];
      ASSERT_EQ(std::signbit(actual[i]), std::signbit(exact));
    } else {
      const Value ulp = std::exp2(std::floor(std::log2(std::fabs(exact))) - 23);
      const Value error = std::fabs(actual[i] - exact) / ulp;
      if (!(error <= worst)) worst = error, at = i;
    }
  }
  EXPECT_LE(worst, 0.75L) << bases[at] << "^" << exponents[at];
  EXPECT_GT(worst, 0.45L);
}

TEST(Binary, PowersThatAreFloatsAreExact) {
  std::vector<Value> bases, exponents, expected;
  for (int base = -40; base <= 40; ++base)
    for (int exponent = -20; exponent <= 30; ++exponent) {
      const Value exact = std::pow(static_cast<Value>(base), static_cast<Value>(exponent));
      if (static_cast<Value>(static_cast<float>(exact)) != exact) continue;
      bases.push_back(base);
      exponents.push_back(exponent);
      expected.push_back(exact);
    }
  for (int root = 1; root < 4096; root += 3) {
    bases.push_back(static_cast<Value>(root) * root);
    exponents.push_back(0.5L);
    expected.push_back(root);
  }
  const auto n = static_cast<int64_t>(bases.size());
  ASSERT_GT(n, 1500);
  const Array y = test::same_everywhere([&](const DevicePtr& device) {
    return ops::power(test::from_values(bases, {n}, DType::f32, device),
                      test::from_values(exponents, {n}, DType::f32, device));
  });
  const auto actual = test::to_values(y);
  for (size_t i = 0; i < actual.size(); ++i)
    ASSERT_EQ(actual[i], expected[i]) << bases[i] << "^" << exponents[i];
}

TEST(Binary, ScalarsTakeTheArraysDtype) {
  const auto& device = test::device();
  const Array half = test::from_values({1, 2, 3}, {3}, DType::bf16, device);
  const Array whole = test::from_values({1, 2, 3}, {3}, DType::i32, device);
  const Array bytes = test::from_values({1, 2, 3}, {3}, DType::u8, device);
  const Array flags = test::from_values({1, 0, 1}, {3}, DType::boolean, device);
  EXPECT_EQ((half * 2.0).dtype(), DType::bf16);
  EXPECT_EQ((half * 2).dtype(), DType::bf16);
  EXPECT_EQ((half * 2).to_floats(), (std::vector<float>{2, 4, 6}));
  // The scalar is rounded to bf16 first: 33.9411 becomes 34.
  EXPECT_EQ((half * std::sqrt(1152.0)).to_floats(), (std::vector<float>{34, 68, 102}));
  EXPECT_EQ((whole * 2).dtype(), DType::i32);
  EXPECT_EQ((whole * 2.5).dtype(), DType::f32);
  EXPECT_EQ((whole * 2.5).to_floats(), (std::vector<float>{2.5F, 5, 7.5F}));
  EXPECT_EQ((2.5 - whole).to_floats(), (std::vector<float>{1.5F, 0.5F, -0.5F}));
  EXPECT_EQ((1 - whole).dtype(), DType::i32);
  EXPECT_EQ((whole / 2).to_floats(), (std::vector<float>{0.5F, 1, 1.5F}));
  EXPECT_EQ((6 / whole).to_floats(), (std::vector<float>{6, 3, 2}));
  EXPECT_EQ((bytes + 255).to_floats(), (std::vector<float>{0, 1, 2}));
  EXPECT_EQ((flags + 1).dtype(), DType::i32);
  EXPECT_EQ((flags * 0.5).dtype(), DType::f32);
  EXPECT_EQ((flags + true).dtype(), DType::boolean);
  EXPECT_EQ((whole + true).to_floats(), (std::vector<float>{2, 3, 4}));
  EXPECT_EQ((-whole).to_floats(), (std::vector<float>{-1, -2, -3}));
  EXPECT_EQ((half + whole).dtype(), DType::bf16);
  EXPECT_EQ(ops::maximum(whole, 2).to_floats(), (std::vector<float>{2, 2, 3}));
  test::expect_error(ErrorCode::invalid_argument, "the scalar 256 does not fit u8",
                     [&] { bytes + 256; });
}

TEST(Binary, ErrorsNameTheOpAndTheShapes) {
  const auto& device = test::device();
  const Array a = Array::zeros({2, 3}, DType::f32, device);
  const Array b = Array::zeros({4}, DType::f32, device);
  const auto expect = [](std::string_view message, const auto& call) {
    test::expect_error(ErrorCode::invalid_argument, message, call);
  };
  expect("add: the shapes [2, 3] and [4] do not broadcast", [&] { ops::add(a, b); });
  expect("less: the shapes [4] and [2, 3] do not broadcast", [&] { ops::less(b, a); });
  expect("where: the shapes [2, 3] and [4] do not broadcast", [&] { ops::where(a, b, 1); });
  expect("mul: both operands are scalars", [&] { ops::mul(1, 2.0); });
  expect("mul: an operand is undefined", [&] { ops::mul(a, Array()); });
  expect("exp: an operand is undefined", [&] { ops::exp(Array()); });
  const Array elsewhere = Array::zeros({2, 3}, DType::f32, Device::cpu({.threads = 1}));
  expect("add: operands [2, 3] and [2, 3] are on two devices", [&] { ops::add(a, elsewhere); });
  const Array flags = Array::zeros({3}, DType::boolean, device);
  expect("sub: not defined for bools, here [3] and [3]", [&] { ops::sub(flags, flags); });
  const Array whole = test::from_values({2, -3}, {2}, DType::i32, device);
  expect("power: an integer to the negative integer power -3", [&] { ops::power(whole, whole); });
}

TEST(Compare, EveryPairOfDtypesAndNan) {
  struct Case {
    Array (*op)(const ops::Operand&, const ops::Operand&);
    bool (*reference)(Value, Value);
  };
  const std::vector<Case> cases = {
      {ops::equal, [](Value a, Value b) { return a == b; }},
      {ops::not_equal, [](Value a, Value b) { return a != b; }},
      {ops::less, [](Value a, Value b) { return a < b; }},
      {ops::less_equal, [](Value a, Value b) { return a <= b; }},
      {ops::greater, [](Value a, Value b) { return a > b; }},
      {ops::greater_equal, [](Value a, Value b) { return a >= b; }},
  };
  for (const Case& test : cases)
    for (const DType dtype_a : test::all_dtypes())
      for (const DType dtype_b : test::all_dtypes()) {
        SCOPED_TRACE(fmt::format("{} {}", to_string(dtype_a), to_string(dtype_b)));
        const auto values = [](DType dtype) {
          return is_floating(dtype) ? std::vector<Value>{0.0L, -0.0L,     1,          -1,  2.5L,
                                                         255,  kInfinity, -kInfinity, kNan}
                                    : integer_samples(dtype);
        };
        const auto values_a = values(dtype_a);
        const auto values_b = values(dtype_b);
        const Array y = test::same_everywhere([&](const DevicePtr& device) {
          return test.op(test::from_values(values_a, {static_cast<int64_t>(values_a.size()), 1},
                                           dtype_a, device),
                         test::from_values(values_b, {static_cast<int64_t>(values_b.size())},
                                           dtype_b, device));
        });
        ASSERT_EQ(y.dtype(), DType::boolean);
        const auto actual = test::to_values(y);
        const bool as_floats = is_floating(dtype_a) || is_floating(dtype_b);
        for (size_t i = 0; i < actual.size(); ++i) {
          Value left = values_a[i / values_b.size()];
          Value right = values_b[i % values_b.size()];
          if (as_floats) left = static_cast<float>(left), right = static_cast<float>(right);
          ASSERT_EQ(actual[i] != 0, test.reference(left, right)) << left << " and " << right;
        }
      }
}

TEST(Compare, LayoutsAndLongRows) {
  for (const Shape& shape : test::odd_shapes())
    for (const Layout layout : test::all_layouts()) {
      SCOPED_TRACE(fmt::format("{} {}", shape, test::name(layout)));
      Array a, b;
      const Array y = test::same_everywhere([&](const DevicePtr& device) {
        test::Numbers numbers(5);
        const auto next = [&] { return std::floor(numbers.uniform(0, 3)); };
        const Array left = test::make_array(layout, shape, DType::bf16, device, next);
        const Array right = test::make_array(Layout::stepped, shape, DType::f32, device, next);
        if (device == test::device()) a = left, b = right;
        return ops::less_equal(left, right);
      });
      test::expect_close(y, broadcast_reference(a, b, shape, [](Value left, Value right) -> Value {
                           return left <= right;
                         }));
    }
}

TEST(Logical, TruthOfAnyDtype) {
  for (const DType dtype : test::all_dtypes()) {
    const Array x = test::from_values({0, 1, 0, 1}, {4}, dtype, test::device());
    const Array y = test::from_values({0, 0, 1, 1}, {4}, DType::u8, test::device());
    EXPECT_EQ(ops::logical_and(x, y).to_vector<bool>(),
              (std::vector<bool>{false, false, false, true}));
    EXPECT_EQ(ops::logical_or(x, y).to_vector<bool>(),
              (std::vector<bool>{false, true, true, true}));
    EXPECT_EQ(ops::logical_xor(x, y).to_vector<bool>(),
              (std::vector<bool>{false, true, true, false}));
    EXPECT_EQ(ops::logical_not(x).to_vector<bool>(), (std::vector<bool>{true, false, true, false}));
    EXPECT_EQ(ops::logical_or(x, true).to_vector<bool>(), std::vector<bool>(4, true));
  }
  // A file's bool may be any byte: 2 and 1 are both true.
  const Array bytes = test::from_values({2, 1, 0}, {3}, DType::u8, test::device());
  const auto raw = bytes.to_vector<uint8_t>();
  const Bytes memory{std::as_bytes(std::span(raw)), nullptr};
  const Array odd = Array::over(memory, {3}, DType::boolean, test::device());
  EXPECT_EQ(
      ops::logical_and(odd, ops::full({3}, true, DType::boolean, test::device())).to_vector<bool>(),
      (std::vector<bool>{true, true, false}));
  EXPECT_EQ(ops::astype(odd, DType::i32).to_vector<int32_t>(), (std::vector<int32_t>{1, 1, 0}));
}

TEST(Where, EveryDtypeLayoutAndBroadcast) {
  for (const DType dtype : test::all_dtypes())
    for (const Layout layout : test::all_layouts()) {
      SCOPED_TRACE(fmt::format("{} {}", to_string(dtype), test::name(layout)));
      Array c, a, b;
      const Shape shape = {3, 5, 7};
      const Array y = test::same_everywhere([&](const DevicePtr& device) {
        test::Numbers numbers(9);
        const auto next = [&] { return std::floor(numbers.uniform(0, 3)); };
        const Array condition = test::make_array(layout, {5, 1}, DType::boolean, device, next);
        const Array left = test::make_array(layout, {3, 5, 7}, dtype, device, next);
        const Array right = test::make_array(layout, {7}, dtype, device, next);
        if (device == test::device()) c = condition, a = left, b = right;
        return ops::where(condition, left, right);
      });
      ASSERT_EQ(y.shape(), shape);
      ASSERT_EQ(y.dtype(), dtype);
      const auto conditions = test::to_values(c), lefts = test::to_values(a),
                 rights = test::to_values(b);
      std::vector<Value> expected;
      for (int64_t i = 0; i < y.size(); ++i)
        expected.push_back(conditions[source_index(shape, c.shape(), i)] != 0
                               ? lefts[source_index(shape, a.shape(), i)]
                               : rights[source_index(shape, b.shape(), i)]);
      test::expect_close(y, expected);
    }
  const Array condition = test::from_values({1, 0}, {2}, DType::f32, test::device());
  EXPECT_EQ(ops::where(condition, 1, 2.5).to_floats(), (std::vector<float>{1, 2.5F}));
  EXPECT_EQ(ops::where(condition, 1, 2).dtype(), DType::i32);
  EXPECT_EQ(ops::where(condition, true, false).dtype(), DType::boolean);
  EXPECT_EQ(
      ops::where(condition, ops::ones_like(ops::astype(condition, DType::bf16)), -INFINITY).dtype(),
      DType::bf16);
}

TEST(Binary, TwoSubnormalsAreZero) {
  const float tiny = 1e-40F;
  for (const DevicePtr& device : test::all_devices()) {
    const Array x = Array::from(std::vector<float>{tiny, tiny}, {2}, device);
    EXPECT_EQ((x + x).to_vector<float>(), (std::vector<float>{0, 0})) << test::name(device);
    EXPECT_EQ((x * 1e10).to_vector<float>(), (std::vector<float>{0, 0})) << test::name(device);
    EXPECT_EQ(ops::power(x, 0.5).to_vector<float>(), (std::vector<float>{0, 0}))
        << test::name(device);
  }
}

}  // namespace
}  // namespace linnet
