#include "base/thread_pool.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <numeric>
#include <stdexcept>
#include <thread>
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

TEST(ThreadPool, RunsEveryThreadIndexOnce) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(threads));
      pool.run_on_all([&](int thread, int count) {
        EXPECT_EQ(count, threads);
        ++seen[static_cast<size_t>(thread)];
      });
      for (const auto& count : seen) ASSERT_EQ(count, 1);
    }
    EXPECT_THROW(pool.run_on_all([](int, int) { throw std::runtime_error("each"); }),
                 std::runtime_error);
    // Inside another loop the indices run one after the other.
    std::atomic<int> calls{0};
    pool.run_on_all([&](int, int) { pool.run_on_all([&](int, int) { ++calls; }); });
    EXPECT_EQ(calls, threads * threads);
  }
}

TEST(ThreadPool, SleepsWhenThereIsNothingToDo) {
  const auto cpu_seconds = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  ThreadPool pool(4);
  std::atomic<int64_t> sum{0};
  for (int round = 0; round < 3; ++round) {
    pool.parallel_for(64, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the workers fall asleep
  }
  EXPECT_EQ(sum, 3 * 64);
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(cpu_seconds() - before, 0.1);  // three busy workers would take up to 0.6
}

TEST(ThreadPool, ManySmallLoopsInARow) {
  ThreadPool pool(3);
  for (int64_t round = 1; round < 100000; ++round) {  // the loop counter wraps
    std::atomic<int64_t> sum{0};
    pool.parallel_for(4, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
    ASSERT_EQ(sum, 4) << round;
  }
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
