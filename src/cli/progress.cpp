#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "cli/units.hpp"

namespace linnet::cli {
namespace {

constexpr std::chrono::milliseconds kQuiet{300};  // what is shorter than this shows nothing
constexpr std::chrono::milliseconds kPeriod{100};

}  // namespace

std::string progress_text(std::string_view verb, const JobProgress& progress) {
  std::string text(verb);
  if (progress.total > 0)
    text += fmt::format(
        " {}%,",
        std::min<int64_t>(progress.done / std::max<int64_t>(progress.total / 100, 1), 100));
  text += fmt::format(" {} {}", progress.count, progress.what);
  if (progress.seconds <= 0) return text;
  text += fmt::format(", {:.1f}/s", static_cast<double>(progress.count) / progress.seconds);
  const int64_t done = progress.done - progress.done_before;
  if (progress.total <= 0 || done <= 0) return text;
  const auto left = static_cast<int64_t>(
      progress.seconds / static_cast<double>(done) *
      static_cast<double>(std::max<int64_t>(progress.total - progress.done, 0)));
  text += left >= 3600
              ? fmt::format(", {}:{:02}:{:02} left", left / 3600, left / 60 % 60, left % 60)
              : fmt::format(", {}:{:02} left", left / 60, left % 60);
  return text;
}

ProgressLine::ProgressLine(std::string verb)
    : verb_(std::move(verb)),
      terminal_(::isatty(STDERR_FILENO) == 1),
      next_(Clock::now() + kQuiet) {}

ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::clear() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
  shown_ = false;
}

bool ProgressLine::due() const { return terminal_ && Clock::now() >= next_; }

void ProgressLine::write(int64_t done, int64_t total, const std::string& of) {
  const int64_t percent = done / std::max<int64_t>(total / 100, 1);
  write(fmt::format("{} {}% of {}", verb_, std::min<int64_t>(percent, 100), of));
}

void ProgressLine::write(const std::string& text) {
  fmt::print(stderr, "\r\x1b[K{}", text);
  std::fflush(stderr);
  shown_ = true;
  next_ = Clock::now() + kPeriod;
}

void ProgressLine::show(const LoadProgress& progress) {
  if (due()) write(progress.done_bytes, progress.total_bytes, format_bytes(progress.total_bytes));
}

void ProgressLine::show(int64_t done, int64_t total, std::string_view what) {
  if (due()) write(done, total, fmt::format("{} {}", total, what));
}

void ProgressLine::show(const JobProgress& progress) {
  if (due()) write(progress_text(verb_, progress));
}

}  // namespace linnet::cli
