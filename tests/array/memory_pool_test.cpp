#include "array/memory_pool.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "array/array.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using test::expect_error;

constexpr int64_t kMiB = int64_t{1} << 20;

TEST(MemoryPool, CountsActivePeakAndCached) {
  MemoryPool pool(64 * kMiB, 8 * kMiB);
  std::byte* a = pool.allocate(1000);
  std::byte* b = pool.allocate(kMiB);
  EXPECT_EQ(pool.stats().active_bytes, 1024 + kMiB);
  EXPECT_EQ(pool.stats().system_allocations, 2);
  pool.release(b, kMiB);
  EXPECT_EQ(pool.stats().active_bytes, 1024);
  EXPECT_EQ(pool.stats().cached_bytes, kMiB);
  EXPECT_EQ(pool.stats().peak_bytes, 1024 + kMiB);
  EXPECT_EQ(pool.stats().limit_bytes, 64 * kMiB);
  pool.reset_peak();
  EXPECT_EQ(pool.stats().peak_bytes, 1024);
  EXPECT_EQ(pool.allocate(kMiB), b);  // the same block again
  EXPECT_EQ(pool.stats().system_allocations, 2);
  EXPECT_EQ(pool.stats().cached_bytes, 0);
  pool.release(a, 1000);
  pool.release(b, kMiB);
  pool.clear_cache();
  EXPECT_EQ(pool.stats().cached_bytes, 0);
  EXPECT_EQ(pool.stats().active_bytes, 0);
}

TEST(MemoryPool, SizeClassesWasteAtMostAnEighth) {
  EXPECT_EQ(MemoryPool::class_bytes(1), 64);
  EXPECT_EQ(MemoryPool::class_bytes(64), 64);
  EXPECT_EQ(MemoryPool::class_bytes(65), 128);
  EXPECT_EQ(MemoryPool::class_bytes(4096), 4096);
  EXPECT_EQ(MemoryPool::class_bytes(4097), 4608);
  EXPECT_EQ(MemoryPool::class_bytes(8192), 8192);
  int64_t before = 0;
  for (int64_t bytes = 1; bytes < 300000; bytes += bytes < 10000 ? 1 : 97) {
    const int64_t size = MemoryPool::class_bytes(bytes);
    ASSERT_GE(size, bytes);
    ASSERT_GE(size, before);
    ASSERT_EQ(size % 64, 0);
    ASSERT_EQ(MemoryPool::class_bytes(size), size);
    if (bytes > 4096) {
      ASSERT_LE(size - bytes, bytes / 8);
    }
    before = size;
  }
}

TEST(MemoryPool, BlocksAreAlignedAndWhole) {
  MemoryPool pool(64 * kMiB, 0);
  for (const int64_t bytes : {int64_t{1}, int64_t{63}, int64_t{65}, int64_t{5000}, 2 * kMiB - 1,
                              2 * kMiB, 3 * kMiB + 1}) {
    std::byte* block = pool.allocate(bytes);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % (bytes >= 2 * kMiB - 1 ? 2 * kMiB : 64), 0U)
        << bytes;
    std::memset(block, 0xff, static_cast<size_t>(bytes));
    pool.release(block, bytes);
  }
  EXPECT_EQ(pool.allocate(0), nullptr);
  pool.release(nullptr, 0);
  EXPECT_EQ(pool.stats().active_bytes, 0);
  EXPECT_EQ(pool.stats().cached_bytes, 0);  // cache_limit 0 keeps nothing
}

TEST(MemoryPool, TheLimitHoldsWithTheCacheIncluded) {
  MemoryPool pool(10 * kMiB, 10 * kMiB);
  std::byte* a = pool.allocate(4 * kMiB);
  std::byte* b = pool.allocate(4 * kMiB);
  expect_error(ErrorCode::out_of_memory,
               "4194304 bytes asked for, 8388608 active, the budget is 10485760",
               [&] { pool.allocate(4 * kMiB); });
  EXPECT_EQ(pool.stats().active_bytes, 8 * kMiB);  // a failure changes nothing
  EXPECT_EQ(pool.stats().peak_bytes, 8 * kMiB);
  pool.release(a, 4 * kMiB);
  pool.release(b, 4 * kMiB);
  EXPECT_EQ(pool.stats().cached_bytes, 8 * kMiB);
  // Another class does not fit beside the cache, so the cache goes.
  std::byte* c = pool.allocate(9 * kMiB);
  EXPECT_EQ(pool.stats().cached_bytes, 0);
  pool.release(c, 9 * kMiB);
  pool.set_limit(kMiB);
  expect_error(ErrorCode::out_of_memory, "the budget is 1048576", [&] { pool.allocate(2 * kMiB); });
  expect_error(ErrorCode::invalid_argument, "cannot allocate -1 bytes", [&] { pool.allocate(-1); });
  expect_error(ErrorCode::invalid_argument, "a memory budget of 0 bytes",
               [&] { pool.set_limit(0); });
  expect_error(ErrorCode::invalid_argument, "a memory budget of -5 bytes",
               [] { MemoryPool(-5, 0); });
}

TEST(MemoryPool, TheCacheKeepsToItsLimit) {
  MemoryPool pool(64 * kMiB, 3 * kMiB);
  std::vector<std::byte*> blocks;
  for (int i = 0; i < 6; ++i) blocks.push_back(pool.allocate(kMiB));
  for (std::byte* block : blocks) pool.release(block, kMiB);
  EXPECT_EQ(pool.stats().cached_bytes, 3 * kMiB);
  for (std::byte*& block : blocks) block = pool.allocate(kMiB);
  EXPECT_EQ(pool.stats().system_allocations, 9);
  for (std::byte* block : blocks) pool.release(block, kMiB);
}

TEST(MemoryPool, ExternalBytesCount) {
  MemoryPool pool(10 * kMiB, 0);
  pool.add_external(8 * kMiB);
  EXPECT_EQ(pool.stats().active_bytes, 8 * kMiB);
  EXPECT_EQ(pool.stats().peak_bytes, 8 * kMiB);
  expect_error(ErrorCode::out_of_memory, "the budget", [&] { pool.allocate(3 * kMiB); });
  expect_error(ErrorCode::out_of_memory, "the budget", [&] { pool.add_external(3 * kMiB); });
  pool.remove_external(8 * kMiB);
  EXPECT_EQ(pool.stats().active_bytes, 0);
}

TEST(MemoryPool, ARepeatingLoopTakesNothingFromTheSystem) {
  const DevicePtr device = Device::cpu({.threads = 1});
  const auto step = [&] {
    const Array a = Array::zeros({100, 333}, DType::f32, device);
    const Array b = Array::zeros({77}, DType::bf16, device);
    const Array c = Array::zeros({1 << 20}, DType::f32, device);
    const Array view = a.with_layout({333, 100}, {1, 333}, 0);
  };
  step();
  const MemoryStats warm = device->memory().stats();
  for (int i = 0; i < 100; ++i) step();
  const MemoryStats later = device->memory().stats();
  EXPECT_EQ(later.system_allocations, warm.system_allocations);
  EXPECT_EQ(later.active_bytes, 0);
  EXPECT_EQ(later.peak_bytes, warm.peak_bytes);
  EXPECT_EQ(later.cached_bytes, warm.cached_bytes);
}

TEST(MemoryPool, ThreadsMayShareIt) {
  MemoryPool pool(64 * kMiB, kMiB);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&pool, thread] {
      for (int i = 0; i < 500; ++i) {
        const int64_t bytes = 64 * (1 + (i * 7 + thread) % 50);
        std::byte* block = pool.allocate(bytes);
        std::memset(block, thread, static_cast<size_t>(bytes));
        for (int64_t at = 0; at < bytes; at += 63)
          if (block[at] != static_cast<std::byte>(thread)) ADD_FAILURE() << "a shared block";
        pool.release(block, bytes);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pool.stats().active_bytes, 0);
  EXPECT_LE(pool.stats().cached_bytes, kMiB);
}

TEST(Storage, ArraysShareOneBlockAndFreeItOnce) {
  const DevicePtr device = Device::cpu({.threads = 1, .memory_limit = kMiB});
  {
    const Array a = Array::empty({1000}, DType::f32, device);
    const Array copy = a;
    const Array view = a.with_layout({10}, {100}, 0);
    EXPECT_EQ(device->memory().stats().active_bytes, 4032);  // 63 times 64
  }
  EXPECT_EQ(device->memory().stats().active_bytes, 0);
  expect_error(ErrorCode::out_of_memory, "the budget is 1048576",
               [&] { Array::empty({kMiB}, DType::f32, device); });
}

}  // namespace
}  // namespace linnet
