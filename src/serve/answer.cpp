#include "serve/answer.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "serve/api_error.hpp"
#include "serve/random_id.hpp"

namespace linnet::serve {

void AnswerDelta::append(AnswerDelta later) {
  content += later.content;
  reasoning += later.reasoning;
  for (CallDelta& call : later.calls) {
    if (call.id.empty() && !calls.empty() && calls.back().index == call.index)
      calls.back().arguments += call.arguments;
    else
      calls.push_back(std::move(call));
  }
  std::ranges::move(later.tokens, std::back_inserter(tokens));
}

Answer::Answer(Generation generation, std::optional<text::ReplyFormat> format, bool keep_tokens,
               int64_t max_calls)
    : generation_(std::move(generation)), keep_tokens_(keep_tokens), max_calls_(max_calls) {
  if (format) parser_.emplace(*std::move(format));
}

void Answer::add(AnswerDelta& delta, std::vector<text::ReplyEvent> events) {
  for (text::ReplyEvent& event : events) {
    AnswerDelta piece;
    switch (event.kind) {
      case text::ReplyEvent::Kind::content: piece.content = std::move(event.text); break;
      case text::ReplyEvent::Kind::reasoning: piece.reasoning = std::move(event.text); break;
      case text::ReplyEvent::Kind::tool_call:
        if (calls_ == max_calls_) continue;
        piece.calls.push_back({.index = calls_++,
                               .id = random_id("call_"),
                               .name = std::move(event.name),
                               .arguments = std::move(event.text)});
        break;
    }
    delta.append(std::move(piece));
  }
}

AnswerDelta Answer::take(Telemetry& telemetry) {
  AnswerDelta delta;
  while (!ended_ && generation_.ready()) {
    const Token* const token = generation_.next();
    if (token == nullptr) {
      ended_ = true;
      metrics_ = generation_.metrics();
      telemetry.generated(metrics_);
      if (parser_) add(delta, parser_->finish());
      if (generation_.finish_reason() == FinishReason::cancelled)
        throw ApiError(503, "the server is shutting down", "shutting_down");
      break;
    }
    const auto now = std::chrono::steady_clock::now();
    telemetry.token(last_token_
                        ? std::optional(std::chrono::duration<double>(now - *last_token_).count())
                        : std::nullopt);
    last_token_ = now;
    if (parser_)
      add(delta, parser_->push(token->text));
    else
      delta.content += token->text;
    if (keep_tokens_) delta.tokens.push_back(*token);
  }
  return delta;
}

std::string_view Answer::finish_reason() const {
  if (generation_.finish_reason() == FinishReason::length) return "length";
  return calls_ > 0 ? "tool_calls" : "stop";
}

asio::awaitable<bool> wait_any(std::span<Answer> answers, std::chrono::milliseconds timeout) {
  const auto ready = [](const Answer& answer) { return answer.ready(); };
  if (std::ranges::any_of(answers, ready)) co_return true;
  const auto executor = co_await asio::this_coro::executor;
  // Shared: a wake may come when nobody waits any more.
  const auto signal = std::make_shared<asio::steady_timer>(executor, timeout);
  for (Answer& answer : answers) {
    if (answer.ended()) continue;
    // Posted, so that it finds the timer waiting.
    answer.when_ready([signal, executor] { asio::post(executor, [signal] { signal->cancel(); }); });
  }
  boost::system::error_code ignored;
  co_await signal->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  co_return std::ranges::any_of(answers, ready);
}

Usage usage_of(std::span<const Answer> answers, size_t per_prompt) {
  Usage usage;
  for (size_t i = 0; i < answers.size(); ++i) {
    usage.generated_tokens += answers[i].metrics().generated_tokens;
    if (i % per_prompt != 0) continue;
    usage.prompt_tokens += answers[i].prompt_tokens();
    usage.cached_tokens += answers[i].metrics().cached_prompt_tokens;
  }
  return usage;
}

}  // namespace linnet::serve
