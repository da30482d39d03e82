#include "train/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "support/expect_error.hpp"

namespace linnet::train {
namespace {

TEST(Schedule, WarmsUpAndStays) {
  const Schedule schedule({.kind = ScheduleKind::constant, .learning_rate = 8, .warmup_steps = 4});
  EXPECT_EQ(schedule.at(0), 2);
  EXPECT_EQ(schedule.at(1), 4);
  EXPECT_EQ(schedule.at(3), 8);
  EXPECT_EQ(schedule.at(4), 8);
  EXPECT_EQ(schedule.at(int64_t{1} << 40), 8);
}

TEST(Schedule, FallsAlongALine) {
  const Schedule schedule({.kind = ScheduleKind::linear,
                           .learning_rate = 1,
                           .warmup_steps = 2,
                           .total_steps = 10,
                           .minimum_ratio = 0.5});
  EXPECT_EQ(schedule.at(1), 1);
  EXPECT_EQ(schedule.at(2), 1);
  EXPECT_EQ(schedule.at(6), 0.75);
  EXPECT_EQ(schedule.at(10), 0.5);
  EXPECT_EQ(schedule.at(1000), 0.5);
}

TEST(Schedule, FallsAlongACosine) {
  const ScheduleOptions options{.kind = ScheduleKind::cosine,
                                .learning_rate = 3e-4,
                                .warmup_steps = 7,
                                .total_steps = 107,
                                .minimum_ratio = 0.1};
  const Schedule schedule(options);
  for (int64_t step = 0; step < 120; ++step) {
    double expected = 3e-4 * 0.1;
    if (step < 7)
      expected = 3e-4 * static_cast<double>(step + 1) / 7;
    else if (step < 107)
      expected =
          3e-4 * (0.1 + 0.9 * 0.5 *
                            (1 + std::cos(std::numbers::pi * static_cast<double>(step - 7) / 100)));
    EXPECT_NEAR(schedule.at(step), expected, 1e-18) << step;
  }
  EXPECT_DOUBLE_EQ(schedule.at(57), 3e-4 * 0.55);
}

TEST(Schedule, MayBeWarmUpAlone) {
  const Schedule schedule(
      {.kind = ScheduleKind::cosine, .learning_rate = 1, .warmup_steps = 5, .total_steps = 5});
  EXPECT_EQ(schedule.at(4), 1);
  EXPECT_EQ(schedule.at(5), 0);
}

TEST(Schedule, ErrorsNameTheNumbers) {
  const auto bad = ErrorCode::invalid_argument;
  test::expect_error(bad, "the learning rate is -1",
                     [] { Schedule({.kind = ScheduleKind::constant, .learning_rate = -1}); });
  test::expect_error(bad, "a cosine schedule has 0 steps", [] { Schedule({}); });
  test::expect_error(bad, "the schedule has 9 steps of warm-up and 5 in all",
                     [] { Schedule({.warmup_steps = 9, .total_steps = 5}); });
  test::expect_error(bad, "least ratio is 2",
                     [] { Schedule({.total_steps = 5, .minimum_ratio = 2}); });
  test::expect_error(bad, "a constant schedule has no least ratio",
                     [] { Schedule({.kind = ScheduleKind::constant, .minimum_ratio = 0.5}); });
  test::expect_error(bad, "schedule \"step\" is unknown", [] { (void)parse_schedule("step"); });
  EXPECT_EQ(parse_schedule("linear"), ScheduleKind::linear);
  test::expect_error(bad, "step -1",
                     [] { (void)Schedule({.kind = ScheduleKind::constant}).at(-1); });
}

}  // namespace
}  // namespace linnet::train
