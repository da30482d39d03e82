// Attention and rope against plain loops.
#include "ops/attention.hpp"

#include <cmath>
#include <numbers>

#include "ops/rope.hpp"
#include "ops/view.hpp"
#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet::test {
namespace {

Array random_array(const Shape& shape, uint64_t seed, const DevicePtr& device) {
  Numbers random(seed);
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  for (float& v : values) v = static_cast<float>(random.uniform(-1, 1));
  return Array::from(values, shape, device);
}

struct Problem {
  int64_t heads, kv_heads, dim;
  std::vector<int64_t> lengths;
  int64_t window;
};

/// softmax(q k^T * scale) v, row by row in long double.
std::vector<long double> plain(const Problem& p, float scale, const std::vector<float>& q,
                               const std::vector<float>& k, const std::vector<float>& v) {
  std::vector<long double> y(q.size(), 0);
  const auto at = [](const std::vector<float>& x, int64_t row, int64_t heads, int64_t head,
                     int64_t dim, int64_t i) {
    return static_cast<long double>(x[static_cast<size_t>((row * heads + head) * dim + i)]);
  };
  int64_t start = 0;
  for (const int64_t length : p.lengths) {
    for (int64_t t = 0; t < length; ++t)
      for (int64_t h = 0; h < p.heads; ++h) {
        const int64_t kv = h / (p.heads / p.kv_heads);
        const int64_t first = p.window > 0 ? std::max<int64_t>(0, t - p.window + 1) : 0;
        std::vector<long double> weights;
        long double total = 0;
        for (int64_t s = first; s <= t; ++s) {
          long double score = 0;
          for (int64_t i = 0; i < p.dim; ++i)
            score +=
                at(q, start + t, p.heads, h, p.dim, i) * at(k, start + s, p.kv_heads, kv, p.dim, i);
          weights.push_back(std::exp(score * static_cast<long double>(scale)));
          total += weights.back();
        }
        for (int64_t s = first; s <= t; ++s)
          for (int64_t i = 0; i < p.dim; ++i)
            y[static_cast<size_t>(((start + t) * p.heads + h) * p.dim + i)] +=
                weights[static_cast<size_t>(s - first)] / total *
                at(v, start + s, p.kv_heads, kv, p.dim, i);
      }
    start += length;
  }
  return y;
}

TEST(Attention, EqualsAPlainLoopOverHeadsDimsLengthsAndWindows) {
  for (const Problem& p : std::vector<Problem>{{1, 1, 2, {1}, 0},
                                               {4, 1, 18, {5, 40}, 0},
                                               {6, 2, 32, {1, 33, 2}, 7},
                                               {2, 2, 64, {130}, 0},
                                               {3, 1, 48, {300, 129}, 128},
                                               {8, 4, 16, {70, 70, 0, 1}, 16}}) {
    int64_t tokens = 0;
    for (const int64_t length : p.lengths) tokens += length;
    for (const ops::Rounding rounding : {ops::Rounding::none, ops::Rounding::bf16}) {
      std::vector<float> first;
      for (const DevicePtr& device : all_devices()) {
        const Array q = random_array({tokens, p.heads, p.dim}, 1, device);
        const Array k = random_array({tokens, p.kv_heads, p.dim}, 2, device);
        const Array v = random_array({tokens, p.kv_heads, p.dim}, 3, device);
        const auto y = ops::attention(q, k, v, p.lengths,
                                      {.scale = 0.7F, .window = p.window, .rounding = rounding})
                           .to_floats();
        if (first.empty()) {
          first = y;
          const auto expected = plain(p, 0.7F, q.to_floats(), k.to_floats(), v.to_floats());
          // bf16 rounds q, k, v and the weights to 8 bits; scores reach 0.7 * dim / 3.
          const long double allowed = rounding == ops::Rounding::none
                                          ? 4e-6L
                                          : 0.006L * std::sqrt(static_cast<long double>(p.dim));
          for (size_t i = 0; i < y.size(); ++i)
            ASSERT_LE(std::fabs(static_cast<long double>(y[i]) - expected[i]), allowed)
                << "dim " << p.dim << ", element " << i;
        }
        ASSERT_EQ(y, first) << name(device);
      }
    }
  }
}

TEST(Attention, NormsAndRotatesLikeTheSeparateOps) {
  const std::vector<int64_t> lengths{5, 0, 40};
  std::vector<int64_t> positions;
  for (const int64_t length : lengths)
    for (int64_t i = 0; i < length; ++i) positions.push_back(i);
  for (const ops::Rounding rounding : {ops::Rounding::none, ops::Rounding::bf16})
    for (const DevicePtr& device : all_devices()) {
      const Array q = random_array({45, 6, 34}, 1, device);
      const Array k = random_array({45, 2, 34}, 2, device);
      const Array v = random_array({45, 2, 34}, 3, device);
      const ops::RmsTerm q_norm{random_array({34}, 4, device), 1e-5F};
      const ops::RmsTerm k_norm{random_array({34}, 5, device), 1e-6F};
      const auto table =
          ops::rope_table(ops::rope_frequencies({.theta = 10000}, 34), positions, device);
      const auto fused = ops::attention(q, k, v, lengths,
                                        {.scale = 0.7F,
                                         .rounding = rounding,
                                         .q_norm = q_norm,
                                         .k_norm = k_norm,
                                         .rope = &table});
      const auto prepared = [&](const Array& x, const ops::RmsTerm& norm) {
        return ops::rope(ops::rms_norm(x, norm.weight, norm.eps), table);
      };
      const auto apart = ops::attention(prepared(q, q_norm), prepared(k, k_norm), v, lengths,
                                        {.scale = 0.7F, .rounding = rounding});
      EXPECT_TRUE(to_bits(fused) == to_bits(apart)) << name(device);
    }
}

TEST(Attention, ErrorsNameTheShapes) {
  const auto zeros = [](const Shape& shape) { return Array::zeros(shape, DType::f32, device()); };
  const std::vector<int64_t> lengths{2};
  expect_error(ErrorCode::invalid_argument, "[2, 3, 8]", [&] {
    (void)ops::attention(zeros({2, 3, 8}), zeros({2, 2, 8}), zeros({2, 2, 8}), lengths, {});
  });
  expect_error(ErrorCode::invalid_argument, "[2, 2, 4]", [&] {
    (void)ops::attention(zeros({2, 2, 8}), zeros({2, 2, 8}), zeros({2, 2, 4}), lengths, {});
  });
  expect_error(ErrorCode::invalid_argument, "the sequences have 2 rows, q has 3", [&] {
    (void)ops::attention(zeros({3, 2, 8}), zeros({3, 2, 8}), zeros({3, 2, 8}), lengths, {});
  });
  expect_error(ErrorCode::invalid_argument, "k_norm is not f32 [8]", [&] {
    (void)ops::attention(zeros({2, 2, 8}), zeros({2, 2, 8}), zeros({2, 2, 8}), lengths,
                         {.k_norm = {zeros({4}), 0}});
  });
  expect_error(ErrorCode::invalid_argument, "the rope table [3, 4]", [&] {
    const ops::RopeTable table{zeros({3, 4}), zeros({3, 4})};
    (void)ops::attention(zeros({2, 2, 8}), zeros({2, 2, 8}), zeros({2, 2, 8}), lengths,
                         {.rope = &table});
  });
  expect_error(ErrorCode::invalid_argument, "514", [&] {
    (void)ops::attention(zeros({2, 1, 514}), zeros({2, 1, 514}), zeros({2, 1, 514}), lengths, {});
  });
}

// Frequencies as transformers 5.17 computes them for head_dim 8 (its formulas, evaluated in the
// test).
TEST(Rope, PlainAndLinearFrequencies) {
  const auto plain = ops::rope_frequencies({.theta = 10000}, 8).inverse;
  const auto linear =
      ops::rope_frequencies({.type = ops::RopeType::linear, .theta = 10000, .factor = 8}, 8)
          .inverse;
  for (int i = 0; i < 4; ++i) {
    const auto expected = static_cast<float>(std::pow(10000.0, -i / 4.0));
    EXPECT_FLOAT_EQ(plain[static_cast<size_t>(i)], expected);
    EXPECT_FLOAT_EQ(linear[static_cast<size_t>(i)], expected / 8);
  }
}

TEST(Rope, Llama3KeepsShortDividesLongAndBlendsBetween) {
  const ops::RopeParameters p{.type = ops::RopeType::llama3,
                              .theta = 500000,
                              .factor = 8,
                              .low_freq_factor = 1,
                              .high_freq_factor = 4,
                              .original_max_positions = 8192};
  const auto scaled = ops::rope_frequencies(p, 128).inverse;
  int kept = 0;
  int divided = 0;
  for (int i = 0; i < 64; ++i) {
    const double base = std::pow(500000.0, -i / 64.0);
    const double wavelength = 2 * std::numbers::pi / base;
    double expected = base;
    if (wavelength > 8192) {
      expected = base / 8;
      ++divided;
    } else if (wavelength >= 2048) {
      const double smooth = (8192 / wavelength - 1) / 3;
      expected = (1 - smooth) * base / 8 + smooth * base;
    } else {
      ++kept;
    }
    EXPECT_NEAR(scaled[static_cast<size_t>(i)], expected, expected * 2e-7);
  }
  EXPECT_GT(kept, 0);
  EXPECT_GT(divided, 0);
  EXPECT_LT(kept + divided, 64);
}

TEST(Rope, YarnRampsBetweenTheCorrectionDimensions) {
  const ops::RopeParameters p{
      .type = ops::RopeType::yarn, .theta = 10000, .factor = 4, .original_max_positions = 2048};
  const auto yarn = ops::rope_frequencies(p, 64);
  const auto dimension = [](double rotations) {
    return 64 * std::log(2048 / (rotations * 2 * std::numbers::pi)) / (2 * std::log(10000.0));
  };
  const double low = std::floor(dimension(32));
  const double high = std::ceil(dimension(1));
  for (int i = 0; i < 32; ++i) {
    const double base = std::pow(10000.0, -i / 32.0);
    const double ramp = std::clamp((i - low) / (high - low), 0.0, 1.0);
    EXPECT_NEAR(yarn.inverse[static_cast<size_t>(i)], base / 4 * ramp + base * (1 - ramp),
                base * 2e-7);
  }
  EXPECT_FLOAT_EQ(yarn.magnitude, static_cast<float>(0.1 * std::log(4.0) + 1));
  ops::RopeParameters given = p;
  given.attention_factor = 1.5;
  EXPECT_EQ(ops::rope_frequencies(given, 64).magnitude, 1.5F);
  given = p;
  given.mscale = 1;
  given.mscale_all_dim = 0.5;
  EXPECT_FLOAT_EQ(ops::rope_frequencies(given, 64).magnitude,
                  static_cast<float>((0.1 * std::log(4.0) + 1) / (0.05 * std::log(4.0) + 1)));
}

TEST(Rope, RotatesPairsOnEveryDevice) {
  const std::vector<int64_t> positions{0, 1, 7, 100000, 131071};
  for (const int64_t dim : {2, 6, 32, 66}) {
    const auto frequencies = ops::rope_frequencies({.theta = 10000}, dim);
    std::vector<float> first;
    for (const DevicePtr& device : all_devices()) {
      const Array x = random_array({5, 3, dim}, 4, device);
      const auto in = x.to_floats();
      const auto y = ops::rope(x, ops::rope_table(frequencies, positions, device)).to_floats();
      if (first.empty()) first = y;
      ASSERT_EQ(y, first) << name(device);
      for (size_t row = 0; row < 15; ++row)
        for (int64_t i = 0; i < dim / 2; ++i) {
          const auto a = row * static_cast<size_t>(dim) + static_cast<size_t>(i);
          const auto b = a + static_cast<size_t>(dim / 2);
          const float angle =
              static_cast<float>(positions[row / 3]) * frequencies.inverse[static_cast<size_t>(i)];
          const double c = std::cos(static_cast<double>(angle));
          const double s = std::sin(static_cast<double>(angle));
          ASSERT_NEAR(y[a], in[a] * c - in[b] * s, 3e-7);
          ASSERT_NEAR(y[b], in[b] * c + in[a] * s, 3e-7);
        }
    }
  }
}

TEST(Rope, BadParametersAreNamed) {
  expect_error(ErrorCode::invalid_argument, "7", [] { (void)ops::rope_frequencies({}, 7); });
  expect_error(ErrorCode::invalid_argument, "theta",
               [] { (void)ops::rope_frequencies({.theta = 0}, 8); });
  expect_error(ErrorCode::invalid_argument, "factor", [] {
    (void)ops::rope_frequencies({.type = ops::RopeType::linear, .factor = 0}, 8);
  });
  expect_error(ErrorCode::invalid_argument, "original_max_position_embeddings",
               [] { (void)ops::rope_frequencies({.type = ops::RopeType::yarn, .factor = 2}, 8); });
  const auto table =
      ops::rope_table(ops::rope_frequencies({}, 8), std::vector<int64_t>{0, 1}, device());
  expect_error(ErrorCode::invalid_argument, "[3, 1, 8]", [&] {
    (void)ops::rope(Array::zeros({3, 1, 8}, DType::f32, device()), table);
  });
  expect_error(ErrorCode::invalid_argument, "-1", [] {
    (void)ops::rope_table(ops::rope_frequencies({}, 8), std::vector<int64_t>{-1}, device());
  });
}

}  // namespace
}  // namespace linnet::test
