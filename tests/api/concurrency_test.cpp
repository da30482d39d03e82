// Many generations at once, and models side by side: each gives the bits that it gives alone.
#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <future>
#include <memory>
#include <thread>

#include "api/model_folder.hpp"

namespace linnet {
namespace {

struct Outcome {
  std::vector<int32_t> ids;
  std::vector<uint32_t> logprobs;
  std::string text;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome outcome_of(Generation generation) {
  Outcome result;
  for (const Token& token : generation) {
    result.ids.push_back(token.id);
    result.logprobs.push_back(std::bit_cast<uint32_t>(token.logprob));
    result.text += token.text;
  }
  return result;
}

Generation start(const TextModel& model, unsigned number) {
  return model.generate(
      test::random_ids(10 + 37 * number, number),
      {.max_tokens = 20, .temperature = number % 2 == 0 ? 0.0F : 1.0F, .seed = number});
}

TEST(Concurrency, ThreadsGetTheBitsTheyGetAlone) {
  const TextModel model =
      test::load(test::with_tokenizer("gemma3"), {.threads = 2, .prefix_cache_bytes = 0});
  constexpr unsigned kThreads = 6;
  std::vector<Outcome> alone;
  for (unsigned i = 0; i < kThreads; ++i) alone.push_back(outcome_of(start(model, i)));
  const int64_t before = test::settled_bytes(model);
  std::vector<Outcome> together(kThreads);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] { together[i] = outcome_of(start(model, i)); });
  for (std::thread& thread : threads) thread.join();
  for (unsigned i = 0; i < kThreads; ++i) EXPECT_EQ(together[i], alone[i]) << "thread " << i;
  EXPECT_EQ(test::settled_bytes(model), before);
}

TEST(Concurrency, TurnByTurnTheyGetTheBitsTheyGetAlone) {
  const TextModel model = test::load(test::with_tokenizer("llama3"), {.threads = 1});
  constexpr unsigned kCount = 5;
  std::vector<Outcome> alone;
  std::vector<Generation> running;
  for (unsigned i = 0; i < kCount; ++i) {
    alone.push_back(outcome_of(start(model, i)));
    running.push_back(start(model, i));
  }
  std::vector<Outcome> mixed(kCount);
  for (bool any = true; any;) {
    any = false;
    for (unsigned i = 0; i < kCount; ++i)
      if (const Token* token = running[i].next()) {
        any = true;
        mixed[i].ids.push_back(token->id);
        mixed[i].logprobs.push_back(std::bit_cast<uint32_t>(token->logprob));
        mixed[i].text += token->text;
      }
  }
  EXPECT_EQ(mixed, alone);
}

TEST(Concurrency, ModelsSideBySideWithDifferentThreads) {
  const test::TestCheckpoint gemma = test::with_tokenizer("gemma3");
  const test::TestCheckpoint qwen = test::with_tokenizer("qwen3");
  const TextModel one = test::load(gemma, {.threads = 1});
  const TextModel three = test::load(gemma, {.threads = 3});
  const TextModel other = test::load(qwen, {.threads = 2});
  const Outcome of_gemma = outcome_of(start(one, 3));
  const Outcome of_qwen = outcome_of(start(other, 3));
  EXPECT_NE(of_gemma.logprobs, of_qwen.logprobs);
  std::vector<Outcome> results(6);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < results.size(); ++i)
    threads.emplace_back([&, i] {
      results[i] = outcome_of(start(i % 3 == 0 ? one : i % 3 == 1 ? three : other, 3));
    });
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(results[i], i % 3 == 2 ? of_qwen : of_gemma) << i;
}

TEST(Concurrency, CancellingOneLeavesTheOthersAlone) {
  const TextModel model = test::load(test::with_tokenizer("gemma3"), {.threads = 2});
  const Outcome expected = outcome_of(start(model, 3));
  Generation doomed = model.generate("hello", {.max_tokens = 400, .logit_bias = {{1, -1e9F}}});
  Outcome survivor;
  std::thread worker([&] { survivor = outcome_of(start(model, 3)); });
  std::thread watcher([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    doomed.cancel();
  });
  size_t tokens = 0;
  while (doomed.next() != nullptr) ++tokens;
  watcher.join();
  worker.join();
  EXPECT_EQ(survivor, expected);
  EXPECT_TRUE(doomed.finish_reason() == FinishReason::cancelled || tokens == 400U);
}

TEST(Concurrency, LogitsWhileOthersGenerate) {
  const TextModel model = test::load(test::with_tokenizer("qwen2"), {.threads = 2});
  const auto ids = test::random_ids(90, 8);
  const std::vector<float> expected = model.logits(ids);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (unsigned i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 3; ++round) {
        if (i % 2 == 0) (void)outcome_of(start(model, i));
        if (model.logits(ids) != expected) ++wrong[i];
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, (std::vector<int>(4, 0)));
}

TEST(Concurrency, AnEventLoopIsToldOfEveryTokenAndOfTheEnd) {
  const TextModel model = load_builtin_model();
  const GenerateOptions options{.max_tokens = 30, .ignore_eos = true};
  const std::string expected = model.generate("Once upon a time", options).text();

  Generation generation = model.generate("Once upon a time", options);
  std::string text;
  bool ended = false;
  int calls = 0;
  while (!ended) {
    std::promise<void> woken;
    generation.when_ready([&] {
      ++calls;
      woken.set_value();
    });
    woken.get_future().wait();
    ASSERT_TRUE(generation.ready());
    while (!ended && generation.ready()) {
      const Token* const token = generation.next();
      ended = token == nullptr;
      if (token != nullptr) text += token->text;
    }
  }
  EXPECT_EQ(text, expected);
  EXPECT_GE(calls, 1);
  EXPECT_LE(calls, 31) << "once for each token and the end, at most";
  bool at_once = false;
  generation.when_ready([&] { at_once = true; });
  EXPECT_TRUE(at_once) << "it has ended";

  // One that is dropped calls nobody who is gone: what it calls owns what it touches.
  const auto told = std::make_shared<std::atomic<int>>(0);
  {
    Generation dropped = model.generate("Once upon a time", {.max_tokens = 1500});
    (void)dropped.next();
    while (dropped.ready()) (void)dropped.next();
    dropped.when_ready([told] { ++*told; });
  }
  EXPECT_EQ(model.generate("Once upon a time", options).text(), expected);
  EXPECT_LE(told->load(), 1);
}

}  // namespace
}  // namespace linnet
