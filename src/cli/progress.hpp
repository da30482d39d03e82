// The line that says how far the loading or writing of a model is.
#pragma once

#include <linnet/options.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace linnet::cli {

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

 private:
  using Clock = std::chrono::steady_clock;

  void write(int64_t done, int64_t total, const std::string& of);
  [[nodiscard]] bool due() const;

  std::string verb_;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point next_;  // when the line is due
};

}  // namespace linnet::cli
