#include "engine/step_plan.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace linnet::engine {
namespace {

using Rows = std::vector<int64_t>;

Rows plan(const Rows& remaining, int64_t budget = 512, int64_t prompt_budget = 512) {
  return plan_rows(remaining, budget, prompt_budget);
}

TEST(StepPlan, EveryoneWhoDecodesGetsARow) {
  EXPECT_EQ(plan({1, 1, 1}), (Rows{1, 1, 1}));
  EXPECT_EQ(plan({1, 4000, 1}), (Rows{1, 510, 1})) << "however long a prompt is";
  EXPECT_EQ(plan({1, 1, 1, 1}, 3), (Rows{1, 1, 1, 0})) << "the first go first";
  EXPECT_EQ(plan({1, 1, 50}, 2), (Rows{1, 1, 0}));
  EXPECT_EQ(plan({}), Rows{});
}

TEST(StepPlan, APromptAloneHasAllThatPromptsMayHave) {
  EXPECT_EQ(plan({4000}), (Rows{512}));
  EXPECT_EQ(plan({300}), (Rows{300}));
  EXPECT_EQ(plan({1, 4000}, 512, 40), (Rows{1, 40}));
}

TEST(StepPlan, TheOldestPromptHasHalfAndTheShortestComeNext) {
  EXPECT_EQ(plan({4000, 3000, 20, 60}), (Rows{256, 176, 20, 60}));
  EXPECT_EQ(plan({4000, 20}), (Rows{492, 20})) << "what nobody else wants is the oldest's";
  EXPECT_EQ(plan({100, 4000}), (Rows{100, 412}));
  EXPECT_EQ(plan({4000, 500, 400}), (Rows{256, 0, 256}));
  EXPECT_EQ(plan({4000, 300, 300}), (Rows{256, 256, 0})) << "of equals the first";
  EXPECT_EQ(plan({2, 2, 2}, 3), (Rows{2, 1, 0}));
}

TEST(StepPlan, NeverMoreThanThereIsAndNeverNothingAtAll) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    Rows remaining;
    for (uint64_t i = random() % 40 + 1; i > 0; --i)
      remaining.push_back(random() % 2 == 0 ? 1 : 1 + static_cast<int64_t>(random() % 1000));
    const auto budget = static_cast<int64_t>(1 + random() % 600);
    const auto prompts = static_cast<int64_t>(1 + random() % 600);
    const Rows rows = plan(remaining, budget, prompts);
    int64_t of_prompts = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      ASSERT_GE(rows[i], 0);
      ASSERT_LE(rows[i], remaining[i]);
      if (remaining[i] > 1) of_prompts += rows[i];
    }
    const int64_t all = std::accumulate(rows.begin(), rows.end(), int64_t{0});
    ASSERT_LE(all, budget);
    ASSERT_GT(all, 0);
    ASSERT_LE(of_prompts, prompts);
  }
}

}  // namespace
}  // namespace linnet::engine
