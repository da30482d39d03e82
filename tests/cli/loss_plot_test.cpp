#include "cli/loss_plot.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "cli/train_display.hpp"

namespace linnet::cli {
namespace {

TrainHistory falling(int64_t steps) {
  TrainHistory history;
  for (int64_t i = 1; i <= steps; ++i)
    history.steps.push_back(
        {.step = i, .loss = 1 + static_cast<double>(steps - i) / static_cast<double>(steps)});
  return history;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

/// Characters, not bytes.
size_t width_of(const std::string& text) {
  size_t width = 0;
  for (const char c : text)
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++width;
  return width;
}

TEST(LossPlot, KnownCurves) {
  TrainHistory history = falling(4);
  history.steps[0].loss = 4;
  history.steps[1].loss = 3;
  history.steps[2].loss = 2;
  history.steps[3].loss = 1;
  history.validation = {{.step = 4, .loss = 4}};
  EXPECT_EQ(loss_plot(history, {.columns = 24, .rows = 4, .unicode = false}),
            "       4 |**           o\n"
            "         |  *****\n"
            "         |       ****\n"
            "       1 |           ***\n"
            "         +--------------\n"
            "          1       step 4\n");
  history.validation.clear();
  EXPECT_EQ(loss_plot(history, {.columns = 24, .rows = 2}),
            "       4 │⠉⠑⠒⠢⠤⢄⣀\n"
            "       1 │       ⠉⠑⠒⠢⠤⢄⣀\n"
            "         └──────────────\n"
            "          1       step 4\n");
}

TEST(LossPlot, FitsTheTerminal) {
  for (const bool unicode : {false, true})
    for (const int columns : {24, 25, 40, 80, 81, 200})
      for (const int rows : {2, 3, 10})
        for (const int64_t steps : {1, 2, 10, 1000, 12345}) {
          TrainHistory history = falling(steps);
          history.validation = {{.step = steps, .loss = 3}};
          const auto lines =
              lines_of(loss_plot(history, {.columns = columns, .rows = rows, .unicode = unicode}));
          ASSERT_EQ(lines.size(), static_cast<size_t>(rows) + 2);
          for (const std::string& line : lines) {
            EXPECT_LE(width_of(line), static_cast<size_t>(columns)) << line;
            EXPECT_TRUE(unicode || width_of(line) == line.size()) << line;
          }
        }
}

TEST(LossPlot, GrowsTowardsTheEnd) {
  const std::string text =
      loss_plot(falling(10), {.columns = 40, .rows = 2, .total_steps = 100, .unicode = false});
  EXPECT_LT(lines_of(text)[0].size(), 15U);
  EXPECT_NE(text.find("step 100"), std::string::npos);
}

TEST(LossPlot, NothingToShowAndNoRoom) {
  EXPECT_EQ(loss_plot({}, {}), "");
  EXPECT_EQ(loss_plot(falling(5), {.columns = 23}), "");
  EXPECT_EQ(loss_plot(falling(5), {.rows = 1}), "");
  TrainHistory history = falling(3);
  history.steps[0].loss = std::numeric_limits<double>::quiet_NaN();
  history.steps[1].loss = std::numeric_limits<double>::infinity();
  EXPECT_NE(loss_plot(history, {}), "");
  history.steps[2].loss = std::nan("");
  EXPECT_EQ(loss_plot(history, {}), "");
}

TEST(StepText, LeavesOutWhatIsNotKnown) {
  TrainHistory history;
  EXPECT_EQ(step_text(history, 10), "");
  history.steps.push_back({.step = 45, .loss = 1.2345});
  EXPECT_EQ(step_text(history, 0), "step 45  loss 1.234");
  history.steps.back() = {.step = 45,
                          .loss = 1.25,
                          .learning_rate = 9.8e-5,
                          .gradient_norm = 0.53,
                          .tokens_per_second = 1234.4,
                          .memory_bytes = int64_t{5} << 29};
  history.validation = {{.step = 40, .loss = 1.5}};
  EXPECT_EQ(step_text(history, 500),
            "step 45/500  loss 1.25  validation 1.5  lr 9.8e-05  norm 0.53  1,234 tokens/s  "
            "2.50 GiB");
  EXPECT_EQ(step_text(history, 500, 40), "step 45/500  loss 1.25  validation 1.5");
}

TEST(TrainingDisplay, LinesWithoutATerminal) {
  std::string written;
  TrainingDisplay display({.total_steps = 3, .terminal = false},
                          [&](std::string_view text) { written += text; });
  for (int64_t i = 1; i <= 2; ++i) {
    TrainHistory history = falling(3);
    history.steps.resize(static_cast<size_t>(i));
    display.update(history);
  }
  display.finish(falling(2));
  EXPECT_EQ(written, "step 1/3  loss 1.667\nstep 2/3  loss 1.333\n");
}

TEST(TrainingDisplay, DrawsAgainInPlace) {
  std::string written;
  TrainingDisplay display({.terminal = true, .columns = 41, .rows = 7, .interval_ms = 0},
                          [&](std::string_view text) { written += text; });
  display.update(falling(2));
  const auto first = lines_of(written);
  ASSERT_EQ(first.size(), 6U);  // three rows, the axis, its steps, the figures
  for (const std::string& line : first) EXPECT_LE(width_of(line), 40U);
  written.clear();
  display.update(falling(3));
  EXPECT_TRUE(written.starts_with("\x1b[6A\r\x1b[J")) << written;
  written.clear();
  display.clear();
  EXPECT_EQ(written, "\x1b[6A\r\x1b[J");
  written.clear();
  display.finish(falling(3));
  EXPECT_FALSE(written.starts_with("\x1b"));
}

}  // namespace
}  // namespace linnet::cli
