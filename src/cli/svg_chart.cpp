#include "cli/svg_chart.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace linnet::cli {
namespace {

constexpr double kLeft = 62;
constexpr double kRight = 14;
constexpr double kTop = 14;
constexpr double kBottom = 40;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

/// What the points of one column of the picture have in common.
struct Bucket {
  double x = 0;
  double mean = 0;
  double low = 0;
  double high = 0;
};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] bool empty() const { return low > high; }
};

bool finite(const ChartPoint& point) { return std::isfinite(point.x) && std::isfinite(point.y); }

/// The finite points, several of them in one where there are more than `most`.
std::vector<Bucket> buckets_of(const std::vector<ChartPoint>& points, size_t most) {
  std::vector<ChartPoint> good;
  std::copy_if(points.begin(), points.end(), std::back_inserter(good), finite);
  std::vector<Bucket> result;
  const size_t count = std::min(most, good.size());
  for (size_t i = 0; i < count; ++i) {
    const size_t first = good.size() * i / count;
    const size_t last = good.size() * (i + 1) / count;
    const auto number = static_cast<double>(last - first);
    Range range;
    Bucket bucket;
    for (size_t at = first; at < last; ++at) {
      range.add(good[at].y);
      bucket.x += good[at].x / number;
      bucket.mean += good[at].y / number;
    }
    bucket.low = range.low;
    bucket.high = range.high;
    result.push_back(bucket);
  }
  return result;
}

/// Positions in the picture.
struct Frame {
  Range x;
  Range y;
  double width = 0;
  double height = 0;

  [[nodiscard]] double right() const { return width - kRight; }
  [[nodiscard]] double bottom() const { return height - kBottom; }
  [[nodiscard]] double place_x(double value) const {
    return kLeft + (value - x.low) / (x.high - x.low) * (right() - kLeft);
  }
  [[nodiscard]] double place_y(double value) const {
    return bottom() - (value - y.low) / (y.high - y.low) * (bottom() - kTop);
  }
};

/// A range that can be divided by, with some air round the data.
Range widened(Range range, bool from_zero) {
  if (from_zero) range.add(0);
  double air = (range.high - range.low) * 0.06;
  if (!(air > 0)) air = std::max(std::fabs(range.high) * 0.1, 1e-9);
  if (!from_zero || range.low < 0) range.low -= air;
  range.high += air;
  return range;
}

void draw_axes(std::string& out, const Frame& frame) {
  auto to = std::back_inserter(out);
  out += "<g class=\"axes\" aria-hidden=\"true\">";
  for (const double tick : round_ticks(frame.y.low, frame.y.high,
                                       std::max(3, static_cast<int>(frame.height / 40)), false)) {
    const double y = frame.place_y(tick);
    fmt::format_to(to, R"(<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)", kLeft, y,
                   frame.right(), y);
    fmt::format_to(to, R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)", kLeft - 8,
                   y + 4, chart_number(tick));
  }
  const int count = std::max(2, static_cast<int>(frame.width / 110));
  for (const double tick : round_ticks(frame.x.low, frame.x.high, count, true))
    fmt::format_to(to, R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)",
                   frame.place_x(tick), frame.bottom() + 18, chart_number(tick));
  fmt::format_to(to, R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">step</text>)", frame.right(),
                 frame.height - 5);
  out += "</g>";
}

void draw_series(std::string& out, const Frame& frame, const std::vector<Bucket>& buckets,
                 bool marked) {
  auto to = std::back_inserter(out);
  const auto point = [&](double x, double y) {
    fmt::format_to(to, "{:.1f},{:.1f} ", frame.place_x(x), frame.place_y(y));
  };
  const bool spread =
      std::any_of(buckets.begin(), buckets.end(), [](const Bucket& b) { return b.low < b.high; });
  if (spread) {
    out += "<polygon class=\"band\" points=\"";
    for (const Bucket& b : buckets) point(b.x, b.high);
    for (auto b = buckets.rbegin(); b != buckets.rend(); ++b) point(b->x, b->low);
    out += "\"/>";
  }
  const std::string_view name = marked ? "second" : "first";
  fmt::format_to(to, "<polyline class=\"{}\" points=\"", name);
  for (const Bucket& b : buckets) point(b.x, b.mean);
  out += "\"/>";
  // A point alone is no line.
  if (!marked && buckets.size() > 1) return;
  for (const Bucket& b : buckets)
    fmt::format_to(to, R"(<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="3"/>)", name,
                   frame.place_x(b.x), frame.place_y(b.mean));
}

/// "training from 2.5 at step 1 to 1.2 at step 100, least 1.1", for those who don't see the lines.
std::string description(const Chart& chart) {
  std::string text;
  for (const ChartSeries& series : chart.series) {
    std::vector<ChartPoint> good;
    std::copy_if(series.points.begin(), series.points.end(), std::back_inserter(good), finite);
    if (good.empty()) continue;
    const auto [least, most] =
        std::minmax_element(good.begin(), good.end(),
                            [](const ChartPoint& a, const ChartPoint& b) { return a.y < b.y; });
    fmt::format_to(std::back_inserter(text),
                   "{}{}: {} at step {}, {} at step {}; least {}, most {}",
                   text.empty() ? "" : ". ", series.name, chart_number(good.front().y),
                   chart_number(good.front().x), chart_number(good.back().y),
                   chart_number(good.back().x), chart_number(least->y), chart_number(most->y));
  }
  return text.empty() ? "no values" : text;
}

}  // namespace

std::string escape_html(std::string_view text) {
  const bool valid = simdjson::validate_utf8(text.data(), text.size());
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else if (c == '\'')
      result += "&#39;";
    else if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f || (byte >= 0x80 && !valid))
      result += kReplacement;
    else
      result += c;
  }
  return result;
}

std::string chart_number(double value) {
  if (!std::isfinite(value)) return "none";
  if (std::fabs(value) < 999.95 || std::fabs(value) >= 1e15) return fmt::format("{:.4g}", value);
  std::string digits = fmt::format("{:.0f}", value);
  const auto sign = static_cast<size_t>(value < 0 ? 1 : 0);
  for (size_t at = digits.size(); at > sign + 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::vector<double> round_ticks(double low, double high, int count, bool whole) {
  const double wanted = (high - low) / count;
  double power = 1;
  while (power > wanted && power > 1e-300) power /= 10;
  while (power * 10 <= wanted) power *= 10;
  double step = power * 10;
  for (const double factor : {5.0, 2.0, 1.0})
    if (power * factor >= wanted) step = power * factor;
  if (whole) step = std::max(step, 1.0);
  std::vector<double> ticks;
  // Multiples, not sums: 0.3 is not 0.1 + 0.1 + 0.1.
  for (double at = std::ceil(low / step); at * step <= high && ticks.size() < 50; at += 1)
    ticks.push_back(at * step + 0.0);
  return ticks;
}

std::string svg_chart(const Chart& chart) {
  Frame frame{.width = static_cast<double>(chart.width),
              .height = static_cast<double>(chart.height)};
  std::vector<std::vector<Bucket>> series;
  for (const ChartSeries& one : chart.series) {
    series.push_back(buckets_of(one.points, static_cast<size_t>(chart.width) / 2));
    // The axis ends where the points do, not where their means do.
    for (const ChartPoint& point : one.points)
      if (finite(point)) frame.x.add(point.x);
    for (const Bucket& bucket : series.back()) {
      frame.y.add(bucket.low);
      frame.y.add(bucket.high);
    }
  }
  std::string out = fmt::format(
      R"(<svg viewBox="0 0 {} {}" role="img" aria-labelledby="{}-t {}-d"><title id="{}-t">{}</title><desc id="{}-d">{}</desc>)",
      chart.width, chart.height, chart.id, chart.id, chart.id,
      escape_html(chart.unit.empty() ? chart.name : chart.name + ", " + chart.unit), chart.id,
      escape_html(description(chart)));
  if (frame.y.empty()) {
    fmt::format_to(std::back_inserter(out),
                   R"(<text class="none" x="{}" y="{}" text-anchor="middle">no values</text>)",
                   chart.width / 2, chart.height / 2);
  } else {
    frame.y = widened(frame.y, chart.from_zero);
    if (!(frame.x.high > frame.x.low)) frame.x = {frame.x.low - 1, frame.x.high + 1};
    draw_axes(out, frame);
    for (size_t i = 0; i < series.size(); ++i)
      if (!series[i].empty()) draw_series(out, frame, series[i], chart.series[i].marked);
  }
  return out + "</svg>";
}

}  // namespace linnet::cli
