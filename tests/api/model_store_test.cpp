// Several models under one ceiling: who is freed, who never is, and that the ceiling holds.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <optional>
#include <thread>

#include "api/model_folder.hpp"
#include "support/expect_error.hpp"
#include "support/sanitized.hpp"

namespace linnet {
namespace {

using test::WrittenCheckpoint;

const LoadOptions kSmall{.context_length = 64, .threads = 1, .max_batch = 2};

/// Folders "0", "1", ... with the same model, so that all shares are equal.
class Store : public testing::Test {
 protected:
  Store() {
    for (int i = 0; i < 4; ++i) folders_.emplace_back(test::TestCheckpoint::reference("llama3"));
    share_ = plan_model(folder(0), kSmall).total_bytes;
  }
  [[nodiscard]] std::filesystem::path folder(size_t i) const { return folders_[i].path(); }
  [[nodiscard]] std::string name(size_t i) const {
    return std::filesystem::canonical(folder(i)).string();
  }
  /// Room for so many models and a half.
  [[nodiscard]] ModelStoreOptions room_for(int64_t models) const {
    return {.ceiling_bytes = models * share_ + share_ / 2};
  }
  [[nodiscard]] static std::vector<std::string> names(const ModelStore& store) {
    std::vector<std::string> result;
    for (const StoredModel& model : store.list()) result.push_back(model.name);
    return result;
  }
  using Names = std::vector<std::string>;

  std::deque<WrittenCheckpoint> folders_;
  int64_t share_ = 0;
};

TEST_F(Store, LoadsOnceAndAnswersAsTheModelAlone) {
  ModelStore store(room_for(2));
  const TextModel alone = load_model(folder(0), kSmall);
  const TextModel first = store.acquire(folder(0), kSmall);
  const TextModel second = store.acquire(folder(0) / ".." / folder(0).filename(), kSmall);
  EXPECT_EQ(&first.info(), &second.info()) << "the same model";
  const auto ids = test::random_ids(7, 1);
  EXPECT_EQ(test::ids_of(first.generate(ids, {.max_tokens = 5})),
            test::ids_of(alone.generate(ids, {.max_tokens = 5})));
  const ModelStoreStatistics statistics = store.statistics();
  EXPECT_EQ(statistics.loads, 1);
  EXPECT_EQ(statistics.hits, 1);
  EXPECT_EQ(statistics.evictions, 0);
  const auto list = store.list();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].name, name(0));
  EXPECT_EQ(list[0].bytes, share_);
  EXPECT_EQ(first.memory().limit_bytes, share_) << "its budget is its share";
  EXPECT_TRUE(list[0].in_use);
  EXPECT_FALSE(list[0].loading);
  const ModelStoreMemory memory = store.memory();
  EXPECT_EQ(memory.ceiling_bytes, room_for(2).ceiling_bytes);
  EXPECT_EQ(memory.reserved_bytes, share_);
  EXPECT_EQ(memory.active_bytes, first.memory().active_bytes);
}

TEST_F(Store, OtherOptionsAreAnotherModel) {
  ModelStore store(room_for(3));
  LoadOptions other = kSmall;
  other.compute = Compute::f32;
  const TextModel bf16 = store.acquire(folder(0), kSmall);
  const TextModel f32 = store.acquire(folder(0), other);
  EXPECT_NE(&bf16.info(), &f32.info());
  // How it is watched, and the default by its name, make no difference.
  LoadOptions same = kSmall;
  same.progress = [](const LoadProgress&) { FAIL() << "nothing is loaded"; };
  same.device = "cpu";
  EXPECT_EQ(&store.acquire(folder(0), same).info(), &bf16.info());
  EXPECT_EQ(store.statistics().loads, 2);
}

TEST_F(Store, FreesTheLeastRecentlyUsed) {
  ModelStore store(room_for(2));
  (void)store.acquire(folder(0), kSmall);
  (void)store.acquire(folder(1), kSmall);
  EXPECT_EQ(names(store), (Names{name(1), name(0)}));
  (void)store.acquire(folder(0), kSmall);
  (void)store.acquire(folder(2), kSmall);
  EXPECT_EQ(names(store), (Names{name(2), name(0)})) << "1 was used longest ago";
  EXPECT_EQ(store.statistics().evictions, 1);
  // Letting go is a use too.
  {
    const TextModel held = store.acquire(folder(0), kSmall);
    (void)store.acquire(folder(2), kSmall);
  }
  (void)store.acquire(folder(3), kSmall);
  EXPECT_EQ(names(store), (Names{name(3), name(0)}));
  EXPECT_EQ(store.statistics().evictions, 2);
  EXPECT_EQ(store.statistics().loads, 4);
}

TEST_F(Store, NeverFreesWhatIsInUse) {
  ModelStore store(room_for(2));
  const auto ids = test::random_ids(5, 1);
  // No TextModel is left, but a generation and a session are.
  std::optional<Generation> generation =
      store.acquire(folder(0), kSmall).generate(ids, {.max_tokens = 20, .ignore_eos = true});
  std::optional<Session> session = store.acquire(folder(1), kSmall).new_session();
  EXPECT_TRUE(store.list()[0].in_use && store.list()[1].in_use);
  const auto message = "holds " + std::to_string(share_) + " (in use)";
  for (size_t i : {0U, 1U})
    test::expect_error(ErrorCode::out_of_memory, name(i) + " " + message,
                       [&] { (void)store.acquire(folder(2), kSmall); });
  test::expect_error(ErrorCode::out_of_memory,
                     name(2) + " needs " + std::to_string(share_) + " bytes, and " +
                         std::to_string(share_ / 2) + " of the store's " +
                         std::to_string(room_for(2).ceiling_bytes) + " are free",
                     [&] { (void)store.acquire(folder(2), kSmall); });
  EXPECT_EQ(store.release(folder(0)), 0);
  EXPECT_EQ(test::ids_of(*std::move(generation)).size(), 20U);
  generation.reset();
  EXPECT_FALSE(store.list().front().in_use) << "it was used last";
  const TextModel third = store.acquire(folder(2), kSmall);
  EXPECT_EQ(names(store), (Names{name(2), name(1)}));
  session->append(ids);
  EXPECT_EQ(test::ids_of(session->generate({.max_tokens = 3, .ignore_eos = true})).size(), 3U);
  EXPECT_EQ(store.statistics().failures, 3);
}

TEST_F(Store, FreesNothingForWhatDoesNotFit) {
  ModelStore store(room_for(2));
  (void)store.acquire(folder(0), kSmall);
  const TextModel held = store.acquire(folder(1), kSmall);
  LoadOptions large = kSmall;
  large.memory_budget = 2 * share_;
  test::expect_error(ErrorCode::out_of_memory, "free or held by idle models",
                     [&] { (void)store.acquire(folder(2), large); });
  EXPECT_EQ(store.list().size(), 2U);
  EXPECT_EQ(store.statistics().evictions, 0);
  // The share is the budget that was asked for.
  large.memory_budget = share_ + share_ / 4;
  EXPECT_EQ(store.acquire(folder(2), large).memory().limit_bytes, share_ + share_ / 4);
  EXPECT_EQ(store.memory().reserved_bytes, 2 * share_ + share_ / 4);
}

TEST_F(Store, TheCachesShareIsAnOption) {
  const MemoryPlan plan = plan_model(folder(0), kSmall);
  ModelStore store({.cache_bytes = 2 * plan.kv_cache_bytes});
  const TextModel model = store.acquire(folder(0), kSmall);
  EXPECT_EQ(model.memory().limit_bytes, plan.total_bytes + plan.kv_cache_bytes);
  EXPECT_GT(store.memory().ceiling_bytes, int64_t{1} << 28) << "the machine's memory";
}

TEST_F(Store, ReleaseFreesWhatIsIdle) {
  ModelStore store(room_for(3));
  (void)store.acquire(folder(0), kSmall);
  const TextModel held = store.acquire(folder(1), kSmall);
  EXPECT_EQ(store.release(folder(2)), 0);
  EXPECT_EQ(store.release("/no/such/folder"), 0);
  EXPECT_EQ(store.release(folder(0)), 1);
  EXPECT_EQ(store.release(folder(1)), 0);
  EXPECT_EQ(names(store), Names{name(1)});
  EXPECT_EQ(store.memory().reserved_bytes, share_);
  EXPECT_EQ(store.statistics().evictions, 0);
}

TEST_F(Store, ModelsOutliveIt) {
  std::optional<ModelStore> store(std::in_place, room_for(1));
  const TextModel model = store->acquire(folder(0), kSmall);
  store.reset();
  EXPECT_EQ(
      test::ids_of(model.generate(test::random_ids(4, 2), {.max_tokens = 2, .ignore_eos = true}))
          .size(),
      2U);
}

TEST_F(Store, WhatIsBeingLoadedHasItsBytes) {
  ModelStore store(room_for(1));
  bool asked = false;
  LoadOptions options = kSmall;
  options.progress = [&](const LoadProgress&) {
    if (std::exchange(asked, true)) return;
    const auto list = store.list();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_TRUE(list[0].loading && list[0].in_use);
    EXPECT_EQ(store.memory().reserved_bytes, share_);
    test::expect_error(ErrorCode::out_of_memory, "(being loaded)",
                       [&] { (void)store.acquire(folder(1), kSmall); });
    EXPECT_EQ(store.release(folder(0)), 0);
  };
  (void)store.acquire(folder(0), options);
  EXPECT_TRUE(asked);
}

TEST_F(Store, FailedLoadsLeaveNothing) {
  ModelStore store(room_for(1));
  test::expect_error(ErrorCode::not_found, "/no/such/folder",
                     [&] { (void)store.acquire("/no/such/folder", kSmall); });
  LoadOptions options = kSmall;
  options.progress = [](const LoadProgress&) { fail(ErrorCode::cancelled, "enough"); };
  test::expect_error(ErrorCode::cancelled, "enough",
                     [&] { (void)store.acquire(folder(0), options); });
  options.progress = [](const LoadProgress&) { throw std::runtime_error("not linnet's"); };
  EXPECT_THROW((void)store.acquire(folder(0), options), std::runtime_error);
  options = kSmall;
  options.memory_budget = 1000;
  test::expect_error(ErrorCode::out_of_memory, "the budget is 1000",
                     [&] { (void)store.acquire(folder(0), options); });
  options = kSmall;
  options.device = "cuda";
  test::expect_error(ErrorCode::invalid_argument, "device \"cuda\" is not known",
                     [&] { (void)store.acquire(folder(0), options); });
  EXPECT_TRUE(store.list().empty());
  EXPECT_EQ(store.memory().reserved_bytes, 0);
  EXPECT_EQ(store.statistics().failures, 4);
  EXPECT_NO_THROW((void)store.acquire(folder(0), kSmall));
  test::expect_error(ErrorCode::invalid_argument, "ceiling_bytes -1",
                     [] { ModelStore({.ceiling_bytes = -1}); });
  test::expect_error(ErrorCode::invalid_argument, "cache_bytes -1",
                     [] { ModelStore({.cache_bytes = -1}); });
}

TEST_F(Store, CallersOfOneModelShareOneLoad) {
  constexpr int kThreads = 8;
  ModelStore store(room_for(1));
  std::atomic<int> loading{0};
  std::atomic<bool> go{false};
  LoadOptions options = kSmall;
  options.progress = [&](const LoadProgress& progress) {
    if (progress.done_bytes < progress.total_bytes) return;
    ++loading;
    // Time for the others to come.
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  };
  std::vector<std::optional<TextModel>> models(kThreads);
  {
    std::vector<std::jthread> threads;
    for (auto& model : models)
      threads.emplace_back([&] {
        while (!go) std::this_thread::yield();
        model = store.acquire(folder(0), options);
      });
    go = true;
  }
  for (const auto& model : models) EXPECT_EQ(&model->info(), &models[0]->info());
  EXPECT_EQ(loading, 1);
  EXPECT_EQ(store.statistics().loads, 1);
  EXPECT_EQ(store.statistics().hits, kThreads - 1);
}

TEST_F(Store, OneCallersCancellationIsNotTheOthers) {
  ModelStore store(room_for(1));
  std::optional<TextModel> other;
  std::jthread waiter;
  LoadOptions options = kSmall;
  options.progress = [&](const LoadProgress&) {
    waiter = std::jthread([&] { other = store.acquire(folder(0), kSmall); });
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    fail(ErrorCode::cancelled, "enough");
  };
  test::expect_error(ErrorCode::cancelled, "enough",
                     [&] { (void)store.acquire(folder(0), options); });
  waiter.join();
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(store.statistics().loads, 1);
}

// Four models, room for two, from four threads: the ceiling holds at every look, what was given out
// works, and the counts agree.
TEST_F(Store, ManyThreadsStayUnderTheCeiling) {
  ModelStore store(room_for(2));
  constexpr int kRounds = test::rounds(60, 10);
  std::atomic<int64_t> given{0};
  std::atomic<int64_t> refused{0};
  std::vector<int32_t> expected = test::ids_of(
      load_model(folder(0), kSmall).generate(test::random_ids(5, 1), {.max_tokens = 3}));
  std::atomic<bool> done{false};
  std::jthread observer([&] {
    while (!done) {
      const ModelStoreMemory memory = store.memory();
      EXPECT_LE(memory.reserved_bytes, memory.ceiling_bytes);
      EXPECT_LE(memory.active_bytes + memory.cached_bytes, memory.reserved_bytes);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  {
    std::vector<std::jthread> threads;
    for (uint32_t thread = 0; thread < 4; ++thread)
      threads.emplace_back([&, thread] {
        for (const int32_t choice : test::random_ids(kRounds, thread)) {
          try {
            const TextModel model = store.acquire(folder(static_cast<size_t>(choice) % 4), kSmall);
            ++given;
            EXPECT_EQ(test::ids_of(model.generate(test::random_ids(5, 1), {.max_tokens = 3})),
                      expected);
            if (choice % 16 == 0) (void)store.release(folder(0));
          } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::out_of_memory) << error.what();
            ++refused;
          }
        }
      });
  }
  done = true;
  const ModelStoreStatistics statistics = store.statistics();
  EXPECT_EQ(given + refused, 4 * kRounds);
  EXPECT_GE(given, kRounds) << "a thread alone is never refused for long";
  EXPECT_EQ(statistics.loads + statistics.hits, given);
  for (const StoredModel& model : store.list()) EXPECT_FALSE(model.in_use);
  EXPECT_NO_THROW((void)store.acquire(folder(3), kSmall));
}

}  // namespace
}  // namespace linnet
