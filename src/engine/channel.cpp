#include "engine/channel.hpp"

#include <utility>

namespace linnet::engine {

void Channel::push(Piece piece) {
  std::function<void()> wake;
  {
    const std::scoped_lock lock(mutex_);
    if (discarded_) return;
    pieces_.push_back(std::move(piece));
    wake = std::exchange(wake_, nullptr);
  }
  changed_.notify_one();
  if (wake) wake();
}

void Channel::close(const Ending& ending, const Metrics& metrics) {
  std::function<void()> wake;
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    ending_ = ending;
    metrics_ = metrics;
    wake = std::exchange(wake_, nullptr);
  }
  changed_.notify_all();
  if (wake) wake();
}

bool Channel::ready() const {
  const std::scoped_lock lock(mutex_);
  return closed_ || !pieces_.empty();
}

void Channel::when_ready(std::function<void()> wake) {
  {
    const std::scoped_lock lock(mutex_);
    if (!closed_ && pieces_.empty()) {
      wake_ = std::move(wake);
      return;
    }
  }
  wake();
}

std::optional<Piece> Channel::pop() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || !pieces_.empty(); });
  if (!pieces_.empty()) {
    std::optional<Piece> piece = std::move(pieces_.front());
    pieces_.pop_front();
    return piece;
  }
  if (const std::exception_ptr error = std::exchange(ending_.error, nullptr))
    std::rethrow_exception(error);
  return std::nullopt;
}

void Channel::discard() {
  const std::scoped_lock lock(mutex_);
  discarded_ = true;
  pieces_.clear();
}

void Channel::wait_closed() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_; });
}

bool Channel::closed() const {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

FinishReason Channel::reason() const {
  const std::scoped_lock lock(mutex_);
  return ending_.reason;
}

std::optional<int32_t> Channel::stop_id() const {
  const std::scoped_lock lock(mutex_);
  return ending_.stop_id;
}

std::optional<size_t> Channel::stop_string() const {
  const std::scoped_lock lock(mutex_);
  return ending_.stop_string;
}

std::string Channel::tail() const {
  const std::scoped_lock lock(mutex_);
  return ending_.tail;
}

Metrics Channel::metrics() const {
  const std::scoped_lock lock(mutex_);
  return metrics_;
}

}  // namespace linnet::engine
