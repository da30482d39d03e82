#include "cli/train_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "cli/svg_chart.hpp"
#include "cli/units.hpp"

namespace linnet::cli {
namespace {

constexpr size_t kMaxRows = 200;

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --bg: #fdfcfa; --raised: #ffffff; --text: #211c19; --soft: #655c55;
  --line: #e3dcd2; --first: #a12d4a; --second: #2a6bb0; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #171514; --raised: #242120; --text: #ece7e2; --soft: #aaa199; --line: #38332f;
    --first: #f08ba2; --second: #7db4ee; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 56px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 16px; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 8px; }
h2 small { font-weight: 400; }
dl { margin: 0; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 20px; margin-bottom: 24px; }
.facts dt { font-size: 1rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px;
  margin-bottom: 20px; }
.figures div, figure, details { background: var(--raised); border: 1px solid var(--line);
  border-radius: 10px; }
.figures div { padding: 10px 16px; }
.figures dd { font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.figures small, h2 small { color: var(--soft); font-size: .85rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr));
  gap: 16px; }
figure { margin: 0; padding: 14px 16px 8px; min-width: 0; }
figure.wide { grid-column: 1 / -1; }
figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 20px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; color: var(--soft); font-size: .85rem; }
.legend span { display: inline-flex; align-items: center; gap: 6px; }
.legend svg { width: 28px; height: 10px; }
svg { display: block; width: 100%; height: auto; }
.axes line { stroke: var(--line); }
.axes text, .none { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
polyline.first { stroke: var(--first); }
polyline.second { stroke: var(--second); stroke-dasharray: 6 5; }
circle.first { fill: var(--first); }
circle.second { fill: var(--second); }
.band { fill: var(--first); opacity: .18; }
details { margin-top: 16px; padding: 12px 16px; }
summary { cursor: pointer; font-weight: 600; }
.scroll { overflow-x: auto; margin-top: 8px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 10px; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
@media print { details { display: none; } figure { break-inside: avoid; } }
)";

template <class Point, class Get>
std::vector<ChartPoint> points_of(const std::vector<Point>& points, const Get& get) {
  std::vector<ChartPoint> result;
  for (const Point& point : points)
    result.push_back({static_cast<double>(point.step), static_cast<double>(get(point))});
  return result;
}

/// Whether any step has it; what was not measured is 0 everywhere.
template <class Get>
bool measured(const TrainHistory& history, const Get& get) {
  return std::any_of(history.steps.begin(), history.steps.end(),
                     [&](const TrainPoint& point) { return static_cast<double>(get(point)) != 0; });
}

void add_figure(std::string& out, std::string_view name, const std::string& value,
                const std::string& more = {}) {
  fmt::format_to(std::back_inserter(out), "<div><dt>{}</dt><dd>{}{}</dd></div>", name,
                 escape_html(value),
                 more.empty() ? "" : fmt::format(" <small>{}</small>", escape_html(more)));
}

/// The numbers that matter, large.
std::string figures(const TrainHistory& history) {
  std::string out = "<dl class=\"figures\">";
  const auto& steps = history.steps;
  if (!steps.empty()) {
    add_figure(out, "Steps", chart_number(static_cast<double>(steps.back().step)));
    add_figure(out, "Training loss", chart_number(steps.back().loss),
               "from " + chart_number(steps.front().loss));
  }
  const ValidationPoint* best = nullptr;
  for (const ValidationPoint& point : history.validation)
    if (std::isfinite(point.loss) && (best == nullptr || point.loss < best->loss)) best = &point;
  if (best != nullptr)
    add_figure(out, "Least validation loss", chart_number(best->loss),
               fmt::format("at step {}", chart_number(static_cast<double>(best->step))));
  double speed = 0;
  int64_t timed = 0;
  int64_t memory = 0;
  for (const TrainPoint& point : steps) {
    if (std::isfinite(point.tokens_per_second) && point.tokens_per_second > 0) {
      speed += point.tokens_per_second;
      ++timed;
    }
    memory = std::max(memory, point.memory_bytes);
  }
  if (timed > 0)
    add_figure(out, "Mean speed", chart_number(speed / static_cast<double>(timed)), "tokens/s");
  if (memory > 0) add_figure(out, "Peak memory", format_bytes(memory));
  return out + "</dl>";
}

void add_chart(std::string& out, const Chart& chart, bool wide) {
  auto to = std::back_inserter(out);
  fmt::format_to(
      to, "<figure{}><figcaption><h2>{}{}</h2>", wide ? " class=\"wide\"" : "",
      escape_html(chart.name),
      chart.unit.empty() ? "" : fmt::format(" <small>{}</small>", escape_html(chart.unit)));
  if (chart.series.size() > 1) {
    out += "<div class=\"legend\" aria-hidden=\"true\">";
    for (const ChartSeries& series : chart.series)
      fmt::format_to(
          to,
          R"(<span><svg viewBox="0 0 28 10"><polyline class="{}" points="2,5 26,5"/>{}</svg>{}</span>)",
          series.marked ? "second" : "first",
          series.marked ? R"(<circle class="second" cx="14" cy="5" r="3"/>)" : "",
          escape_html(series.name));
    out += "</div>";
  }
  fmt::format_to(to, "</figcaption>{}</figure>\n", svg_chart(chart));
}

std::string charts(const TrainHistory& history) {
  const auto& steps = history.steps;
  std::string out = "<div class=\"charts\">";
  Chart loss{.id = "loss", .name = "Loss", .unit = "per token", .width = 1080, .height = 320};
  loss.series.push_back({"training", points_of(steps, [](const TrainPoint& p) { return p.loss; })});
  if (!history.validation.empty())
    loss.series.push_back(
        {"validation", points_of(history.validation, [](const auto& p) { return p.loss; }), true});
  add_chart(out, loss, true);
  const auto add = [&](std::string id, std::string name, std::string unit, const auto& get) {
    if (!measured(history, get)) return;
    add_chart(out,
              {.id = std::move(id),
               .name = name,
               .unit = std::move(unit),
               .series = {{name, points_of(steps, get)}},
               .from_zero = true,
               .width = 520,
               .height = 230},
              false);
  };
  add("rate", "Learning rate", "", [](const TrainPoint& p) { return p.learning_rate; });
  add("norm", "Gradient norm", "before clipping",
      [](const TrainPoint& p) { return p.gradient_norm; });
  add("speed", "Speed", "tokens/s", [](const TrainPoint& p) { return p.tokens_per_second; });
  int64_t memory = 0;
  for (const TrainPoint& point : steps) memory = std::max(memory, point.memory_bytes);
  const bool large = memory >= int64_t{1} << 30;
  add("memory", "Memory", large ? "GiB" : "MiB", [&](const TrainPoint& p) {
    return static_cast<double>(p.memory_bytes) / (large ? 0x1p30 : 0x1p20);
  });
  return out + "</div>";
}

/// The numbers; of long runs every n-th step, the last among them.
std::string table(const TrainHistory& history) {
  const auto& steps = history.steps;
  if (steps.empty()) return {};
  const size_t every = (steps.size() + kMaxRows - 1) / kMaxRows;
  std::string out = fmt::format(
      "<details><summary>Numbers{}</summary><div class=\"scroll\"><table><thead><tr>"
      "<th scope=\"col\">Step</th><th scope=\"col\">Loss</th><th scope=\"col\">Validation</th>"
      "<th scope=\"col\">Learning rate</th><th scope=\"col\">Gradient norm</th>"
      "<th scope=\"col\">Tokens/s</th><th scope=\"col\">Memory</th></tr></thead><tbody>\n",
      every > 1 ? fmt::format(" of every {} steps", every) : "");
  auto validation = history.validation.begin();
  std::string measured_loss;
  for (size_t i = 0; i < steps.size(); ++i) {
    const TrainPoint& p = steps[i];
    // One that was measured between two rows stands in the next row.
    for (; validation != history.validation.end() && validation->step <= p.step; ++validation)
      measured_loss = chart_number(validation->loss);
    if ((steps.size() - 1 - i) % every != 0) continue;
    fmt::format_to(std::back_inserter(out),
                   "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
                   "<td>{}</td></tr>\n",
                   p.step, chart_number(p.loss), measured_loss, chart_number(p.learning_rate),
                   chart_number(p.gradient_norm), chart_number(p.tokens_per_second),
                   format_bytes(p.memory_bytes));
    measured_loss.clear();
  }
  return out + "</tbody></table></div></details>";
}

}  // namespace

std::string report_html(const ReportHead& head, const TrainHistory& history) {
  const std::string title = escape_html(head.title.empty() ? "Training run" : head.title);
  std::string facts;
  for (const auto& [name, value] : head.facts)
    fmt::format_to(std::back_inserter(facts), "<dt>{}</dt><dd>{}</dd>", escape_html(name),
                   escape_html(value));
  if (!facts.empty()) facts = "<dl class=\"facts\">" + facts + "</dl>\n";
  return fmt::format(
      R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{0}</title>
<style>{1}</style>
</head>
<body>
<main>
<h1>{0}</h1>
{2}{3}
{4}
{5}
</main>
</body>
</html>
)",
      title, kStyle, facts, figures(history), charts(history), table(history));
}

}  // namespace linnet::cli
