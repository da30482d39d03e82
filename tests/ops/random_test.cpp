#include "ops/random.hpp"

#include <algorithm>

#include "ops/row_sweep.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using test::Case;
using test::device;
using test::Values;

/// Runs make(device) everywhere; all results must have the same bytes.
template <class Make>
Array make_everywhere(const Make& make) {
  return test::run_everywhere(
      {"random", DType::f32, [](const DevicePtr& on) { return Array::zeros({1}, DType::f32, on); }},
      [&](const Array& a) { return make(a.device()); });
}

double mean_of(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += double{value};
  return sum / static_cast<double>(values.size());
}
double variance_of(const std::vector<float>& values) {
  const double mean = mean_of(values);
  double sum = 0;
  for (const float value : values) sum += (double{value} - mean) * (double{value} - mean);
  return sum / static_cast<double>(values.size());
}

TEST(Uniform, PinnedValues) {
  const Array x = make_everywhere([](const DevicePtr& on) {
    return ops::uniform({6}, {1, 2}, on);
  });
  const RandomWords first = random_block({1, 2}, 0);
  const RandomWords second = random_block({1, 2}, 1);
  std::vector<float> expected;
  for (const uint32_t word : {first[0], first[1], first[2], first[3], second[0], second[1]})
    expected.push_back(static_cast<float>(word >> 8) / 16777216.0F);
  EXPECT_EQ(x.to_vector<float>(), expected);
  // Another release must not change what a seed gives.
  EXPECT_EQ(expected, (std::vector<float>{0x1.ce6808p-1F, 0x1.19db8ap-1F, 0x1.f838b8p-3F,
                                          0x1.415fap-5F, 0x1.6f6982p-1F, 0x1.b6096p-1F}));
}

TEST(Uniform, StatisticsAndRange) {
  const int64_t n = 200000;
  const Array x = make_everywhere([](const DevicePtr& on) {
    return ops::uniform({n}, {42, 0}, on, {.low = -1, .high = 3});
  });
  const auto values = x.to_vector<float>();
  EXPECT_NEAR(mean_of(values), 1, 0.01);              // standard error 0.0026
  EXPECT_NEAR(variance_of(values), 16.0 / 12, 0.01);  // standard error 0.0027
  std::vector<int> bins(100, 0);
  for (const float value : values) {
    ASSERT_GE(value, -1.0F);
    ASSERT_LT(value, 3.0F);
    ++bins[static_cast<size_t>((value + 1) * 25)];
  }
  double chi_square = 0;
  for (const int count : bins) chi_square += (count - 2000.0) * (count - 2000.0) / 2000;
  EXPECT_LT(chi_square, 149);  // 99 degrees of freedom: 0.1 %
  EXPECT_GT(chi_square, 60);   // and not too good to be true
  // Neighbours are independent.
  double product = 0;
  for (size_t i = 1; i < values.size(); ++i)
    product += (double{values[i]} - 1) * (double{values[i - 1]} - 1);
  EXPECT_NEAR(product / static_cast<double>(n), 0, 0.012);
}

TEST(Uniform, NeverReachesTheUpperEnd) {
  // Between 1 and the next float every u above a half would round to the end.
  const float next = std::nextafter(1.0F, 2.0F);
  const auto values = ops::uniform({64}, {3, 3}, device(), {.low = 1, .high = next});
  for (const float value : values.to_vector<float>()) EXPECT_EQ(value, 1.0F);
}

TEST(Normal, PinnedValues) {
  const Array x = make_everywhere([](const DevicePtr& on) {
    return ops::normal({5}, {1, 2}, on, {.mean = 1, .stddev = 2});
  });
  const RandomWords a = random_block({1, 2}, 0);
  const RandomWords b = random_block({1, 2}, 1);
  const auto first = normal_pair(a[0], a[1]);
  const auto second = normal_pair(a[2], a[3]);
  const auto third = normal_pair(b[0], b[1]);
  std::vector<float> expected;
  for (const double z : {first[0], first[1], second[0], second[1], third[0]})
    expected.push_back(static_cast<float>(1 + 2 * z));
  EXPECT_EQ(x.to_vector<float>(), expected);
  EXPECT_EQ(expected, (std::vector<float>{0x1.2360d2p-3F, 0x1.6fc5f8p-1F, 0x1.0fd47ep+2F,
                                          0x1.d12a88p+0F, 0x1.00621ap+1F}));
}

TEST(Normal, Statistics) {
  const int64_t n = 200000;
  const Array x = make_everywhere([](const DevicePtr& on) {
    return ops::normal({2, n / 2}, {7, 1}, on, {.mean = -2, .stddev = 0.5F});
  });
  const auto values = x.to_vector<float>();
  EXPECT_NEAR(mean_of(values), -2, 0.005);        // standard error 0.0011
  EXPECT_NEAR(variance_of(values), 0.25, 0.004);  // standard error 0.0008
  // Chi-square over 40 bins of equal probability.
  std::vector<int> bins(40, 0);
  for (const float value : values) {
    const double z = (double{value} + 2) / 0.5;
    const double p = 0.5 * std::erfc(-z / std::sqrt(2.0));
    ++bins[static_cast<size_t>(std::min(p * 40, 39.0))];
  }
  double chi_square = 0;
  for (const int count : bins) chi_square += (count - 5000.0) * (count - 5000.0) / 5000;
  EXPECT_LT(chi_square, 72);  // 39 degrees of freedom: 0.1 %
  EXPECT_GT(chi_square, 16);
}

TEST(Random, SixteenBitTypesAreTheRoundedFloats) {
  for (const DType dtype : {DType::bf16, DType::f16}) {
    const auto uniform = ops::uniform({99}, {5, 6}, device()).to_vector<float>();
    const auto narrow = ops::uniform({99}, {5, 6}, device(), {.dtype = dtype});
    const auto normal = ops::normal({99}, {5, 6}, device()).to_vector<float>();
    const auto narrow_normal = ops::normal({99}, {5, 6}, device(), {.dtype = dtype});
    EXPECT_EQ(narrow.dtype(), dtype);
    for (size_t i = 0; i < 99; ++i) {
      EXPECT_EQ(narrow.to_floats()[i], test::rounded(uniform[i], dtype));
      EXPECT_EQ(narrow_normal.to_floats()[i], test::rounded(normal[i], dtype));
    }
  }
}

TEST(Random, ElementsDoNotDependOnTheShape) {
  const auto few = ops::normal({3}, {9, 9}, device()).to_vector<float>();
  const auto many = ops::normal({50, 7}, {9, 9}, device()).to_vector<float>();
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
  EXPECT_NE(few, ops::normal({3}, {9, 10}, device()).to_vector<float>());
  EXPECT_NE(few, ops::normal({3}, {10, 9}, device()).to_vector<float>());
  EXPECT_EQ(ops::uniform({0, 3}, {}, device()).shape(), (Shape{0, 3}));
  EXPECT_EQ(ops::normal({}, {}, device()).size(), 1);
}

/// What categorical documents, in plain loops with the standard exp.
int64_t draw(const std::vector<float>& logits, double uniform) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  double total = 0;
  for (const float x : logits) total += std::exp(double{x} - double{largest});
  double running = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    running += std::exp(double{logits[i]} - double{largest});
    if (running > uniform * total) return static_cast<int64_t>(i);
  }
  return -1;
}

TEST(Categorical, MatchesAPlainLoop) {
  for (const DType dtype : test::floating_dtypes())
    for (const Case& c : test::cases_of(dtype, Values::spread)) {
      SCOPED_TRACE(c.name);
      const Key key{11, static_cast<uint64_t>(dtype)};
      const Array drawn =
          test::run_everywhere(c, [&](const Array& a) { return ops::categorical(a, key); });
      const Array x = c.make(device());
      Shape shape = x.shape();
      shape.erase(shape.rank() - 1);
      ASSERT_EQ(drawn.shape(), shape);
      const auto found = drawn.to_vector<int64_t>();
      const auto rows = test::rows_of(x.shape(), {x.rank() - 1});
      const auto values = x.to_floats();
      for (size_t row = 0; row < rows.size(); ++row) {
        const RandomWords words = random_block(key, row);
        // With another exp a draw may fall on the other side of a boundary, once in 10^6.
        ASSERT_EQ(found[row], draw(test::pick(values, rows[row]), unit_double(words[0], words[1])));
      }
    }
}

TEST(Categorical, PinnedValues) {
  std::vector<float> logits(50);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i) * 0.03F;
  const Array drawn = make_everywhere([&](const DevicePtr& on) {
    return ops::categorical(Array::from(logits, {50}, on).with_layout({12, 50}, {0, 1}, 0), {1, 2});
  });
  EXPECT_EQ(drawn.to_vector<int64_t>(),
            (std::vector<int64_t>{35, 46, 26, 29, 17, 40, 36, 33, 39, 6, 40, 17}));
}

TEST(Categorical, FollowsTheProbabilities) {
  const int64_t n = 40000;
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> logits(19);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i % 5) * 0.7F;
  logits[4] = logits[17] = -infinity;
  const Array drawn = make_everywhere([&](const DevicePtr& on) {
    return ops::categorical(Array::from(logits, {19}, on).with_layout({n, 19}, {0, 1}, 0), {5, 5});
  });
  std::vector<int> counts(19, 0);
  for (const int64_t index : drawn.to_vector<int64_t>()) ++counts[static_cast<size_t>(index)];
  double total = 0;
  for (const float x : logits) total += std::exp(double{x});
  double chi_square = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double expected = static_cast<double>(n) * std::exp(double{logits[i]}) / total;
    if (expected == 0)
      EXPECT_EQ(counts[i], 0);
    else
      chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  EXPECT_LT(chi_square, 39);  // 16 degrees of freedom: 0.1 %
  EXPECT_GT(chi_square, 3);
}

TEST(Categorical, OneChoiceAndErrors) {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> row(40, -infinity);
  for (const size_t only : {size_t{0}, size_t{15}, size_t{16}, size_t{39}}) {
    std::fill(row.begin(), row.end(), -infinity);
    row[only] = -1e30F;
    const Array x = Array::from(row, {40}, device()).with_layout({50, 40}, {0, 1}, 0);
    for (const int64_t index : ops::categorical(x, {}).to_vector<int64_t>())
      EXPECT_EQ(index, static_cast<int64_t>(only));
  }
  using test::expect_error;
  const auto bad = ErrorCode::invalid_argument;
  for (const float wrong : {std::nanf(""), infinity, -infinity}) {
    const Array x = Array::from<float>({0, 0, 0, -infinity, -infinity, wrong}, {2, 3}, device());
    expect_error(bad, "categorical: row 1 of logits [2, 3] has NaN",
                 [&] { ops::categorical(x, {}); });
  }
  expect_error(bad, "categorical: logits is f32 [2, 0]", [] {
    ops::categorical(Array::zeros({2, 0}, DType::f32, device()), {});
  });
  expect_error(bad, "categorical: logits is i32 [2]",
               [] { ops::categorical(Array::zeros({2}, DType::i32, device()), {}); });
  expect_error(bad, "uniform: the range is 1..1 for shape [2]",
               [] { ops::uniform({2}, {}, device(), {.low = 1, .high = 1}); });
  expect_error(bad, "uniform: dtype is i32",
               [] { ops::uniform({2}, {}, device(), {.dtype = DType::i32}); });
  expect_error(bad, "normal: mean 0 and standard deviation -1",
               [] { ops::normal({2}, {}, device(), {.stddev = -1}); });
  expect_error(bad, "normal: dtype is bool",
               [] { ops::normal({2}, {}, device(), {.dtype = DType::boolean}); });
}

}  // namespace
}  // namespace linnet
