// Tokens on their way from the engine's thread to a caller's.
#pragma once

#include <linnet/model.hpp>

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/job.hpp"
#include "engine/sampler.hpp"

namespace linnet::engine {

/// A token with its text.
struct Piece : Sample {
  std::string text = {};
  std::vector<TokenLogprob> top = {};
};

/// All functions may be called from any thread.
class Channel {
 public:
  void push(Piece piece);
  /// No token comes any more.
  void close(const Ending& ending, const Metrics& metrics);
  /// Waits for a token; nothing once the channel is closed and empty. The error that closed it is
  /// thrown once.
  std::optional<Piece> pop();
  /// Whether pop() would return at once.
  [[nodiscard]] bool ready() const;
  /// Calls `wake` once, as soon as pop() would return at once: here if it does already, else on the
  /// thread that pushes or closes. A second call replaces the first.
  void when_ready(std::function<void()> wake);
  /// Forgets the tokens that have not been taken, and those that come.
  void discard();

  void wait_closed();
  [[nodiscard]] bool closed() const;
  /// How it was closed; `none` and default values before.
  [[nodiscard]] FinishReason reason() const;
  [[nodiscard]] std::optional<int32_t> stop_id() const;
  [[nodiscard]] std::optional<size_t> stop_string() const;
  [[nodiscard]] std::string tail() const;
  [[nodiscard]] Metrics metrics() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Piece> pieces_;
  std::function<void()> wake_;
  bool discarded_ = false;
  bool closed_ = false;
  Ending ending_;
  Metrics metrics_;
};

}  // namespace linnet::engine
