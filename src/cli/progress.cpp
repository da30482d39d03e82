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

ProgressLine::ProgressLine(std::string verb)
    : verb_(std::move(verb)),
      terminal_(::isatty(STDERR_FILENO) == 1),
      next_(Clock::now() + kQuiet) {}

ProgressLine::~ProgressLine() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

void ProgressLine::show(const LoadProgress& progress) {
  if (!terminal_ || Clock::now() < next_) return;
  const int64_t percent = progress.done_bytes / std::max<int64_t>(progress.total_bytes / 100, 1);
  fmt::print(stderr, "\r\x1b[K{} {}% of {}", verb_, std::min<int64_t>(percent, 100),
             format_bytes(progress.total_bytes));
  std::fflush(stderr);
  shown_ = true;
  next_ = Clock::now() + kPeriod;
}

}  // namespace linnet::cli
