// Guesses: where they come from, when they are made, and that they change no answer.
#include "engine/speculator.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <random>
#include <thread>

#include "engine/engine.hpp"
#include "engine/request.hpp"
#include "engine/scripted_model.hpp"
#include "models/registry.hpp"
#include "support/sanitized.hpp"
#include "support/test_checkpoint.hpp"

namespace linnet::engine {
namespace {

using Ids = std::vector<int32_t>;

TEST(LookupDrafter, GuessesWhatFollowedLast) {
  LookupDrafter drafter;
  EXPECT_TRUE(drafter.guess(Ids{1, 2}, 4).empty());
  EXPECT_TRUE(drafter.guess(Ids{1, 2, 3}, 4).empty());
  EXPECT_EQ(drafter.guess(Ids{1, 2, 3, 7, 8, 1, 2, 3}, 4), (Ids{7, 8, 1, 2}));
  EXPECT_EQ(drafter.guess(Ids{1, 2, 3, 7, 8, 1, 2, 3}, 1), (Ids{7}));
  EXPECT_EQ(drafter.guess(Ids{1, 2, 3, 7, 8, 1, 2, 3, 9, 1, 2, 3}, 2), (Ids{9, 1}))
      << "the latest place";
  EXPECT_TRUE(drafter.guess(Ids{1, 2, 3, 7, 8, 1, 2, 3, 9, 1, 2, 4}, 2).empty());
  LookupDrafter repeated;
  EXPECT_EQ(repeated.guess(Ids{5, 5, 5, 5, 5}, 4), (Ids{5})) << "what is known of it";
}

struct FixedDrafter final : Drafter {
  std::vector<int32_t> guess(std::span<const int32_t> /*ids*/, int64_t most) override {
    return Ids(static_cast<size_t>(most), 1);
  }
};

TEST(Speculator, BacksOffWhereGuessesDoNotPay) {
  Speculator speculator(std::make_unique<FixedDrafter>(), 8);
  const Ids ids{1};
  int64_t guesses = 0;
  int64_t last = 0;
  int64_t longest_pause = 0;
  for (int64_t step = 0; step < 4000; ++step) {
    const auto guessed = static_cast<int64_t>(speculator.guess(ids, 16).size());
    if (guessed > 0) {
      ++guesses;
      longest_pause = std::max(longest_pause, step - last);
      last = step;
      EXPECT_LE(guessed, 2) << "short ones, to see";
    }
    // Each guess costs half a step, and is wrong.
    speculator.learn(guessed, 0, 1 + 0.5 * static_cast<double>(guessed));
  }
  EXPECT_GT(guesses, 5) << "it tries again";
  EXPECT_LT(guesses, 20) << "which costs less than a hundredth of the time";
  EXPECT_LE(longest_pause, 600);
}

TEST(Speculator, GuessesMoreWhileTheyAreRight) {
  Speculator speculator(std::make_unique<FixedDrafter>(), 8);
  const Ids ids{1};
  std::vector<int64_t> lengths;
  for (int step = 0; step < 8; ++step) {
    const auto guessed = static_cast<int64_t>(speculator.guess(ids, 16).size());
    lengths.push_back(guessed);
    speculator.learn(guessed, guessed, 1 + 0.1 * static_cast<double>(guessed));
  }
  EXPECT_EQ(lengths, (std::vector<int64_t>{0, 0, 0, 2, 4, 8, 8, 8}));
  EXPECT_EQ(speculator.guess(ids, 3).size(), 3U) << "what the pass has room for";
}

struct Answer {
  Ids ids;
  std::vector<uint32_t> logprobs;
  Metrics metrics;
  bool same(const Answer& other) const { return ids == other.ids && logprobs == other.logprobs; }
};

Answer answer_of(Request request) {
  Answer answer;
  while (const auto piece = request.next()) {
    answer.ids.push_back(piece->id);
    answer.logprobs.push_back(std::bit_cast<uint32_t>(piece->logprob));
  }
  answer.metrics = request.metrics();
  return answer;
}

TEST(Speculation, OfAScriptedTextIsRightAndFewerPasses) {
  auto hooks = std::make_shared<test::ScriptedModel::Hooks>();
  int64_t passes = 0;
  std::vector<int64_t> rows;
  hooks->next = [](int32_t token) { return static_cast<int32_t>((token + 1) % 5); };
  hooks->on_forward = [&](const nn::Batch& batch) {
    ++passes;
    rows.push_back(static_cast<int64_t>(batch.ids.size()));
    // Time passes, so that guesses are seen to pay.
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  };
  Engine engine(test::ScriptedModel::make(Device::cpu({.threads = 1}), hooks),
                {.context_length = 4096});
  const Answer plain = answer_of(Request(engine, {3}, {.max_tokens = 60}));
  EXPECT_EQ(passes, 60);
  passes = 0;
  const Answer guessed = answer_of(Request(engine, {3}, {.max_tokens = 60, .speculate = 8}));
  EXPECT_EQ(guessed.ids, plain.ids);
  EXPECT_LT(passes, 45);
  EXPECT_EQ(guessed.metrics.generated_tokens, 60);
  EXPECT_GT(guessed.metrics.accepted_tokens, 15);
  EXPECT_GE(guessed.metrics.drafted_tokens, guessed.metrics.accepted_tokens);
  EXPECT_EQ(plain.metrics.drafted_tokens, 0);
}

/// Guesses that are sometimes right: the answer itself, spoiled here and there.
class Engines {
 public:
  static std::unique_ptr<models::Model> load(const std::string& family, const DevicePtr& device) {
    return std::move(models::load(io::Checkpoint::open(test::reference_folder(family)), device,
                                  {.compute = Compute::bf16})
                         .model);
  }
  static std::unique_ptr<Engine> make(const std::string& family, const std::string& draft) {
    const DevicePtr device = Device::cpu({.threads = 2});
    EngineOptions options{.context_length = 512};
    options.scheduler.prefix_cache_bytes = 1 << 20;
    if (!draft.empty())
      options.draft = std::make_unique<DraftModel>(load(draft, device), int64_t{8} << 20, 512);
    return std::make_unique<Engine>(load(family, device), std::move(options));
  }
};

class SpeculationOfFamily : public testing::TestWithParam<std::string> {};

// Repetitive prompts and answers, so that lookups hit; long enough to pass the window; together, so
// that guesses of several are checked in one pass.
TEST_P(SpeculationOfFamily, ChangesNoBit) {
  const auto plain = Engines::make(GetParam(), "");
  for (const bool with_model : {false, true}) {
    const auto engine = Engines::make(GetParam(), with_model ? GetParam() : "");
    std::vector<std::pair<Ids, GenerateOptions>> requests;
    for (unsigned i = 0; i < test::rounds(10, 4); ++i) {
      Ids prompt;
      const Ids phrase = test::random_ids(3 + i, i);
      while (prompt.size() < 20 + 25 * i) prompt.insert(prompt.end(), phrase.begin(), phrase.end());
      GenerateOptions options{.max_tokens = 90,
                              .temperature = i % 2 == 0 ? 0.0F : 0.3F,
                              .seed = i,
                              .repetition_penalty = i % 3 == 0 ? 1.05F : 1.0F,
                              .ignore_eos = true};
      requests.emplace_back(prompt, options);
    }
    std::vector<Answer> expected;
    for (auto& [prompt, options] : requests) {
      expected.push_back(answer_of(Request(*plain, prompt, options)));
      options.speculate = 6;
    }
    std::vector<Request> running;
    for (const auto& [prompt, options] : requests) running.emplace_back(*engine, prompt, options);
    int64_t drafted = 0;
    for (size_t i = 0; i < running.size(); ++i) {
      const Answer answer = answer_of(std::move(running[i]));
      EXPECT_TRUE(answer.same(expected[i])) << "request " << i << ", model " << with_model;
      drafted += answer.metrics.drafted_tokens;
    }
    EXPECT_GT(drafted, 0);
    engine->scheduler().wait_until_idle();
  }
}

INSTANTIATE_TEST_SUITE_P(Families, SpeculationOfFamily,
                         testing::ValuesIn(test::reference_families()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace linnet::engine
