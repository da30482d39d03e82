#include "cli/line_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace linnet::cli {
namespace {

constexpr size_t kReadBytes = size_t{1} << 16;
constexpr int kPollMilliseconds = 50;  // how late a stop is noticed while nothing comes

}  // namespace

LineReader::LineReader(int descriptor, std::string name, std::stop_token stop)
    : descriptor_(descriptor),
      name_(std::move(name)),
      stop_(std::move(stop)),
      buffer_(kReadBytes) {}

bool LineReader::fill(int wait_ms) {
  if (stop_.stop_requested()) ended_ = true;
  while (!ended_) {
    pollfd poll{descriptor_, POLLIN, 0};
    const int found = ::poll(&poll, 1, wait_ms == 0 ? 0 : kPollMilliseconds);
    if (stop_.stop_requested()) ended_ = true;
    if (ended_) break;
    if (found == 0 && wait_ms == 0) return false;
    if (found == 0 || (found < 0 && errno == EINTR)) continue;
    const ssize_t count = ::read(descriptor_, buffer_.data(), buffer_.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0)
      fail(ErrorCode::device, "reading {}: {}", name_, std::generic_category().message(errno));
    rest_ = {buffer_.data(), static_cast<size_t>(count)};
    if (count > 0) return true;
    ended_ = true;
  }
  // What was begun when a stop was requested is no line.
  if (stop_.stop_requested()) begun_ = {};
  return false;
}

void LineReader::take(size_t bytes) {
  const std::string_view part = rest_.substr(0, bytes);
  begun_.too_long = begun_.too_long || begun_.text.size() + part.size() > kMaxLine;
  if (begun_.too_long)
    begun_.text = {};
  else
    begun_.text += part;
  if (checksum_) checksum_->add(part);
  position_.bytes += static_cast<int64_t>(bytes);
  rest_.remove_prefix(bytes);
}

InputLine LineReader::end_line() {
  ++position_.lines;
  if (begun_.text.ends_with('\r')) begun_.text.pop_back();
  InputLine line = std::exchange(begun_, {});
  line.after = position_;
  if (checksum_) line.after.checksum = checksum_->hex();
  return line;
}

std::optional<InputLine> LineReader::next() {
  while (true) {
    if (rest_.empty() && !fill(-1)) {
      if (begun_.text.empty() && !begun_.too_long) return std::nullopt;
      return end_line();
    }
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) {
      take(rest_.size());
      continue;
    }
    take(end);
    if (checksum_) checksum_->add("\n");
    ++position_.bytes;
    rest_.remove_prefix(1);
    return end_line();
  }
}

bool LineReader::ready() {
  while (true) {
    if (rest_.find('\n') != std::string_view::npos) return true;
    take(rest_.size());
    if (!fill(0)) return ended_;
  }
}

}  // namespace linnet::cli
