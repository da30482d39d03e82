// The line that says how far the loading of a model, or another long work, is.
#pragma once

#include <linnet/options.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace linnet::cli {

/// How far a job over lines is.
struct JobProgress {
  int64_t done = 0;         ///< bytes of the input that have been dealt with
  int64_t total = 0;        ///< bytes of the input; 0: not known
  int64_t done_before = 0;  ///< of `done`, those that an earlier run did
  int64_t count = 0;        ///< what was done in this run
  std::string_view what = {};
  double seconds = 0;  ///< of this run
};

/// "classifying 12%, 1500 lines, 150.2/s, 1:05 left"; what is not known is left out.
std::string progress_text(std::string_view verb, const JobProgress& progress);

/// Rewrites one line on standard error, "loading 12% of 1.87 GiB", if that is a terminal and the
/// work takes longer than a moment; the destructor removes it.
class ProgressLine {
 public:
  explicit ProgressLine(std::string verb = "loading");
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const LoadProgress& progress);
  /// The same for anything that is counted: "comparing 12% of 2048 tokens".
  void show(int64_t done, int64_t total, std::string_view what);
  void show(const JobProgress& progress);
  /// Removes the line, so that something else can be written.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  void write(int64_t done, int64_t total, const std::string& of);
  void write(const std::string& text);
  [[nodiscard]] bool due() const;

  std::string verb_;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point next_;  // when the line is due
};

}  // namespace linnet::cli
