// One generation request: prompt in, tokens out, one forward pass at a time.
#pragma once

#include <linnet/model.hpp>

#include <atomic>
#include <chrono>
#include <optional>
#include <vector>

#include "engine/engine.hpp"
#include "engine/kv_sequence.hpp"
#include "engine/sampler.hpp"

namespace linnet::engine {

/// Not thread-safe but for cancel().
class Request {
 public:
  /// Reserves the cache. Errors: invalid_argument for bad ids or options; out_of_memory.
  Request(Engine& engine, std::vector<int32_t> prompt, GenerateOptions options);

  /// The next token; nothing when the request has ended. An end-of-sequence or stop id is not
  /// returned; stop_id() tells it. An error ends the request, and its cache is given back.
  /// Errors: out_of_memory; invalid_argument if penalties and bias leave no token to choose;
  /// internal if the logits are not finite.
  std::optional<Sample> next();

  /// Ends the request before its next forward pass. From any thread.
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }

  [[nodiscard]] FinishReason finish_reason() const noexcept { return finish_reason_; }
  /// Whether next() will end the request because max_tokens or the context is reached.
  [[nodiscard]] bool at_limit() const noexcept { return generated_ >= max_tokens_; }
  [[nodiscard]] std::optional<int32_t> stop_id() const noexcept { return stop_id_; }
  [[nodiscard]] const std::vector<int32_t>& prompt() const noexcept { return prompt_; }
  [[nodiscard]] const Metrics& metrics() const noexcept { return metrics_; }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool stop_requested() const;
  /// Feeds ids and returns the logits after the last of them; nothing if a stop was requested
  /// between two chunks.
  std::optional<Array> feed(std::span<const int32_t> ids);
  void finish(FinishReason reason);

  Engine& engine_;
  std::vector<int32_t> prompt_;
  GenerateOptions options_;
  int64_t max_tokens_ = 0;  // what max_tokens and the context leave
  std::optional<KvSequence> cache_;
  Sampler sampler_;
  int32_t last_ = 0;
  int64_t generated_ = 0;
  std::atomic<bool> cancelled_{false};
  FinishReason finish_reason_ = FinishReason::none;
  bool failed_ = false;
  std::optional<int32_t> stop_id_;
  Metrics metrics_;
};

}  // namespace linnet::engine
