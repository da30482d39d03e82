// What `linnet train` shows while it runs: a plot that is drawn again in place on a terminal, lines
// elsewhere.
#pragma once

#include <linnet/train.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

namespace linnet::cli {

struct DisplayOptions {
  int64_t total_steps = 0;    ///< 0: not known
  bool terminal = false;      ///< may move the cursor; else one line a call
  bool unicode = true;        ///< as PlotOptions
  int columns = 80;           ///< of the terminal
  int rows = 24;              ///< of the terminal
  int64_t interval_ms = 200;  ///< between two drawings; of a terminal
};

/// What the file descriptor is: no terminal if TERM is "dumb"; unicode by LC_ALL, LC_CTYPE or LANG.
DisplayOptions display_options(int descriptor);

/// Not thread-safe. `write` takes the bytes, ANSI sequences among them on a terminal only.
class TrainingDisplay {
 public:
  TrainingDisplay(const DisplayOptions& options, std::function<void(std::string_view)> write)
      : options_(options), write_(std::move(write)) {}

  /// After a step: a terminal is drawn again if it is due; elsewhere a line is written.
  void update(const TrainHistory& history);
  /// At the end: the last drawing stays. Elsewhere nothing more is written.
  void finish(const TrainHistory& history);
  /// Removes the drawing, so that something else can be written; the next one begins below it.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const TrainHistory& history);

  DisplayOptions options_;
  std::function<void(std::string_view)> write_;
  int64_t drawn_lines_ = 0;
  Clock::time_point next_;
};

}  // namespace linnet::cli
