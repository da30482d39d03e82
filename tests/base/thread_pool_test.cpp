#include "base/thread_pool.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>
#include <vector>

namespace linnet {
namespace {

TEST(ThreadPool, CoversEveryIndexOnce) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.size(), threads);
    for (int64_t total : {0, 1, 2, 7, 64, 1000}) {
      for (int64_t grain : {1, 3, 64}) {
        std::vector<int> seen(static_cast<size_t>(total), 0);
        pool.parallel_for(total, grain, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
        });
        EXPECT_EQ(std::accumulate(seen.begin(), seen.end(), int64_t{0}), total);
        for (int count : seen) ASSERT_EQ(count, 1);
      }
    }
  }
}

TEST(ThreadPool, RethrowsTheFirstExceptionAndGoesOn) {
  ThreadPool pool(3);
  EXPECT_THROW(pool.parallel_for(100, 1,
                                 [](int64_t begin, int64_t) {
                                   if (begin >= 50) throw std::runtime_error("fifty");
                                 }),
               std::runtime_error);
  std::atomic<int64_t> sum{0};
  pool.parallel_for(100, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
  EXPECT_EQ(sum, 100);
}

TEST(ThreadPool, MayBeUsedFromManyThreadsAndNested) {
  ThreadPool pool(2);
  std::atomic<int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round)
        pool.parallel_for(16, 1, [&](int64_t begin, int64_t end) {
          pool.parallel_for(end - begin, 1, [&](int64_t b, int64_t e) { sum += e - b; });
        });
    });
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(sum, 4 * 50 * 16);
}

TEST(ThreadPool, FlushesSubnormalsInsideAndRestoresOutside) {
  ThreadPool pool(2);
  volatile float tiny = 1e-40F;
  std::vector<float> products(64, 1.0F);
  pool.parallel_for(64, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) products[static_cast<size_t>(i)] = tiny * 0.5F;
  });
  for (float product : products) EXPECT_EQ(product, 0.0F);
  volatile float outside = tiny * 0.5F;
  EXPECT_NE(outside, 0.0F);
}

}  // namespace
}  // namespace linnet
