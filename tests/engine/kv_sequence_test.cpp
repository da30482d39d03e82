// Block tables: how many blocks, which of them are there, and that all of them come back.
#include "engine/kv_sequence.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <set>

#include "support/expect_error.hpp"

namespace linnet {
namespace {

using engine::KvPool;
using engine::KvSequence;
using kernels::kBlockTokens;

constexpr kernels::KvLayout kLayout{.dtype = DType::bf16, .kv_heads = 1, .head_dim = 32};

DevicePtr small_device(int64_t limit = 0) {
  return Device::cpu({.threads = 1, .memory_limit = limit});
}

std::vector<nn::CacheGroup> groups_of(const std::vector<int64_t>& windows) {
  std::vector<nn::CacheGroup> result;
  for (const int64_t window : windows)
    result.push_back({.window = window, .layers = 2, .layout = kLayout});
  return result;
}

bool all_bytes_are(const std::byte* block, int64_t bytes, std::byte value) {
  return std::all_of(block, block + bytes, [&](std::byte b) { return b == value; });
}

TEST(KvSequence, BlocksNeeded) {
  // Full attention: what the tokens fill.
  EXPECT_EQ(KvSequence::blocks_needed(0, 1, 512), 1);
  EXPECT_EQ(KvSequence::blocks_needed(0, 32, 512), 1);
  EXPECT_EQ(KvSequence::blocks_needed(0, 33, 512), 2);
  EXPECT_EQ(KvSequence::blocks_needed(0, 131072, 512), 4096);
  // A window: no more than full attention, and constant however long the sequence gets.
  EXPECT_EQ(KvSequence::blocks_needed(1024, 100, 512), 4);
  EXPECT_EQ(KvSequence::blocks_needed(1, 1000, 1), 2);
  EXPECT_EQ(KvSequence::blocks_needed(33, 1000, 1), 3);
  EXPECT_EQ(KvSequence::blocks_needed(1024, 131072, 512), 49);
  EXPECT_EQ(KvSequence::blocks_needed(1024, 1 << 22, 512), 49);
}

// Steps of every kind over windows of every kind: what a row can see is always there, what none can
// see is given back, and the blocks held never change in number.
TEST(KvSequence, HoldsWhatCanBeSeenAndNothingBehindTheWindow) {
  std::mt19937 random(1);
  for (const int64_t window : {1, 2, 16, 31, 32, 33, 64, 100})
    for (const int64_t max_step : {1, 5, 32, 70}) {
      const DevicePtr device = small_device();
      KvPool pool(device, groups_of({0, window}));
      constexpr int64_t kTokens = 300;
      KvSequence sequence(pool, kTokens, max_step);
      const int64_t held = pool.blocks_in_use();
      ASSERT_EQ(held, KvSequence::blocks_needed(0, kTokens, max_step) +
                          KvSequence::blocks_needed(window, kTokens, max_step));
      while (sequence.length() < kTokens) {
        const int64_t start = sequence.length();
        const int64_t step = std::min<int64_t>(
            1 + static_cast<int64_t>(random() % static_cast<unsigned>(max_step)), kTokens - start);
        const auto groups = sequence.extend(step, 7);
        ASSERT_EQ(groups.size(), 2U);
        for (size_t g = 0; g < 2; ++g) {
          SCOPED_TRACE(fmt::format("window {}, steps up to {}, {} tokens after {}, group {}",
                                   window, max_step, step, start, g));
          EXPECT_EQ(groups[g].first_row, 7);
          EXPECT_EQ(groups[g].rows, step);
          EXPECT_EQ(groups[g].first_position, start);
          const int64_t oldest = g == 0 ? 0 : std::max<int64_t>(0, start - window + 1);
          std::set<const std::byte*> distinct;
          for (int64_t block = 0; block * kBlockTokens < start + step; ++block) {
            const std::byte* there = groups[g].blocks[block];
            const bool visible = (block + 1) * kBlockTokens > oldest;
            ASSERT_EQ(there != nullptr, visible) << "block " << block;
            if (!visible) continue;
            ASSERT_TRUE(distinct.insert(there).second) << "block " << block;
          }
        }
        sequence.advance(step);
        ASSERT_EQ(sequence.length(), start + step);
        ASSERT_EQ(pool.blocks_in_use(), held);
      }
    }
}

TEST(KvSequence, GivesEverythingBack) {
  const DevicePtr device = small_device();
  KvPool pool(device, groups_of({0, 48}));
  const int64_t before = device->memory().stats().active_bytes;
  {
    KvSequence one(pool, 200, 64);
    KvSequence other(pool, 100, 64);
    const int64_t both = pool.blocks_in_use();
    {
      KvSequence third(pool, 100, 64);
      EXPECT_GT(pool.blocks_in_use(), both);
    }
    EXPECT_EQ(pool.blocks_in_use(), both);
    for (int i = 0; i < 100; ++i) {
      one.extend(1, 0);
      one.advance(1);
    }
    const auto a = one.extend(1, 0);
    const auto b = other.extend(64, 1);
    EXPECT_NE(a[0].blocks[0], b[0].blocks[0]) << "two sequences, two blocks";
    // A block of 32 tokens of a group: two layers.
    const int64_t bytes = MemoryPool::class_bytes(2 * kLayout.block_bytes());
    EXPECT_EQ(device->memory().stats().active_bytes, before + both * bytes);
  }
  EXPECT_EQ(pool.blocks_in_use(), 0);
  EXPECT_EQ(device->memory().stats().active_bytes, before);
}

TEST(KvSequence, BlocksAreZeroedForEveryNewUse) {
  const DevicePtr device = small_device();
  KvPool pool(device, groups_of({0, 32}));
  const int64_t bytes = pool.groups()[0].block_bytes();
  const auto fill = [&](const kernels::KvSequence& group, int64_t block) {
    std::memset(group.blocks[block], 0xff, static_cast<size_t>(bytes));  // bf16 and f32 NaN
  };
  {
    KvSequence sequence(pool, 64, 64);
    const auto groups = sequence.extend(64, 0);
    for (const auto& group : groups)
      for (const int64_t block : {0, 1}) fill(group, block);
  }
  KvSequence sequence(pool, 400, 32);
  for (int64_t block = 0; sequence.length() < 384; ++block) {
    const auto groups = sequence.extend(32, 0);
    for (const auto& group : groups) {
      EXPECT_TRUE(all_bytes_are(group.blocks[block], bytes, std::byte{0})) << "block " << block;
      fill(group, block);
    }
    sequence.advance(32);
  }
}

TEST(KvSequence, OutOfMemoryLeavesNothingBehind) {
  const int64_t block = MemoryPool::class_bytes(2 * kLayout.block_bytes());
  // Nine blocks, six of them taken: the second group fails for 64 and 96 tokens, the first for
  // more.
  const DevicePtr device = small_device(9 * block);
  KvPool pool(device, groups_of({0, 1}));
  {
    KvSequence fits(pool, 4 * 32, 32);  // 4 + 2
    EXPECT_EQ(pool.blocks_in_use(), 6);
    for (const int64_t tokens : {64, 96, 128, 3200}) {
      test::expect_error(ErrorCode::out_of_memory, "budget", [&] { KvSequence(pool, tokens, 32); });
      EXPECT_EQ(pool.blocks_in_use(), 6) << tokens;
      EXPECT_EQ(device->memory().stats().active_bytes, 6 * block) << tokens;
    }
    KvSequence small(pool, 32, 32);  // 1 + 1
    EXPECT_EQ(pool.blocks_in_use(), 8);
  }
  EXPECT_EQ(pool.blocks_in_use(), 0);
  EXPECT_EQ(device->memory().stats().active_bytes, 0);
  // What was given back serves other sizes too.
  EXPECT_NO_THROW(Array::empty({9 * block / 4}, DType::f32, device));
}

TEST(KvSequence, LeavesTheWorkspaceFree) {
  const int64_t block = MemoryPool::class_bytes(2 * kLayout.block_bytes());
  const DevicePtr device = small_device(10 * block);
  const Array weights = Array::empty({block}, DType::u8, device);
  KvPool pool(device, groups_of({0}), 3 * block);  // six blocks are left
  test::expect_error(ErrorCode::out_of_memory, "workspace leave",
                     [&] { KvSequence(pool, 7 * 32, 32); });
  EXPECT_EQ(pool.blocks_in_use(), 0);
  KvSequence four(pool, 4 * 32, 32);
  // A forward pass that uses its workspace meanwhile changes nothing.
  const Array workspace = Array::empty({3 * block}, DType::u8, device);
  KvSequence two(pool, 2 * 32, 32);
  test::expect_error(ErrorCode::out_of_memory, "workspace leave", [&] { KvSequence(pool, 1, 1); });
  EXPECT_EQ(pool.blocks_in_use(), 6);
}

TEST(KvSequence, RefusesStepsItWasNotMadeFor) {
  const DevicePtr device = small_device();
  KvPool pool(device, groups_of({0}));
  KvSequence sequence(pool, 40, 16);
  test::expect_error(ErrorCode::internal, "17 tokens", [&] { sequence.extend(17, 0); });
  test::expect_error(ErrorCode::internal, "0 tokens", [&] { sequence.extend(0, 0); });
  for (int i = 0; i < 2; ++i) {
    sequence.extend(16, 0);
    sequence.advance(16);
  }
  test::expect_error(ErrorCode::internal, "9 tokens after 32", [&] { sequence.extend(9, 0); });
  EXPECT_NO_THROW(sequence.extend(8, 0));
}

// A step that is prepared again (its forward pass failed) finds the same blocks.
TEST(KvSequence, ExtendWithoutAdvanceCanBeRepeated) {
  const DevicePtr device = small_device();
  KvPool pool(device, groups_of({0, 8}));
  KvSequence sequence(pool, 100, 64);
  const auto first = sequence.extend(40, 0);
  const std::byte* block = first[0].blocks[1];
  const auto again = sequence.extend(40, 0);
  EXPECT_EQ(again[0].blocks[1], block);
  EXPECT_EQ(sequence.length(), 0);
}

}  // namespace
}  // namespace linnet
