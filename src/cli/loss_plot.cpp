#include "cli/loss_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <vector>

#include "cli/svg_chart.hpp"
#include "cli/units.hpp"

namespace linnet::cli {
namespace {

constexpr int kLabel = 9;  // columns of the numbers beside the axis
constexpr int kLeastColumns = 24;
constexpr int kLeastRows = 2;

/// Dots, `across` x `down` to a character.
class Raster {
 public:
  Raster(int columns, int rows, bool unicode)
      : columns_(columns),
        across_(unicode ? 2 : 1),
        down_(unicode ? 4 : 1),
        cells_(static_cast<size_t>(columns) * static_cast<size_t>(rows)),
        marks_(cells_.size()) {}

  [[nodiscard]] int across() const { return across_; }
  [[nodiscard]] int down() const { return down_; }

  void dot(int x, int y) {
    // Braille numbers its dots down the left column, then the right one, and the lowest two last.
    static constexpr uint8_t kBits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    cells_[cell(x, y)] |= kBits[y % down_][x % across_];
  }
  void mark(int x, int y) { marks_[cell(x, y)] = true; }

  void append(int row, std::string& out) const {
    for (int column = 0; column < columns_; ++column) {
      const auto at =
          static_cast<size_t>(row) * static_cast<size_t>(columns_) + static_cast<size_t>(column);
      const uint8_t bits = cells_[at];
      if (marks_[at])
        out += 'o';
      else if (bits == 0)
        out += ' ';
      else if (across_ == 1)
        out += '*';
      else {  // U+2800 + bits
        out += '\xe2';
        out += static_cast<char>(0xa0 | bits >> 6);
        out += static_cast<char>(0x80 | (bits & 0x3f));
      }
    }
  }

 private:
  [[nodiscard]] size_t cell(int x, int y) const {
    return static_cast<size_t>(y / down_) * static_cast<size_t>(columns_) +
           static_cast<size_t>(x / across_);
  }

  int columns_;
  int across_;
  int down_;
  std::vector<uint8_t> cells_;
  std::vector<bool> marks_;
};

/// Where steps and losses are in the raster.
struct Scale {
  double first = 0;
  double last = 0;
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  int width = 0;  // dots
  int height = 0;

  [[nodiscard]] int x(int64_t step) const {
    if (!(last > first)) return 0;
    const double part = (static_cast<double>(step) - first) / (last - first);
    return std::clamp(static_cast<int>(part * (width - 1) + 0.5), 0, width - 1);
  }
  [[nodiscard]] int y(double loss) const {
    if (!(high > low)) return height / 2;
    return std::clamp(static_cast<int>((high - loss) / (high - low) * (height - 1) + 0.5), 0,
                      height - 1);
  }
};

/// The mean loss of the steps of one column of dots.
struct Column {
  int x = 0;
  double sum = 0;
  int64_t count = 0;

  [[nodiscard]] double mean() const { return sum / static_cast<double>(count); }
};

std::vector<Column> columns_of(const TrainHistory& history, const Scale& scale) {
  std::vector<Column> columns;
  for (const auto& point : history.steps) {
    if (!std::isfinite(point.loss)) continue;
    const int x = scale.x(point.step);
    if (columns.empty() || columns.back().x != x) columns.push_back({x, 0, 0});
    columns.back().sum += point.loss;
    ++columns.back().count;
  }
  return columns;
}

void draw(Raster& raster, const std::vector<Column>& columns, const Scale& scale) {
  for (size_t i = 0; i < columns.size(); ++i) {
    const int x = columns[i].x;
    const int y = scale.y(columns[i].mean());
    raster.dot(x, y);
    if (i == 0) continue;
    const int from_x = columns[i - 1].x;
    const int from_y = scale.y(columns[i - 1].mean());
    int before = from_y;
    for (int at = from_x + 1; at <= x; ++at) {
      const double part = static_cast<double>(at - from_x) / (x - from_x);
      const int now = static_cast<int>(from_y + (y - from_y) * part + 0.5);
      // Upright as far as the curve went, less the dot it came from.
      for (int dot = before; dot != now; dot += now > before ? 1 : -1)
        if (dot != before) raster.dot(at, dot);
      raster.dot(at, now);
      before = now;
    }
  }
}

}  // namespace

std::string loss_plot(const TrainHistory& history, const PlotOptions& options) {
  if (options.columns < kLeastColumns || options.rows < kLeastRows) return {};
  const int width = std::min(options.columns, 500) - kLabel - 1;
  const int rows = std::min(options.rows, 100);
  Raster raster(width, rows, options.unicode);
  Scale scale{.width = width * raster.across(), .height = rows * raster.down()};
  if (!history.steps.empty()) {
    scale.first = static_cast<double>(history.steps.front().step);
    scale.last = static_cast<double>(std::max(history.steps.back().step, options.total_steps));
  }
  const auto columns = columns_of(history, scale);
  if (columns.empty()) return {};
  const auto add = [&](double loss) {
    if (!std::isfinite(loss)) return;
    scale.low = std::min(scale.low, loss);
    scale.high = std::max(scale.high, loss);
  };
  for (const Column& column : columns) add(column.mean());
  for (const auto& point : history.validation) add(point.loss);
  draw(raster, columns, scale);
  for (const auto& point : history.validation)
    if (std::isfinite(point.loss)) raster.mark(scale.x(point.step), scale.y(point.loss));

  const std::string_view upright = options.unicode ? "│" : "|";
  const std::string_view corner = options.unicode ? "└" : "+";
  const std::string_view flat = options.unicode ? "─" : "-";
  std::string out;
  for (int row = 0; row < rows; ++row) {
    std::string label;
    if (row == 0 && scale.high > scale.low) label = chart_number(scale.high);
    if (row == rows - 1) label = chart_number(scale.low);
    std::string line = fmt::format("{:>{}} {}", label, kLabel - 1, upright);
    raster.append(row, line);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  fmt::format_to(std::back_inserter(out), "{:>{}} {}", "", kLabel - 1, corner);
  for (int i = 0; i < width; ++i) out += flat;
  const std::string first = chart_number(scale.first);
  const std::string last = "step " + chart_number(scale.last);
  const int room = width - static_cast<int>(first.size());
  fmt::format_to(std::back_inserter(out), "\n{:>{}}{}{:>{}}\n", "", kLabel + 1, first, last,
                 std::max(room, 0));
  return out;
}

std::string step_text(const TrainHistory& history, int64_t total_steps, int columns) {
  if (history.steps.empty()) return {};
  const auto& point = history.steps.back();
  std::vector<std::string> figures;
  figures.push_back(total_steps > 0 ? fmt::format("step {}/{}", point.step, total_steps)
                                    : fmt::format("step {}", point.step));
  figures.push_back("loss " + chart_number(point.loss));
  // Measured after this step or before: the one that still holds.
  if (!history.validation.empty())
    figures.push_back("validation " + chart_number(history.validation.back().loss));
  if (point.learning_rate != 0) figures.push_back("lr " + chart_number(point.learning_rate));
  if (point.gradient_norm != 0) figures.push_back("norm " + chart_number(point.gradient_norm));
  if (point.tokens_per_second != 0)
    figures.push_back(chart_number(point.tokens_per_second) + " tokens/s");
  if (point.memory_bytes != 0) figures.push_back(format_bytes(point.memory_bytes));
  std::string text;
  for (const std::string& figure : figures) {
    const std::string_view gap = text.empty() ? "" : "  ";
    if (columns > 0 && text.size() + gap.size() + figure.size() > static_cast<size_t>(columns))
      break;
    fmt::format_to(std::back_inserter(text), "{}{}", gap, figure);
  }
  return text;
}

}  // namespace linnet::cli
