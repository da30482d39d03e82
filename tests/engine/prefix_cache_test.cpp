// Prefixes that are kept: found by their tokens, shared, bounded, and gone when they are let go.
#include "engine/prefix_cache.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

#include "engine/kv_sequence.hpp"

namespace linnet::engine {
namespace {

using kernels::kBlockTokens;
using Ids = std::vector<int32_t>;

constexpr kernels::KvLayout kLayout{.dtype = DType::bf16, .kv_heads = 1, .head_dim = 32};
constexpr int64_t kStep = 64;

class PrefixCacheTest : public testing::Test {
 protected:
  /// A sequence of these ids, as a scheduler would compute it: what the cache has is not computed,
  /// the rest is marked with its position.
  struct Computed {
    std::unique_ptr<KvSequence> sequence;
    int64_t cached = 0;
  };
  Computed compute(PrefixCache& cache, const Ids& ids) {
    const auto length = static_cast<int64_t>(ids.size());
    Computed result{
        std::make_unique<KvSequence>(pool_, length + 1, kStep, KvSequence::Reserve::nothing)};
    KvSequence& sequence = *result.sequence;
    result.cached = cache.fill(sequence, ids);
    EXPECT_EQ(sequence.length(), result.cached);
    while (sequence.length() < length) {
      const int64_t start = sequence.length();
      const int64_t step = std::min(kStep, length - start);
      const auto groups = sequence.extend(step, 0);
      for (size_t g = 0; g < groups.size(); ++g)
        for (int64_t p = start; p < start + step; ++p)
          groups[g].blocks[p / kBlockTokens][p % kBlockTokens] = mark(ids, p);
      cache.keep(sequence, std::span(ids).first(static_cast<size_t>(start + step)),
                 start / kBlockTokens);
      sequence.advance(step);
    }
    return result;
  }

  static std::byte mark(const Ids& ids, int64_t position) {
    return static_cast<std::byte>(ids[static_cast<size_t>(position)] * 7 + position);
  }

  /// Whether the tables hold what the ids say, for all positions that the next token sees.
  void expect_right(const Computed& computed, const Ids& ids) {
    KvSequence& sequence = *computed.sequence;
    const int64_t length = sequence.length();
    const auto groups = sequence.extend(1, 0);
    for (size_t g = 0; g < groups.size(); ++g) {
      const int64_t window = pool_.groups()[g].window;
      for (int64_t p = window == 0 ? 0 : std::max<int64_t>(0, length - window + 1); p < length; ++p)
        ASSERT_EQ(groups[g].blocks[p / kBlockTokens][p % kBlockTokens], mark(ids, p))
            << "group " << g << ", position " << p;
    }
  }

  static Ids random_ids(size_t count, unsigned seed) {
    std::mt19937 random(seed);
    Ids ids(count);
    for (int32_t& id : ids) id = static_cast<int32_t>(random() % 100);
    return ids;
  }

  DevicePtr device_ = Device::cpu({.threads = 1});
  KvPool pool_{device_,
               {{.window = 0, .layers = 2, .layout = kLayout},
                {.window = 48, .layers = 2, .layout = kLayout}}};
  int64_t block_ = pool_.block_bytes(0) + pool_.block_bytes(1);
};

TEST_F(PrefixCacheTest, TheLongestPrefixOfFullBlocksIsFound) {
  PrefixCache cache(pool_, 100 * block_);
  const Ids ids = random_ids(200, 1);
  EXPECT_EQ(compute(cache, ids).cached, 0);
  EXPECT_EQ(cache.blocks(), 6);
  EXPECT_EQ(cache.bytes(), 6 * block_);
  for (const size_t same : {0, 1, 31, 32, 33, 64, 100, 150, 191, 192, 200}) {
    Ids other = random_ids(250, 2);
    std::copy_n(ids.begin(), same, other.begin());
    if (same < ids.size()) other[same] = ids[same] + 1;
    const Computed computed = compute(cache, other);
    EXPECT_EQ(computed.cached, static_cast<int64_t>(same) / 32 * 32) << same;
    expect_right(computed, other);
  }
}

TEST_F(PrefixCacheTest, OneTokenIsLeftToBeComputed) {
  PrefixCache cache(pool_, 100 * block_);
  const Ids ids = random_ids(128, 1);
  compute(cache, ids);
  EXPECT_EQ(compute(cache, ids).cached, 96);
  EXPECT_EQ(compute(cache, Ids(ids.begin(), ids.begin() + 97)).cached, 96);
  EXPECT_EQ(compute(cache, Ids(ids.begin(), ids.begin() + 96)).cached, 64);
  EXPECT_EQ(compute(cache, {ids[0]}).cached, 0);
}

TEST_F(PrefixCacheTest, BlocksAreSharedAndComeBack) {
  {
    PrefixCache cache(pool_, 100 * block_);
    const Ids ids = random_ids(320, 1);
    {
      const Computed first = compute(cache, ids);
      const int64_t one = pool_.blocks_in_use();
      const Computed second = compute(cache, ids);
      EXPECT_LE(pool_.blocks_in_use(), one + 4) << "only the last block is its own";
      expect_right(first, ids);
      expect_right(second, ids);
    }
    EXPECT_EQ(pool_.blocks_in_use(), 20) << "ten blocks of two groups";
  }
  EXPECT_EQ(pool_.blocks_in_use(), 0);
  EXPECT_EQ(device_->memory().stats().active_bytes, 0);
}

TEST_F(PrefixCacheTest, TheLeastRecentlyUsedGoesFirstAndTheLongestOfIt) {
  PrefixCache cache(pool_, 6 * block_);
  const Ids a = random_ids(100, 1);
  const Ids b = random_ids(100, 2);
  const Ids c = random_ids(70, 3);
  compute(cache, a);
  compute(cache, b);
  EXPECT_EQ(cache.blocks(), 6);
  EXPECT_EQ(compute(cache, a).cached, 96);  // b is the older one now
  compute(cache, c);
  EXPECT_EQ(cache.blocks(), 6);
  EXPECT_EQ(compute(cache, c).cached, 64);
  EXPECT_EQ(compute(cache, a).cached, 96);
  EXPECT_EQ(compute(cache, Ids(b.begin(), b.begin() + 40)).cached, 32) << "its first block is left";
  EXPECT_TRUE(cache.evict_one());
  EXPECT_EQ(cache.blocks(), 5);
  while (cache.evict_one()) {
  }
  EXPECT_EQ(cache.bytes(), 0);
  EXPECT_EQ(compute(cache, a).cached, 0);
}

TEST_F(PrefixCacheTest, ItsBudgetIsNeverPassed) {
  for (const int64_t blocks : {0, 1, 2, 5}) {
    PrefixCache cache(pool_, blocks * block_ + block_ / 2);
    std::mt19937 random(3);
    for (unsigned round = 0; round < 60; ++round) {
      Ids ids = random_ids(1 + random() % 300, 5);  // all begin alike
      if (round % 3 == 0) ids[random() % ids.size()] += 1;
      const Computed computed = compute(cache, ids);
      expect_right(computed, ids);
      ASSERT_LE(cache.bytes(), blocks * block_ + block_ / 2);
    }
    EXPECT_EQ(cache.blocks(), blocks);
  }
}

TEST_F(PrefixCacheTest, AChainThatHasBrokenIsNotContinued) {
  PrefixCache cache(pool_, 100 * block_);
  const Ids ids = random_ids(256, 1);
  KvSequence sequence(pool_, 300, kStep);
  sequence.extend(kStep, 0);
  cache.keep(sequence, std::span(ids).first(64), 0);
  sequence.advance(kStep);
  EXPECT_TRUE(cache.evict_one());  // of two
  sequence.extend(kStep, 0);
  cache.keep(sequence, std::span(ids).first(128), 2);
  sequence.advance(kStep);
  EXPECT_EQ(cache.blocks(), 1);
}

}  // namespace
}  // namespace linnet::engine
