// The line that says how far the loading of a model is.
#pragma once

#include <linnet/options.hpp>

#include <chrono>

namespace linnet::cli {

/// Rewrites one line on standard error, if that is a terminal and the loading takes longer than a
/// moment; the destructor removes it.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const LoadProgress& progress);

 private:
  using Clock = std::chrono::steady_clock;

  bool terminal_;
  bool shown_ = false;
  Clock::time_point next_;  // when the line is due
};

}  // namespace linnet::cli
