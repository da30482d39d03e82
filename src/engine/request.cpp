#include "engine/request.hpp"

#include <algorithm>

namespace linnet::engine {
namespace {

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

GenerateOptions checked(const Engine& engine, const std::vector<int32_t>& prompt,
                        GenerateOptions options) {
  engine.check_ids(prompt);
  check_options(options, engine.model().config().vocab_size);
  return options;
}

}  // namespace

Request::Request(Engine& engine, std::vector<int32_t> prompt, GenerateOptions options)
    : engine_(engine),
      prompt_(std::move(prompt)),
      options_(checked(engine, prompt_, std::move(options))),
      sampler_(options_, prompt_) {
  const auto length = static_cast<int64_t>(prompt_.size());
  max_tokens_ = std::min(options_.max_tokens, engine.context_length() - length);
  require(options_.max_tokens == 0 || max_tokens_ > 0,
          "the prompt has {} tokens and fills the context of {}", length, engine.context_length());
  // The last token is never fed back.
  if (max_tokens_ > 0) cache_.emplace(engine.pool(), length + max_tokens_ - 1, kPrefillChunk);
  metrics_.prompt_tokens = length;
}

bool Request::stop_requested() const {
  return cancelled_.load(std::memory_order_relaxed) || options_.stop.stop_requested();
}

std::optional<Array> Request::feed(std::span<const int32_t> ids) {
  for (;;) {
    if (stop_requested()) return std::nullopt;
    const auto count = std::min<size_t>(ids.size(), static_cast<size_t>(kPrefillChunk));
    const auto chunk = ids.first(count);
    const bool last = count == ids.size();
    nn::Batch batch = single_batch(chunk, cache_->length(),
                                   cache_->extend(static_cast<int64_t>(count), 0), false);
    if (!last) batch.logit_rows.clear();
    Array logits = engine_.forward(batch);
    cache_->advance(static_cast<int64_t>(count));
    if (last) return logits;
    ids = ids.subspan(count);
  }
}

std::optional<Sample> Request::next() {
  if (finish_reason_ != FinishReason::none || failed_) return std::nullopt;
  if (at_limit()) {
    finish(FinishReason::length);
    return std::nullopt;
  }
  const bool first = generated_ == 0;
  const Clock::time_point start = Clock::now();
  Clock::time_point fed;
  Sample sample;
  try {
    const auto logits = feed(first ? std::span<const int32_t>(prompt_) : std::span(&last_, 1));
    if (!logits) {
      finish(FinishReason::cancelled);
      return std::nullopt;
    }
    fed = Clock::now();
    sample = sampler_.sample(*logits);
  } catch (...) {
    // What the step had reached is unknown: it cannot be taken up again.
    failed_ = true;
    finish(FinishReason::none);
    throw;
  }
  const double total = seconds(Clock::now() - start);
  if (first) {
    metrics_.prefill_seconds = seconds(fed - start);
    metrics_.time_to_first_token_seconds = total;
  } else {
    metrics_.decode_seconds += total;
  }
  const bool stops = engine_.eos_ids().contains(sample.id) ||
                     std::ranges::find(options_.stop_ids, sample.id) != options_.stop_ids.end();
  if (stops) {
    stop_id_ = sample.id;
    finish(FinishReason::stop);
    return std::nullopt;
  }
  last_ = sample.id;
  ++generated_;
  metrics_.generated_tokens = generated_;
  return sample;
}

void Request::finish(FinishReason reason) {
  finish_reason_ = reason;
  const MemoryStats memory = engine_.model().device()->memory().stats();
  metrics_.active_bytes = memory.active_bytes;
  metrics_.peak_bytes = memory.peak_bytes;
  if (metrics_.prefill_seconds > 0)
    metrics_.prefill_tokens_per_second =
        static_cast<double>(metrics_.prompt_tokens) / metrics_.prefill_seconds;
  if (generated_ > 1 && metrics_.decode_seconds > 0)
    metrics_.decode_tokens_per_second =
        static_cast<double>(generated_ - 1) / metrics_.decode_seconds;
  cache_.reset();
}

}  // namespace linnet::engine
