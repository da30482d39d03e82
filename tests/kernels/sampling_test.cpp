// Weights, nuclei and draws against a full sort, on every instruction set and number of threads.
#include "kernels/sampling.hpp"
#include "support/sanitized.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace linnet::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> normal_logits(size_t count, unsigned seed, float deviation) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> result(count);
  for (float& v : result) v = normal(random);
  return result;
}

struct Case {
  const char* name;
  std::vector<float> logits;
};

std::vector<Case> cases() {
  std::vector<Case> result;
  for (const size_t count : {1, 2, 15, 16, 17, 100, 1025, 5000, test::rounds(70001, 9001)}) {
    const auto seed = static_cast<unsigned>(count);
    result.push_back({"spread", normal_logits(count, seed, 3)});
    result.push_back({"flat", normal_logits(count, seed, 0.01F)});
    result.push_back({"peaked", normal_logits(count, seed, 20)});
    result.push_back({"equal", std::vector<float>(count, -1.5F)});
    Case few{"few values", normal_logits(count, seed, 1)};
    for (float& v : few.logits) v = std::round(2 * v) / 2;
    result.push_back(few);
    Case forbidden{"mostly forbidden", normal_logits(count, seed, 2)};
    for (size_t i = 0; i < count; ++i)
      if (i % 50 != count % 50) forbidden.logits[i] = -kInfinity;
    forbidden.logits[count / 2] = 0.5F;
    result.push_back(forbidden);
    Case close{"neighbours", std::vector<float>(count, 1)};
    for (size_t i = 0; i < count; ++i)
      if (i % 3 == 0) close.logits[i] = std::nextafter(1.0F, i % 2 == 0 ? 2.0F : 0.0F);
    result.push_back(close);
  }
  return result;
}

/// Indices by falling weight; equal ones keep their order.
std::vector<size_t> sorted(const std::vector<float>& weights) {
  std::vector<size_t> order(weights.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return weights[a] > weights[b]; });
  return order;
}

int64_t plain_draw(const std::vector<float>& weights, const std::vector<bool>& kept,
                   double uniform) {
  uint64_t total = 0;
  for (size_t i = 0; i < weights.size(); ++i)
    if (kept[i]) total += weight_units(weights[i]);
  const uint64_t passed =
      std::min(static_cast<uint64_t>(uniform * static_cast<double>(total)), total - 1);
  uint64_t sum = 0;
  for (size_t i = 0; i < weights.size(); ++i)
    if (kept[i] && (sum += weight_units(weights[i])) > passed) return static_cast<int64_t>(i);
  return -1;
}

TEST(Sampling, IsThatOfAFullSort) {
  for (const Case& c : cases()) {
    const auto count = static_cast<int64_t>(c.logits.size());
    SCOPED_TRACE(std::string(c.name) + ", " + std::to_string(count));
    std::vector<float> expected;
    std::vector<size_t> order;
    for (const cpu::Isa isa : cpu::available_isas())
      for (const int threads : {1, 3}) {
        ThreadPool pool(threads);
        const cpu::Context context{pool, isa};
        std::vector<float> weights(c.logits.size());
        std::vector<uint32_t> histogram(static_cast<size_t>(cpu::weight_histogram(context)), 7);
        const uint64_t total = cpu::weights({.logits = c.logits.data(),
                                             .count = count,
                                             .largest = std::ranges::max(c.logits),
                                             .temperature = 0.9F,
                                             .weights = weights.data(),
                                             .histogram = histogram.data()},
                                            context);
        uint64_t sum = 0;
        for (const float w : weights) sum += weight_units(w);
        ASSERT_EQ(total, sum);
        ASSERT_EQ(std::ranges::max(weights), 1);
        if (expected.empty()) {
          expected = weights;
          order = sorted(weights);
        }
        ASSERT_EQ(weights, expected);
        for (const double share : {0.0, 0.05, 0.5, 0.9, 0.999, 1.0}) {
          const uint64_t target = std::clamp<uint64_t>(
              static_cast<uint64_t>(share * static_cast<double>(total)), 1, total);
          const auto room = static_cast<size_t>(cpu::nucleus_workspace(count, context));
          constexpr float kSentinel = 4321;
          std::vector<float> near_weights(room + 1, kSentinel);
          std::vector<int32_t> near_ids(room + 1, 4321);
          const WeightCut cut = cpu::nucleus({.weights = weights.data(),
                                              .count = count,
                                              .histogram = histogram.data(),
                                              .target = target,
                                              .near_weights = near_weights.data(),
                                              .near_ids = near_ids.data()},
                                             context);
          ASSERT_EQ(near_weights.back(), kSentinel);
          ASSERT_EQ(near_ids.back(), 4321);
          size_t kept = 0;
          for (uint64_t reached = 0; reached < target; ++kept)
            reached += weight_units(weights[order[kept]]);
          ASSERT_EQ(cut.last, static_cast<int64_t>(order[kept - 1])) << share;
          ASSERT_EQ(cut.weight, weights[order[kept - 1]]) << share;
          for (const float floor : {0.0F, 0.3F}) {
            std::vector<bool> stays(weights.size());
            for (size_t i = 0; i < kept; ++i) stays[order[i]] = weights[order[i]] >= floor;
            for (const double uniform : {0.0, 0.3, 0.77, 1 - 0x1p-53})
              ASSERT_EQ(cpu::draw({.weights = weights.data(),
                                   .count = count,
                                   .cut = cut,
                                   .floor = floor,
                                   .uniform = uniform},
                                  context),
                        plain_draw(weights, stays, uniform))
                  << share << ", " << floor << ", " << uniform;
          }
        }
      }
  }
}

TEST(Sampling, UnitsAreRoundedDown) {
  EXPECT_EQ(weight_units(1), uint64_t{1} << 36);
  EXPECT_EQ(weight_units(0x1p-36F), 1U);
  EXPECT_EQ(weight_units(0x1.fp-36F), 1U);
  EXPECT_EQ(weight_units(0x1.fp-37F), 0U);
  EXPECT_EQ(weight_units(0), 0U);
}

}  // namespace
}  // namespace linnet::kernels
