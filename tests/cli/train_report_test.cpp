#include "cli/train_report.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "cli/svg_chart.hpp"

namespace linnet::cli {
namespace {

const ReportHead kHead{.title = "A <b>run</b> & more",
                       .facts = {{"Model", "\"tiny\" & 'co'"}, {"Rank", "8"}}};

TrainHistory example(int64_t steps) {
  TrainHistory history;
  for (int64_t i = 1; i <= steps; ++i) {
    const auto x = static_cast<double>(i) / static_cast<double>(steps);
    history.steps.push_back(
        {.step = i,
         .loss = 1.1 + 2.4 / (1 + 9 * x) + 0.12 * std::sin(97.3 * x * 7) +
                 0.08 * std::cos(static_cast<double>(i) * 2.7),
         .learning_rate = 2e-4 * (x < 0.05 ? x / 0.05 : 1.0 - (x - 0.05)),
         .gradient_norm = 0.5 + 1.5 / (1 + 20 * x) + 0.2 * std::sin(static_cast<double>(i)),
         .tokens_per_second = 1480 + 60 * std::sin(static_cast<double>(i) / 9),
         .memory_bytes = (int64_t{3} << 30) + ((i % 17) << 22)});
    if (i % std::max<int64_t>(1, steps / 12) == 0)
      history.validation.push_back({.step = i, .loss = 1.25 + 2.3 / (1 + 9 * x)});
  }
  return history;
}

size_t count(const std::string& text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(TrainReport, HasEverythingInOneFile) {
  const std::string page = report_html(kHead, example(600));
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  EXPECT_EQ(count(page, "role=\"img\""), 5U);
  EXPECT_EQ(count(page, "<desc"), 5U);
  EXPECT_NE(page.find("validation: "), std::string::npos);
  EXPECT_NE(page.find("prefers-color-scheme: dark"), std::string::npos);
  for (const char* outside : {"http:", "https:", "url(", "<script", "<link", "@import", "src="})
    EXPECT_EQ(count(page, outside), 0U) << outside;
  EXPECT_LE(count(page, "<tr>"), 201U);
  EXPECT_NE(page.find("<td>600</td>"), std::string::npos);
  // For a look at it.
  if (const char* file = std::getenv("LINNET_TRAIN_REPORT")) std::ofstream(file) << page;
}

TEST(TrainReport, EveryTextIsEscaped) {
  const std::string page = report_html(kHead, example(3));
  EXPECT_EQ(count(page, "<b>"), 0U);
  EXPECT_EQ(count(page, "A &lt;b&gt;run&lt;/b&gt; &amp; more"), 2U);
  EXPECT_NE(page.find("&quot;tiny&quot; &amp; &#39;co&#39;"), std::string::npos);
  EXPECT_EQ(escape_html("a\x01\x7f\n"), "a\xef\xbf\xbd\xef\xbf\xbd\n");
  EXPECT_EQ(escape_html("\xff<"), "\xef\xbf\xbd&lt;");
  EXPECT_EQ(escape_html("ü"), "ü");
}

TEST(TrainReport, WhatWasNotMeasuredIsLeftOut) {
  TrainHistory history;
  std::string page = report_html({}, history);
  EXPECT_NE(page.find("<h1>Training run</h1>"), std::string::npos);
  EXPECT_NE(page.find("no values"), std::string::npos);
  history.steps = {{.step = 1, .loss = std::nan("")},
                   {.step = 2, .loss = 2},
                   {.step = 3, .loss = std::numeric_limits<double>::infinity()}};
  page = report_html({}, history);
  EXPECT_EQ(count(page, "role=\"img\""), 1U);
  for (const char* bad : {"nan", "inf,", "inf\""}) EXPECT_EQ(count(page, bad), 0U) << bad;
  EXPECT_EQ(count(page, "<circle class=\"first\""), 1U);
}

TEST(TrainReport, TheTableHasEveryNthStepAndAllValidations) {
  TrainHistory history = example(1001);
  history.validation = {
      {.step = 0, .loss = 77.5}, {.step = 500, .loss = 78.5}, {.step = 1001, .loss = 79.5}};
  const std::string page = report_html({}, history);
  EXPECT_NE(page.find("Numbers of every 6 steps"), std::string::npos);
  for (const char* loss : {"<td>77.5</td>", "<td>78.5</td>", "<td>79.5</td>", "<td>1001</td>"})
    EXPECT_EQ(count(page, loss), 1U) << loss;
}

TEST(SvgChart, NumbersAndTicks) {
  EXPECT_EQ(chart_number(0), "0");
  EXPECT_EQ(chart_number(1.23456), "1.235");
  EXPECT_EQ(chart_number(3e-5), "3e-05");
  EXPECT_EQ(chart_number(999.96), "1,000");
  EXPECT_EQ(chart_number(1234567), "1,234,567");
  EXPECT_EQ(chart_number(-123456), "-123,456");
  EXPECT_EQ(chart_number(std::nan("")), "none");
  EXPECT_EQ(round_ticks(0, 10, 5, false), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(round_ticks(1, 3, 10, true), (std::vector<double>{1, 2, 3}));
  const auto small = round_ticks(0, 2e-4, 5, false);
  EXPECT_GE(small.size(), 4U);
  EXPECT_LE(small.size(), 6U);
  for (const double low : {-3.7, 0.0, 1e-7, 12.3, 5e8})
    for (const double range : {1e-6, 0.3, 1.0, 7.7, 1e6})
      for (const int most : {3, 5, 10}) {
        const auto ticks = round_ticks(low, low + range, most, false);
        EXPECT_LE(ticks.size(), static_cast<size_t>(most) + 1);
        EXPECT_GE(ticks.size(), 1U) << low << " " << range;
        for (const double tick : ticks) {
          EXPECT_GE(tick, low - 1e-9 * range);
          EXPECT_LE(tick, low + range);
        }
      }
}

TEST(SvgChart, ManyPointsBecomeAsManyAsCanBeSeen) {
  ChartSeries series{.name = "training"};
  for (int i = 0; i < 100'000; ++i)
    series.points.push_back({static_cast<double>(i), static_cast<double>(i % 7)});
  const std::string svg = svg_chart({.id = "a", .name = "Loss", .series = {series}});
  EXPECT_LT(svg.size(), 30'000U);
  EXPECT_EQ(count(svg, "class=\"band\""), 1U);
}

}  // namespace
}  // namespace linnet::cli
