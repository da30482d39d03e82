// The life of a request: how it ends, what it holds meanwhile, and that it holds nothing after.
#include "engine/request.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <future>
#include <limits>
#include <thread>

#include "engine/engine.hpp"
#include "engine/scripted_model.hpp"
#include "support/expect_error.hpp"

namespace linnet {
namespace {

using engine::Engine;
using engine::Request;
using test::ScriptedModel;

class RequestTest : public testing::Test {
 protected:
  Engine& make_engine(int64_t context = 4096, std::unordered_set<int32_t> eos = {}) {
    engine_.reset();
    passes_.clear();
    logit_rows_.clear();
    // Called on the engine's thread; what it writes is read once a request has ended.
    hooks_->on_forward = [this](const nn::Batch& batch) {
      passes_.push_back(static_cast<int64_t>(batch.ids.size()));
      logit_rows_.push_back(batch.logit_rows);
      if (during_) during_(passes_.size());
    };
    engine_.emplace(ScriptedModel::make(device_, hooks_),
                    engine::EngineOptions{.context_length = context, .eos_ids = std::move(eos)});
    return *engine_;
  }

  /// Lets the engine's thread wait in a pass until `open` is called.
  void wait_in_pass(size_t which) {
    during_ = [this, which](size_t pass) {
      if (pass != which) return;
      reached_.set_value();
      opened_.get_future().wait();
    };
  }
  void until_reached() { reached_.get_future().wait(); }
  void open() { opened_.set_value(); }

  static std::vector<int32_t> run(Request& request) {
    std::vector<int32_t> ids;
    while (const auto sample = request.next()) ids.push_back(sample->id);
    return ids;
  }

  void expect_nothing_held(int64_t active) {
    EXPECT_EQ(engine_->pool().blocks_in_use(), 0);
    EXPECT_EQ(device_->memory().stats().active_bytes, active);
  }

  [[nodiscard]] int64_t active() const { return device_->memory().stats().active_bytes; }

  DevicePtr device_ = Device::cpu({.threads = 1});
  std::shared_ptr<ScriptedModel::Hooks> hooks_ = std::make_shared<ScriptedModel::Hooks>();
  std::vector<int64_t> passes_;                   // tokens of each forward pass
  std::vector<std::vector<int32_t>> logit_rows_;  // of each forward pass
  std::function<void(size_t)> during_;            // called in pass 1, 2, ...; set before requests
  std::promise<void> reached_;
  std::promise<void> opened_;
  std::optional<Engine> engine_;
};

using Ids = std::vector<int32_t>;

TEST_F(RequestTest, EndsAtMaxTokens) {
  Request request(make_engine(), {3}, {.max_tokens = 4});
  EXPECT_EQ(request.finish_reason(), FinishReason::none);
  EXPECT_EQ(run(request), (Ids{4, 5, 6, 7}));
  EXPECT_EQ(request.finish_reason(), FinishReason::length);
  EXPECT_FALSE(request.stop_id().has_value());
  EXPECT_EQ(passes_.size(), 4U) << "the last token is not fed back";
  EXPECT_FALSE(request.next().has_value());
  EXPECT_EQ(passes_.size(), 4U);
}

TEST_F(RequestTest, EndsWhereTheContextIsFull) {
  Engine& engine = make_engine(6);
  Request request(engine, {1, 2, 3}, {.max_tokens = 100});
  EXPECT_EQ(run(request), (Ids{4, 5, 6}));
  EXPECT_EQ(request.finish_reason(), FinishReason::length);
  Request longest(engine, {1}, {.max_tokens = std::numeric_limits<int64_t>::max()});
  EXPECT_EQ(run(longest).size(), 5U);
  test::expect_error(ErrorCode::invalid_argument, "6 tokens and fills the context of 6",
                     [&] { Request(engine, Ids(6, 1), {}); });
  test::expect_error(ErrorCode::invalid_argument, "7 tokens, the context takes 6",
                     [&] { Request(engine, Ids(7, 1), {.max_tokens = 0}); });
}

TEST_F(RequestTest, EndsAtTheModelsEndOfSequence) {
  Request request(make_engine(4096, {40, 10}), {7}, {});
  EXPECT_EQ(run(request), (Ids{8, 9}));
  EXPECT_EQ(request.finish_reason(), FinishReason::stop);
  EXPECT_EQ(request.stop_id(), 10);
  EXPECT_EQ(request.metrics().generated_tokens, 2);
  // Only generated tokens end it, not those of the prompt.
  Request after(*engine_, {10}, {.max_tokens = 2});
  EXPECT_EQ(run(after), (Ids{11, 12}));
  // At the limit the limit is the reason, even if a stop id would be next.
  Request both(*engine_, {7}, {.max_tokens = 2});
  EXPECT_EQ(run(both), (Ids{8, 9}));
  EXPECT_EQ(both.finish_reason(), FinishReason::length);
}

TEST_F(RequestTest, EndsAtStopIds) {
  Request request(make_engine(4096, {40}), {7}, {.stop_ids = {50, 11, 9}});
  EXPECT_EQ(run(request), (Ids{8}));
  EXPECT_EQ(request.finish_reason(), FinishReason::stop);
  EXPECT_EQ(request.stop_id(), 9);
  Request at_once(*engine_, {39}, {});
  EXPECT_EQ(run(at_once), Ids{});
  EXPECT_EQ(at_once.finish_reason(), FinishReason::stop);
  EXPECT_EQ(at_once.metrics().generated_tokens, 0);
}

TEST_F(RequestTest, NoTokensWanted) {
  Engine& engine = make_engine(8);
  const int64_t before = active();
  Request request(engine, Ids(8, 1), {.max_tokens = 0});
  expect_nothing_held(before);
  EXPECT_FALSE(request.next().has_value());
  EXPECT_EQ(request.finish_reason(), FinishReason::length);
  EXPECT_TRUE(passes_.empty());
  EXPECT_EQ(request.metrics().prompt_tokens, 8);
}

TEST_F(RequestTest, CancelledBeforeTheFirstToken) {
  Engine& engine = make_engine();
  const int64_t before = active();
  wait_in_pass(1);
  Request other(engine, {1}, {.max_tokens = 1});
  until_reached();
  Request request(engine, {1, 2}, {});
  request.cancel();
  open();
  EXPECT_FALSE(request.next().has_value());
  EXPECT_EQ(request.finish_reason(), FinishReason::cancelled);
  EXPECT_EQ(run(other), Ids{2});
  EXPECT_EQ(passes_.size(), 1U) << "that of the other request";
  EXPECT_EQ(request.metrics().generated_tokens, 0);
  expect_nothing_held(before);
}

TEST_F(RequestTest, CancelledBetweenTokens) {
  Engine& engine = make_engine();
  const int64_t before = active();
  wait_in_pass(4);
  Request request(engine, {1, 2}, {});
  EXPECT_EQ(request.next()->id, 3);
  EXPECT_EQ(request.next()->id, 4);
  until_reached();
  EXPECT_GT(engine.pool().blocks_in_use(), 0);
  request.cancel();
  open();
  EXPECT_FALSE(request.next().has_value()) << "what was computed and not taken is dropped";
  EXPECT_EQ(request.finish_reason(), FinishReason::cancelled);
  EXPECT_EQ(request.metrics().generated_tokens, 4) << "the pass that ran is the last";
  EXPECT_EQ(passes_.size(), 4U);
  expect_nothing_held(before);
}

TEST_F(RequestTest, CancelledByAnotherThreadWhileAPassRuns) {
  wait_in_pass(3);
  Request request(make_engine(), {1}, {});
  std::thread other([&] {
    until_reached();
    request.cancel();
    open();
  });
  const Ids ids = run(request);
  other.join();
  const Ids computed{2, 3};
  ASSERT_LE(ids.size(), computed.size());
  EXPECT_TRUE(std::ranges::equal(ids, std::span(computed).first(ids.size())));
  EXPECT_EQ(request.finish_reason(), FinishReason::cancelled);
  EXPECT_EQ(passes_.size(), 3U);
}

TEST_F(RequestTest, StopTokenEndsIt) {
  std::stop_source source;
  wait_in_pass(2);
  Request request(make_engine(), {1}, {.stop = source.get_token()});
  EXPECT_EQ(request.next()->id, 2);
  until_reached();
  source.request_stop();
  open();
  EXPECT_FALSE(request.next().has_value());
  EXPECT_EQ(request.finish_reason(), FinishReason::cancelled);
  EXPECT_EQ(passes_.size(), 2U);
  Request late(*engine_, {1}, {.stop = source.get_token()});
  EXPECT_FALSE(late.next().has_value());
  EXPECT_EQ(late.finish_reason(), FinishReason::cancelled);
}

TEST_F(RequestTest, LongPromptsAreReadInChunks) {
  Ids prompt = test::random_ids(1200, 1);
  for (int32_t& id : prompt) id %= static_cast<int32_t>(ScriptedModel::kVocabulary);
  prompt.back() = 20;
  Request request(make_engine(), prompt, {.max_tokens = 2});
  EXPECT_EQ(run(request), (Ids{21, 22}));
  EXPECT_EQ(passes_, (std::vector<int64_t>{512, 512, 176, 1}));
  EXPECT_EQ(logit_rows_, (std::vector<std::vector<int32_t>>{{}, {}, {175}, {0}}))
      << "the logits of the last position alone";
}

TEST_F(RequestTest, CancelledBetweenTheChunksOfAPrompt) {
  Engine& engine = make_engine();
  const int64_t before = active();
  std::stop_source source;
  during_ = [&](size_t) { source.request_stop(); };
  Request request(engine, Ids(1200, 5), {.stop = source.get_token()});
  EXPECT_FALSE(request.next().has_value());
  EXPECT_EQ(request.finish_reason(), FinishReason::cancelled);
  EXPECT_EQ(passes_, (std::vector<int64_t>{512}));
  expect_nothing_held(before);
}

TEST_F(RequestTest, DestroyedHalfWayItGivesItsBlocksBack) {
  Engine& engine = make_engine();
  const int64_t before = active();
  wait_in_pass(6);
  {
    // Alone until the sixth pass: beside another it might wait there for its first token.
    Request request(engine, Ids(1000, 5), {});
    EXPECT_TRUE(request.next().has_value());
    until_reached();
    EXPECT_GE(engine.pool().blocks_in_use(), 1000 / 32);
    Request unused(engine, Ids(100, 5), {});
  }
  open();
  engine.scheduler().wait_until_idle();
  expect_nothing_held(before);
}

TEST_F(RequestTest, FinishedItHoldsNothing) {
  Engine& engine = make_engine();
  const int64_t before = active();
  Request request(engine, {5}, {.max_tokens = 3});
  EXPECT_EQ(run(request).size(), 3U);
  expect_nothing_held(before);
}

TEST_F(RequestTest, ReservesWhatItMayNeedAndNoMore) {
  Engine& engine = make_engine(100000);
  wait_in_pass(1);
  Request request(engine, Ids(32, 5), {.max_tokens = 33});
  until_reached();
  EXPECT_EQ(engine.pool().blocks_in_use(), 2) << "64 positions: the last token is not fed back";
  open();
  EXPECT_EQ(run(request).size(), 33U);
}

TEST_F(RequestTest, LogitsThatAreNotNumbersAreAnErrorAndNoToken) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Engine& engine = make_engine();
    const int64_t before = active();
    hooks_->factor = 1;
    during_ = [&](size_t pass) {
      if (pass == 2) hooks_->factor = bad;
    };
    Request request(engine, {5}, {});
    EXPECT_EQ(request.next()->id, 6);
    test::expect_error(ErrorCode::internal, "not finite", [&] { request.next(); });
    expect_nothing_held(before);
    EXPECT_FALSE(request.next().has_value()) << "an error ends it";
    EXPECT_EQ(request.finish_reason(), FinishReason::none);
    EXPECT_EQ(request.metrics().generated_tokens, 1);
  }
}

TEST_F(RequestTest, OutOfMemoryInAStepEndsItAndLeavesNothing) {
  Engine& engine = make_engine();
  const int64_t before = active();
  during_ = [&](size_t pass) {
    if (pass == 1) device_->memory().set_limit(active() + 100);
  };
  Request request(engine, Ids(600, 5), {});
  test::expect_error(ErrorCode::out_of_memory, "budget", [&] { request.next(); });
  expect_nothing_held(before);
  EXPECT_FALSE(request.next().has_value());
  device_->memory().set_limit(int64_t{1} << 30);
  Request again(engine, {5}, {.max_tokens = 1});
  EXPECT_EQ(run(again), (Ids{6}));
}

TEST_F(RequestTest, AnOptionThatForbidsEverythingIsAnErrorOfThatRequestAlone) {
  GenerateOptions nothing;
  for (int32_t id = 0; id < ScriptedModel::kVocabulary; ++id)
    nothing.logit_bias.emplace_back(id, -std::numeric_limits<float>::infinity());
  Engine& engine = make_engine();
  Request good(engine, {5}, {.max_tokens = 2});
  Request bad(engine, {5}, nothing);
  EXPECT_EQ(good.next()->id, 6);
  test::expect_error(ErrorCode::invalid_argument, "logit_bias", [&] { bad.next(); });
  EXPECT_EQ(good.next()->id, 7);
}

TEST_F(RequestTest, RequestsOfOneEngineDoNotDisturbEachOther) {
  Engine& engine = make_engine();
  Request a(engine, {5}, {.max_tokens = 4});
  Request b(engine, Ids(700, 20), {.max_tokens = 3});
  Ids from_a;
  Ids from_b;
  for (int i = 0; i < 5; ++i) {
    if (const auto sample = a.next()) from_a.push_back(sample->id);
    if (const auto sample = b.next()) from_b.push_back(sample->id);
  }
  EXPECT_EQ(from_a, (Ids{6, 7, 8, 9}));
  EXPECT_EQ(from_b, (Ids{21, 22, 23}));
}

TEST_F(RequestTest, BadIdsAndOptionsAreErrorsBeforeAnythingIsReserved) {
  Engine& engine = make_engine();
  const int64_t before = active();
  test::expect_error(ErrorCode::invalid_argument, "no tokens", [&] { Request(engine, {}, {}); });
  test::expect_error(ErrorCode::invalid_argument, "token id 64 is outside 0..63", [&] {
    Request(engine, {1, 64}, {});
  });
  test::expect_error(ErrorCode::invalid_argument, "token id -1",
                     [&] { Request(engine, {-1}, {}); });
  test::expect_error(ErrorCode::invalid_argument, "top_p",
                     [&] { Request(engine, {1}, {.top_p = 0}); });
  expect_nothing_held(before);
}

TEST_F(RequestTest, Metrics) {
  Engine& engine = make_engine();
  const int64_t before = active();
  Request request(engine, Ids(40, 5), {.max_tokens = 5});
  EXPECT_EQ(request.metrics().prompt_tokens, 40);
  EXPECT_EQ(run(request).size(), 5U);
  const Metrics m = request.metrics();
  EXPECT_EQ(m.prompt_tokens, 40);
  EXPECT_EQ(m.generated_tokens, 5);
  EXPECT_GT(m.prefill_seconds, 0);
  EXPECT_GE(m.time_to_first_token_seconds, m.prefill_seconds);
  EXPECT_GT(m.decode_seconds, 0);
  EXPECT_DOUBLE_EQ(m.prefill_tokens_per_second, 40 / m.prefill_seconds);
  EXPECT_DOUBLE_EQ(m.decode_tokens_per_second, 4 / m.decode_seconds);
  EXPECT_GT(m.active_bytes, before) << "the cache is still there when it is measured";
  EXPECT_GE(m.peak_bytes, m.active_bytes);
}

// A real model: what chunks and steps give is what one pass over everything gives, to the bit.
struct RealParam {
  const char* family;
  Compute compute;
};
class RequestOfRealModel : public testing::TestWithParam<RealParam> {};

TEST_P(RequestOfRealModel, TokensAndLogprobsAreThoseOfTheLogits) {
  const DevicePtr device = Device::cpu({.threads = 2});
  Engine engine(test::load_reference(GetParam().family, GetParam().compute, device),
                {.context_length = 2048});
  const Ids prompt = test::random_ids(560, 3);  // two chunks
  for (const GenerateOptions& options : std::initializer_list<GenerateOptions>{
           {.max_tokens = 6}, {.max_tokens = 6, .temperature = 1, .top_p = 0.9F, .seed = 4}}) {
    Request request(engine, prompt, options);
    Ids all = prompt;
    std::vector<float> logprobs;
    while (const auto sample = request.next()) {
      all.push_back(sample->id);
      logprobs.push_back(sample->logprob);
    }
    ASSERT_EQ(all.size(), prompt.size() + 6);
    const std::vector<float> logits = engine.logits(all);
    const size_t width = logits.size() / all.size();
    engine::Sampler sampler(options, prompt);
    for (size_t i = 0; i < 6; ++i) {
      const auto row = std::span(logits).subspan((prompt.size() - 1 + i) * width, width);
      const engine::Sample expected =
          sampler.sample(Array::from(row, {1, static_cast<int64_t>(width)}, device));
      EXPECT_EQ(all[prompt.size() + i], expected.id) << "token " << i;
      EXPECT_EQ(std::bit_cast<uint32_t>(logprobs[i]), std::bit_cast<uint32_t>(expected.logprob));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, RequestOfRealModel,
                         testing::Values(RealParam{"gemma3", Compute::bf16},
                                         RealParam{"llama3", Compute::f32}),
                         [](const auto& info) {
                           return std::string(info.param.family) +
                                  (info.param.compute == Compute::bf16 ? "_bf16" : "_f32");
                         });

}  // namespace
}  // namespace linnet
