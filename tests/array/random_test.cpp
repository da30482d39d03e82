#include "array/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace linnet {
namespace {

// The known answers that Random123 is published with (kat_vectors).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (RandomWords{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U}));
  EXPECT_EQ(philox({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}),
            (RandomWords{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU}));
  EXPECT_EQ(
      philox({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}, {0xa4093822U, 0x299f31d0U}),
      (RandomWords{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U}));
}

TEST(Philox, BlocksCountInIndexAndStream) {
  const Key key{.seed = 0x299f31d0a4093822U, .stream = 0x0370734413198a2eU};
  EXPECT_EQ(random_block(key, 0x85a308d3243f6a88U),
            (RandomWords{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U}));
}

TEST(Key, SplitsIntoDifferentKeys) {
  std::set<std::pair<uint64_t, uint64_t>> seen;
  for (uint64_t seed = 0; seed < 4; ++seed)
    for (uint64_t stream = 0; stream < 4; ++stream)
      for (uint64_t index = 0; index < 100; ++index) {
        const Key child = split({seed, stream}, index);
        EXPECT_TRUE(seen.insert({child.seed, child.stream}).second);
        EXPECT_EQ(child, split({seed, stream}, index));
      }
  EXPECT_EQ(split({1, 2}, 3), (Key{0xca631e2e4328ee7dU, 0x3e58255ffd3db182U}));
  // Not one of the blocks that the key itself gives.
  const RandomWords words = random_block({1, 2}, 3);
  EXPECT_NE(static_cast<uint32_t>(split({1, 2}, 3).seed), words[0]);
}

TEST(UnitDouble, CoversZeroToBelowOne) {
  EXPECT_EQ(unit_double(0, 0), 0.0);
  EXPECT_EQ(unit_double(~0U, ~0U), 1.0 - 0x1p-53);
  EXPECT_EQ(unit_double(0, 0x80000000U), 0.5);
}

TEST(NormalPair, MatchesTheFormula) {
  EXPECT_EQ(normal_pair(~0U, 5)[0], 0.0);  // the logarithm of 1
  const auto farthest = normal_pair(0, 0);
  EXPECT_NEAR(farthest[0], std::sqrt(64 * std::log(2.0)), 1e-14);
  EXPECT_EQ(farthest[1], 0.0);
  for (uint32_t i = 1; i < 1000; ++i) {
    const uint32_t a = i * 2654435761U;
    const uint32_t b = i * 2246822519U;
    const double radius = std::sqrt(-2 * std::log((a + 1.0) / 4294967296.0));
    const double angle = 2 * std::acos(-1.0) * b / 4294967296.0;
    EXPECT_NEAR(normal_pair(a, b)[0], radius * std::cos(angle), 1e-14);
    EXPECT_NEAR(normal_pair(a, b)[1], radius * std::sin(angle), 1e-14);
  }
}

}  // namespace
}  // namespace linnet
