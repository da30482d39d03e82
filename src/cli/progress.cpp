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

bool ProgressLine::due() const { return terminal_ && Clock::now() >= next_; }

void ProgressLine::write(int64_t done, int64_t total, const std::string& of) {
  const int64_t percent = done / std::max<int64_t>(total / 100, 1);
  fmt::print(stderr, "\r\x1b[K{} {}% of {}", verb_, std::min<int64_t>(percent, 100), of);
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

}  // namespace linnet::cli
