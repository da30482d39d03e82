// Many requests at once: who runs when, who waits, who gives way, and that nobody's answer changes.
#include "engine/scheduler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <future>
#include <limits>
#include <random>
#include <thread>

#include "engine/engine.hpp"
#include "engine/request.hpp"
#include "engine/scripted_model.hpp"
#include "support/expect_error.hpp"
#include "support/sanitized.hpp"

namespace linnet {
namespace {

using engine::Engine;
using engine::Request;
using engine::SchedulerOptions;
using test::ScriptedModel;
using Ids = std::vector<int32_t>;

Ids run(Request& request) {
  Ids ids;
  while (const auto sample = request.next()) ids.push_back(sample->id);
  return ids;
}

/// What the scripted model answers: the tokens after the prompt's last.
Ids counted(int32_t last, int64_t count) {
  Ids ids;
  for (int64_t i = 1; i <= count; ++i)
    ids.push_back(static_cast<int32_t>((last + i) % ScriptedModel::kVocabulary));
  return ids;
}

struct Pass {
  std::vector<int64_t> rows;   // of each sequence
  std::vector<int32_t> first;  // the first id of each
};

class SchedulerTest : public testing::Test {
 protected:
  Engine& make_engine(const SchedulerOptions& options) {
    hooks_->on_forward = [this](const nn::Batch& batch) {
      Pass pass;
      for (const kernels::KvSequence& sequence : batch.sequences.front()) {
        pass.rows.push_back(sequence.rows);
        pass.first.push_back(batch.ids[static_cast<size_t>(sequence.first_row)]);
      }
      passes_.push_back(std::move(pass));
      if (during_) during_(passes_.size());
    };
    engine_.emplace(ScriptedModel::make(device_, hooks_),
                    engine::EngineOptions{.context_length = 4096, .scheduler = options});
    return *engine_;
  }

  /// Lets the first pass wait until open(), so that requests can gather.
  void hold_first_pass() {
    during_ = [this](size_t pass) {
      if (pass != 1) return;
      reached_.set_value();
      opened_.get_future().wait();
    };
  }
  void until_reached() { reached_.get_future().wait(); }
  void open() { opened_.set_value(); }
  [[nodiscard]] int64_t active() const { return device_->memory().stats().active_bytes; }

  DevicePtr device_ = Device::cpu({.threads = 1});
  std::shared_ptr<ScriptedModel::Hooks> hooks_ = std::make_shared<ScriptedModel::Hooks>();
  std::vector<Pass> passes_;            // read when requests have ended
  std::function<void(size_t)> during_;  // set before requests
  std::promise<void> reached_;
  std::promise<void> opened_;
  std::optional<Engine> engine_;
};

TEST_F(SchedulerTest, RequestsShareTheirPasses) {
  hold_first_pass();
  Engine& engine = make_engine({});
  Request a(engine, {3}, {.max_tokens = 4});
  until_reached();
  Request b(engine, {10, 11}, {.max_tokens = 2});
  Request c(engine, {20, 21, 22}, {.max_tokens = 3});
  open();
  EXPECT_EQ(run(c), counted(22, 3));
  EXPECT_EQ(run(b), counted(11, 2));
  EXPECT_EQ(run(a), counted(3, 4));
  ASSERT_EQ(passes_.size(), 4U) << "as many as the longest answer has tokens";
  EXPECT_EQ(passes_[0].rows, (std::vector<int64_t>{1}));
  EXPECT_EQ(passes_[1].rows, (std::vector<int64_t>{1, 2, 3})) << "prompts beside a decoded token";
  EXPECT_EQ(passes_[2].rows, (std::vector<int64_t>{1, 1, 1}));
  EXPECT_EQ(passes_[3].rows, (std::vector<int64_t>{1, 1})) << "who has ended is gone";
}

TEST_F(SchedulerTest, ALongPromptDoesNotStarveWhoDecodes) {
  hold_first_pass();
  Engine& engine = make_engine({});
  Request decoding(engine, {3}, {.max_tokens = 30});
  until_reached();
  Request prompt(engine, Ids(1500, 5), {.max_tokens = 1});
  open();
  EXPECT_EQ(run(decoding), counted(3, 30));
  EXPECT_EQ(run(prompt), counted(5, 1));
  for (size_t i = 0; i < 30; ++i) {
    ASSERT_GE(passes_[i].rows.size(), 1U);
    EXPECT_EQ(passes_[i].first[0], 3 + static_cast<int32_t>(i)) << "a row of it in every pass";
    EXPECT_EQ(passes_[i].rows[0], 1);
  }
}

TEST_F(SchedulerTest, MoreThanMayRunWaitTheirTurn) {
  hold_first_pass();
  Engine& engine = make_engine({.max_batch = 2});
  std::vector<Request> requests;
  for (int32_t i = 0; i < 6; ++i) {
    requests.emplace_back(engine, Ids{10 * i}, GenerateOptions{.max_tokens = 2});
    if (i == 0) until_reached();
  }
  EXPECT_EQ(engine.scheduler().state().running, 1);
  EXPECT_EQ(engine.scheduler().state().waiting, 5);
  open();
  for (int32_t i = 0; i < 6; ++i)
    EXPECT_EQ(run(requests[static_cast<size_t>(i)]), counted(10 * i, 2));
  for (const Pass& pass : passes_) EXPECT_LE(pass.rows.size(), 2U);
  EXPECT_GT(requests[5].metrics().queue_seconds, 0);
  EXPECT_GE(requests[5].metrics().time_to_first_token_seconds, requests[5].metrics().queue_seconds);
}

TEST_F(SchedulerTest, AFullQueueIsBusy) {
  hold_first_pass();
  Engine& engine = make_engine({.max_batch = 1, .max_queue = 2});
  Request running(engine, {1}, {.max_tokens = 1});
  until_reached();
  Request second(engine, {1}, {.max_tokens = 1});
  Request third(engine, {1}, {.max_tokens = 1});
  test::expect_error(ErrorCode::busy, "1 requests run and 2 wait",
                     [&] { Request(engine, {1}, {.max_tokens = 1}); });
  open();
  EXPECT_EQ(run(third), counted(1, 1));
  EXPECT_EQ(run(running), counted(1, 1));
  EXPECT_EQ(run(second), counted(1, 1));
  Request again(engine, {1}, {.max_tokens = 1});
  EXPECT_EQ(run(again), counted(1, 1));
}

TEST_F(SchedulerTest, HigherPriorityFirstThenFirstCome) {
  hold_first_pass();
  Engine& engine = make_engine({.max_batch = 1});
  Request running(engine, {1}, {.max_tokens = 1});
  until_reached();
  Request a(engine, {10}, {.max_tokens = 1});
  Request b(engine, {20}, {.max_tokens = 1});
  Request urgent(engine, {30}, {.max_tokens = 1, .priority = 5});
  Request idle(engine, {40}, {.max_tokens = 1, .priority = -1});
  Request c(engine, {50}, {.max_tokens = 1});
  open();
  for (Request* request : {&running, &a, &b, &urgent, &idle, &c})
    EXPECT_EQ(run(*request).size(), 1U);
  std::vector<int32_t> order;
  for (const Pass& pass : passes_) order.push_back(pass.first.front());
  EXPECT_EQ(order, (std::vector<int32_t>{1, 30, 10, 20, 50, 40}));
}

TEST_F(SchedulerTest, WhoWaitsTooLongIsTold) {
  hold_first_pass();
  Engine& engine = make_engine({.max_batch = 1});
  Request running(engine, {1}, {.max_tokens = 2});
  until_reached();
  Request patient(engine, {10}, {.max_tokens = 1, .max_queue_seconds = 1000});
  Request hasty(engine, {20}, {.max_tokens = 1, .max_queue_seconds = 1e-6});
  open();
  test::expect_error(ErrorCode::busy, "its limit is 0.000 s", [&] { hasty.next(); });
  EXPECT_EQ(run(patient), counted(10, 1));
  EXPECT_EQ(run(running), counted(1, 2));
  for (const Pass& pass : passes_) EXPECT_NE(pass.first.front(), 20);
}

TEST_F(SchedulerTest, AnErrorOfOneTouchesNobodyElse) {
  GenerateOptions nothing{.max_tokens = 3};
  for (int32_t id = 0; id < ScriptedModel::kVocabulary; ++id)
    nothing.logit_bias.emplace_back(id, -std::numeric_limits<float>::infinity());
  hold_first_pass();
  Engine& engine = make_engine({});
  Request a(engine, {1}, {.max_tokens = 5});
  until_reached();
  Request bad(engine, {10}, nothing);
  Request b(engine, {20}, {.max_tokens = 5});
  open();
  EXPECT_EQ(run(a), counted(1, 5));
  EXPECT_EQ(run(b), counted(20, 5));
  test::expect_error(ErrorCode::invalid_argument, "logit_bias", [&] { bad.next(); });
}

TEST_F(SchedulerTest, APassThatFailsForAllIsDoneOneByOne) {
  hold_first_pass();
  Engine& engine = make_engine({});
  const auto wait = during_;
  during_ = [&, wait](size_t pass) {
    wait(pass);
    if (passes_.back().rows.size() > 1) throw Error(ErrorCode::out_of_memory, "too much at once");
  };
  Request a(engine, {1}, {.max_tokens = 4});
  until_reached();
  Request b(engine, {20, 21}, {.max_tokens = 4});
  Request c(engine, {30}, {.max_tokens = 2});
  open();
  EXPECT_EQ(run(a), counted(1, 4));
  EXPECT_EQ(run(b), counted(21, 4));
  EXPECT_EQ(run(c), counted(30, 2));
}

TEST_F(SchedulerTest, WithoutMemoryForAllSomeAreComputedAgain) {
  // Twenty blocks of 32 tokens, and five requests that come to ten blocks each.
  auto model = ScriptedModel::make(device_, hooks_);
  const int64_t block = MemoryPool::class_bytes(model->cache_groups().front().layout.block_bytes());
  constexpr int64_t kWorkspace = 4 << 20;
  device_->memory().set_limit(active() + kWorkspace + 20 * block);
  engine_.emplace(std::move(model),
                  engine::EngineOptions{.context_length = 4096, .workspace_bytes = kWorkspace});
  std::vector<Request> requests;
  for (int32_t i = 0; i < 5; ++i)
    requests.emplace_back(*engine_, Ids(40, 10 * i),
                          GenerateOptions{.max_tokens = 280, .priority = i == 4 ? 1 : 0});
  int64_t preemptions = 0;
  for (int32_t i = 0; i < 5; ++i) {
    Request& request = requests[static_cast<size_t>(i)];
    EXPECT_EQ(run(request), counted(10 * i, 280)) << "request " << i;
    EXPECT_EQ(request.finish_reason(), FinishReason::length);
    preemptions += request.metrics().preemptions;
  }
  EXPECT_GT(preemptions, 0);
  EXPECT_EQ(requests[4].metrics().preemptions, 0) << "the one of higher priority";
  EXPECT_EQ(engine_->pool().blocks_in_use(), 0);
  test::expect_error(ErrorCode::out_of_memory, "2000 to generate",
                     [&] { Request(*engine_, Ids(40, 1), {.max_tokens = 2000}); });
}

TEST_F(SchedulerTest, APromptThatBeginsAlikeIsNotComputedAgain) {
  Engine& engine = make_engine({.prefix_cache_bytes = 1 << 20});
  Ids prompt(100, 5);
  prompt.back() = 20;
  Request first(engine, prompt, {.max_tokens = 40});
  EXPECT_EQ(run(first), counted(20, 40));
  EXPECT_EQ(first.metrics().cached_prompt_tokens, 0);
  passes_.clear();
  Request again(engine, prompt, {.max_tokens = 2});
  EXPECT_EQ(run(again), counted(20, 2));
  EXPECT_EQ(again.metrics().cached_prompt_tokens, 96);
  EXPECT_EQ(passes_.front().rows, (std::vector<int64_t>{4}));
  passes_.clear();
  // The next turn of a conversation: prompt, answer and more.
  Ids turn = prompt;
  const Ids answer = counted(20, 40);
  turn.insert(turn.end(), answer.begin(), answer.end());
  turn.push_back(7);
  Request next(engine, turn, {.max_tokens = 1});
  EXPECT_EQ(run(next), counted(7, 1));
  EXPECT_EQ(next.metrics().cached_prompt_tokens, 128);
  engine.scheduler().wait_until_idle();
  EXPECT_EQ(engine.pool().blocks_in_use(), 4) << "what is kept";
}

TEST_F(SchedulerTest, KeptMemoryGoesBackAfterARest) {
  Engine& engine = make_engine({.max_batch = 4});
  Request first(engine, counted(1, 300), {.max_tokens = 4});
  EXPECT_EQ(run(first).size(), 4U);
  const auto cached = [&] { return engine.model().device()->memory().stats().cached_bytes; };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (cached() > 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(cached(), 0);
  Request second(engine, counted(1, 300), {.max_tokens = 4});
  EXPECT_EQ(run(second).size(), 4U);
}

TEST_F(SchedulerTest, AnEngineThatClosesEndsWhatRuns) {
  hold_first_pass();
  const auto wait = during_;
  during_ = [wait](size_t pass) {
    wait(pass);
    // Slow enough that it cannot have ended before the other thread closes the engine.
    if (pass > 1) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  };
  Engine& engine = make_engine({.max_batch = 1});
  Request running(engine, {1}, {.max_tokens = 4000});
  until_reached();
  Request waiting(engine, {1}, {.max_tokens = 1});
  std::thread closing([&] { engine_.reset(); });
  open();
  closing.join();
  run(running);
  EXPECT_EQ(running.finish_reason(), FinishReason::cancelled);
  run(waiting);
  EXPECT_EQ(waiting.finish_reason(), FinishReason::cancelled);
}

// Real models.
struct Answer {
  Ids ids;
  std::vector<uint32_t> logprobs;
  FinishReason reason = FinishReason::none;
  friend bool operator==(const Answer&, const Answer&) = default;
};

Answer answer_of(Request request) {
  Answer answer;
  while (const auto sample = request.next()) {
    answer.ids.push_back(sample->id);
    answer.logprobs.push_back(std::bit_cast<uint32_t>(sample->logprob));
  }
  answer.reason = request.finish_reason();
  return answer;
}

struct Mixed {
  Ids prompt;
  GenerateOptions options;
};

/// Long and short, greedy and sampled, half of them beginning alike.
std::vector<Mixed> mixed_requests(size_t count) {
  std::vector<Mixed> result;
  const Ids shared = test::random_ids(300, 99);
  for (size_t i = 0; i < count; ++i) {
    std::mt19937 random(static_cast<unsigned>(i));
    const size_t length = i % 7 == 0 ? 600 + random() % 1000 : 1 + random() % 90;
    Ids prompt = test::random_ids(length, 1000 + static_cast<unsigned>(i));
    if (i % 2 == 0) prompt.insert(prompt.begin(), shared.begin(), shared.end());
    result.push_back({std::move(prompt),
                      {.max_tokens = static_cast<int64_t>(1 + random() % 24),
                       .temperature = i % 3 == 0 ? 0.0F : 1.0F,
                       .top_p = 0.95F,
                       .seed = i,
                       .repetition_penalty = i % 5 == 0 ? 1.2F : 1.0F,
                       .priority = static_cast<int>(i % 2)}});
  }
  return result;
}

void expect_answers_as_alone(const char* family, Compute compute, size_t count) {
  const auto make = [&](const SchedulerOptions& options) {
    return std::make_unique<Engine>(
        test::load_reference(family, compute, Device::cpu({.threads = 2})),
        engine::EngineOptions{.context_length = 2048, .scheduler = options});
  };
  const std::vector<Mixed> requests = mixed_requests(count);
  std::vector<Answer> alone;
  {
    const auto engine = make({.max_batch = 1});
    for (const Mixed& request : requests)
      alone.push_back(answer_of(Request(*engine, request.prompt, request.options)));
  }
  const auto engine = make({.max_batch = 16, .prefix_cache_bytes = 1 << 20});
  std::vector<Answer> together(count);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i)
    threads.emplace_back([&, i] {
      Request request(*engine, requests[i].prompt, requests[i].options);
      if (i % 11 == 10) {  // leaves midway
        request.next();
        request.cancel();
        while (request.next()) {
        }
        together[i] = alone[i];
      } else {
        together[i] = answer_of(std::move(request));
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < count; ++i) EXPECT_TRUE(together[i] == alone[i]) << "request " << i;
  engine->scheduler().wait_until_idle();
  EXPECT_EQ(engine->scheduler().state().running, 0);
}

TEST(SchedulerOfRealModel, MixedRequestsGetTheBitsTheyGetAlone) {
  expect_answers_as_alone("gemma3", Compute::bf16, test::rounds(44, 12));
  expect_answers_as_alone("qwen2", Compute::f32, test::rounds(22, 6));
}

// A short request does not wait for the end of a long one's pass, and both keep their bits.
TEST(SchedulerOfRealModel, ARequestIsServedBetweenTheLayersOfALargePass) {
  const auto make = [] {
    return std::make_unique<Engine>(
        test::load_reference("gemma3", Compute::bf16, Device::cpu({.threads = 1})),
        engine::EngineOptions{.context_length = 2048});
  };
  const Ids long_prompt = test::random_ids(512, 1);
  const Ids short_prompt = test::random_ids(5, 2);
  const auto engine = make();
  const Answer long_alone = answer_of(Request(*engine, long_prompt, {.max_tokens = 3}));
  const Answer short_alone = answer_of(Request(*engine, short_prompt, {.max_tokens = 1}));
  // Submitted while the first pass runs: the answer to the short one comes first.
  bool seen = false;
  for (int attempt = 0; attempt < 50 && !seen; ++attempt) {
    Request first(*engine, long_prompt, {.max_tokens = 3});
    while (engine->scheduler().state().running == 0) std::this_thread::yield();
    Request second(*engine, short_prompt, {.max_tokens = 1});
    EXPECT_EQ(answer_of(std::move(second)), short_alone);
    seen = engine->scheduler().state().nested_passes > 0;
    EXPECT_EQ(answer_of(std::move(first)), long_alone);
  }
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace linnet
