#include "engine/request.hpp"

#include <algorithm>

#include "engine/engine.hpp"

namespace linnet::engine {

std::unordered_set<int32_t> end_ids(const Engine& engine, const GenerateOptions& options) {
  std::unordered_set<int32_t> ids;
  if (!options.ignore_eos) ids = engine.eos_ids();
  ids.insert(options.stop_ids.begin(), options.stop_ids.end());
  return ids;
}

Request::Request(Engine& engine, std::vector<int32_t> prompt, const GenerateOptions& options,
                 RequestContext context)
    : prompt_(std::move(prompt)) {
  engine.check_ids(prompt_);
  check_options(options, engine.model().config().vocab_size);
  const auto length = static_cast<int64_t>(prompt_.size());
  const int64_t max_tokens = std::min(options.max_tokens, engine.context_length() - length);
  require(options.max_tokens == 0 || max_tokens > 0,
          "the prompt has {} tokens and fills the context of {}", length, engine.context_length());
  require(options.stop_strings.empty() || context.stream.has_value(),
          "stop_strings need a tokenizer, which this model has not");
  for (const std::vector<int32_t>& word : context.bad_ids) {
    require(!word.empty(), "a bad word has no tokens");
    engine.check_vocabulary(word);
  }
  GenerateParts parts{.max_tokens = max_tokens,
                      .ends = end_ids(engine, options),
                      .bad_ids = std::move(context.bad_ids),
                      .stream = std::move(context.stream),
                      .matcher = std::move(context.matcher)};
  if (options.speculate > 0) parts.drafter = engine.new_drafter();
  job_ = std::make_shared<GenerateJob>(prompt_, options,
                                       Job::Terms{.priority = options.priority,
                                                  .max_queue_seconds = options.max_queue_seconds,
                                                  .stop = options.stop,
                                                  .from = context.session,
                                                  .to = context.session,
                                                  .adapter = context.adapter},
                                       std::move(parts));
  if (max_tokens > 0 && context.when_busy == WhenBusy::wait)
    engine.scheduler().submit_when_possible(job_);
  else if (max_tokens > 0)
    engine.scheduler().submit(job_);
  else
    job_->channel.close({.reason = FinishReason::length}, metrics());
}

Request::~Request() {
  if (job_) cancel();
}

std::optional<Piece> Request::next() {
  if (job_->stop_requested()) job_->channel.discard();
  std::optional<Piece> piece = job_->channel.pop();
  if (piece) {
    ++taken_;
  } else {
    finish_reason_ = job_->channel.reason();
    stop_id_ = job_->channel.stop_id();
    stop_string_ = job_->channel.stop_string();
    tail_ = job_->channel.tail();
    // It may have been complete already when it was cancelled; then it ends where it was left.
    if (job_->stop_requested() && taken_ < metrics().generated_tokens) {
      finish_reason_ = FinishReason::cancelled;
      stop_id_.reset();
      stop_string_.reset();
      tail_.clear();
    }
  }
  return piece;
}

bool Request::ready() const { return job_->channel.ready(); }

void Request::when_ready(std::function<void()> wake) { job_->channel.when_ready(std::move(wake)); }

void Request::cancel() noexcept {
  job_->cancelled.store(true, std::memory_order_relaxed);
  job_->channel.discard();
}

void Request::cancel_and_wait() noexcept {
  cancel();
  job_->channel.wait_closed();
}

Metrics Request::metrics() const {
  if (job_->channel.closed()) return job_->channel.metrics();
  return {.prompt_tokens = job_->prompt_tokens};
}

}  // namespace linnet::engine
