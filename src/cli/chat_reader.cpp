#include "cli/chat_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace linnet::cli {
namespace {

constexpr size_t kMaxLine = size_t{16} << 20;

}  // namespace

bool wait_for_input(const ChatSignals& signals) {
  std::array<pollfd, 2> ends{pollfd{signals.event_descriptor(), POLLIN, 0},
                             pollfd{STDIN_FILENO, POLLIN, 0}};
  while (::poll(ends.data(), ends.size(), -1) < 0)
    if (errno != EINTR)
      fail(ErrorCode::device, "waiting for standard input: {}",
           std::generic_category().message(errno));
  return ends[0].revents == 0;
}

/// Reads what there is; false at the end of the input, or when Ctrl-C came.
bool PlainReader::fill() {
  while (!wait_for_input(signals_)) {
    interrupted_ = signals_.take_event() == ChatSignals::Event::interrupt;
    if (interrupted_) return false;
  }
  std::array<char, 65536> bytes{};
  const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
  if (count < 0) {
    if (errno == EINTR || errno == EAGAIN) return true;
    fail(ErrorCode::device, "reading standard input: {}", std::generic_category().message(errno));
  }
  buffer_.append(bytes.data(), static_cast<size_t>(count));
  if (count == 0) ended_ = true;
  return count > 0;
}

ChatLine PlainReader::read(bool continued) {
  if (prompt_) {
    std::fputs(continued ? ". " : "> ", stderr);
    std::fflush(stderr);
  }
  interrupted_ = false;
  size_t end = buffer_.find('\n', searched_);
  while (end == std::string::npos) {
    if (buffer_.size() > kMaxLine) {
      too_long_ = true;
      buffer_.clear();
    }
    searched_ = buffer_.size();
    if (!ended_ && fill()) {
      end = buffer_.find('\n', searched_);
      continue;
    }
    if (interrupted_) {
      buffer_.clear();
      searched_ = 0;
      return {.kind = ChatLine::Kind::interrupted};
    }
    break;
  }
  const bool last = end == std::string::npos;
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, last ? end : end + 1);
  searched_ = 0;
  if (std::exchange(too_long_, false))
    fail(ErrorCode::invalid_argument, "a line has more than {} bytes", kMaxLine);
  // Ctrl-D on a terminal is the end of this read, and not of those to come.
  if (last && prompt_) ended_ = false;
  if (last && line.empty()) return {.kind = ChatLine::Kind::end};
  if (line.ends_with('\r')) line.pop_back();
  return {.kind = ChatLine::Kind::line, .text = std::move(line)};
}

}  // namespace linnet::cli
