// One answer on its way from a model to a client: text, reasoning and calls of tools.
#pragma once

#include <linnet/model.hpp>

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "serve/telemetry.hpp"
#include "text/reply_parser.hpp"

namespace linnet::serve {

namespace asio = boost::asio;

/// A piece of a call, or all of it.
struct CallDelta {
  int64_t index = 0;
  std::string id;    ///< where the call begins; empty where it goes on
  std::string name;  ///< likewise
  std::string arguments;
};

/// What came since the last look.
struct AnswerDelta {
  std::string content;
  std::string reasoning;
  std::vector<CallDelta> calls;
  std::vector<Token> tokens;  ///< if they are wanted

  [[nodiscard]] bool empty() const {
    return content.empty() && reasoning.empty() && calls.empty() && tokens.empty();
  }
  /// Puts what came later behind it; pieces of one call become one.
  void append(AnswerDelta later);
};

/// Used on the network thread.
class Answer {
 public:
  /// Without a format the text is content as it is. Calls beyond `max_calls` are left out.
  Answer(Generation generation, std::optional<text::ReplyFormat> format, bool keep_tokens,
         int64_t max_calls);

  [[nodiscard]] bool ready() const { return ended_ || generation_.ready(); }
  void when_ready(std::function<void()> wake) { generation_.when_ready(std::move(wake)); }
  /// All that is there, without waiting. Errors: those of the generation; ApiError 503 if the
  /// server ended it.
  AnswerDelta take(Telemetry& telemetry);

  [[nodiscard]] bool ended() const noexcept { return ended_; }
  /// "stop", "length" or "tool_calls", of an answer that has ended.
  [[nodiscard]] std::string_view finish_reason() const;
  /// Which of the request's stop strings ended it.
  [[nodiscard]] std::optional<size_t> stop_string() const { return generation_.stop_string(); }
  /// Of an answer that has ended.
  [[nodiscard]] const Metrics& metrics() const noexcept { return metrics_; }
  [[nodiscard]] int64_t prompt_tokens() const {
    return static_cast<int64_t>(generation_.prompt_ids().size());
  }

 private:
  void add(AnswerDelta& delta, std::vector<text::ReplyEvent> events);

  Generation generation_;
  std::optional<text::ReplyParser> parser_;
  bool keep_tokens_;
  int64_t max_calls_;
  bool ended_ = false;
  int64_t calls_ = 0;
  Metrics metrics_;
  std::optional<std::chrono::steady_clock::time_point> last_token_;
};

/// Waits until one of the answers is ready; false if none is after `timeout`.
asio::awaitable<bool> wait_any(std::span<Answer> answers, std::chrono::milliseconds timeout);

/// What a request's answers took together. Each prompt, of `per_prompt` answers in a row, counts
/// once.
struct Usage {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t generated_tokens = 0;
};
Usage usage_of(std::span<const Answer> answers, size_t per_prompt);

}  // namespace linnet::serve
