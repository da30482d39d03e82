#include "cli/train_display.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "cli/loss_plot.hpp"

namespace linnet::cli {
namespace {

constexpr int kPlotRows = 10;

/// Whether the locale that counts for characters is one of UTF-8.
bool is_utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string lower(value);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lower.find("utf-8") != std::string::npos || lower.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace

DisplayOptions display_options(int descriptor) {
  DisplayOptions options;
  const char* term = std::getenv("TERM");
  options.terminal = ::isatty(descriptor) == 1 && term != nullptr && *term != '\0' &&
                     std::string_view(term) != "dumb";
  options.unicode = is_utf8_locale();
  ::winsize size{};
  if (options.terminal && ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    options.columns = size.ws_col;
    options.rows = size.ws_row > 0 ? size.ws_row : options.rows;
  }
  return options;
}

void TrainingDisplay::update(const TrainHistory& history) {
  if (!options_.terminal) {
    const std::string text = step_text(history, options_.total_steps);
    if (!text.empty()) write_(text + "\n");
    return;
  }
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(options_.interval_ms);
  draw(history);
}

void TrainingDisplay::finish(const TrainHistory& history) {
  if (options_.terminal) draw(history);
  drawn_lines_ = 0;
}

void TrainingDisplay::clear() {
  if (drawn_lines_ > 0) write_(fmt::format("\x1b[{}A\r\x1b[J", drawn_lines_));
  drawn_lines_ = 0;
}

void TrainingDisplay::draw(const TrainHistory& history) {
  // Two lines of axis, one of figures, one that the cursor is on.
  const int rows = std::min(kPlotRows, options_.rows - 4);
  // The last column stays free: a full line would wrap on some terminals.
  const int columns = options_.columns - 1;
  std::string text = loss_plot(history, {.columns = columns,
                                         .rows = rows,
                                         .total_steps = options_.total_steps,
                                         .unicode = options_.unicode});
  const std::string figures = step_text(history, options_.total_steps, columns);
  if (!figures.empty()) text += figures + "\n";
  // One write, so that nothing flickers.
  const std::string back =
      drawn_lines_ > 0 ? fmt::format("\x1b[{}A\r\x1b[J", drawn_lines_) : std::string();
  write_(back + text);
  drawn_lines_ = std::count(text.begin(), text.end(), '\n');
}

}  // namespace linnet::cli
