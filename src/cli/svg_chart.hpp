// A line chart as SVG, for reports: no scripts, no fonts, no colours of its own (classes, which the
// page's style sheet gives colours), readable without seeing it (title and desc).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linnet::cli {

struct ChartPoint {
  double x = 0;
  double y = 0;
};

struct ChartSeries {
  std::string name;                ///< for the legend
  std::vector<ChartPoint> points;  ///< by rising x; those that are not finite are left out
  bool marked = false;             ///< a dashed line with dots, class "second"; else class "first"
};

struct Chart {
  std::string id;    ///< unique in the page: letters and digits
  std::string name;  ///< "Loss"
  std::string unit;  ///< of y, "tokens/s", for title and caption; empty: none
  std::vector<ChartSeries> series;
  bool from_zero = false;  ///< whether the axis begins at 0
  int width = 720;
  int height = 240;
};

/// The text with & < > " ' as entities; what is not UTF-8, and control characters, as U+FFFD.
std::string escape_html(std::string_view text);

/// "1,234", "2.35", "3e-05": at most four significant digits below a thousand.
std::string chart_number(double value);

/// Round numbers (1, 2 or 5 times a power of ten apart, whole ones if asked for), at most `count` +
/// 1 of them, that lie in low..high. Both must be finite and low < high.
std::vector<double> round_ticks(double low, double high, int count, bool whole);

/// The <svg> element. More points than the chart is wide become their means, with a band (class
/// "band") from the least to the largest.
std::string svg_chart(const Chart& chart);

}  // namespace linnet::cli
