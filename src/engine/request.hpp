// One generation request: prompt in, tokens out. The caller's side of a GenerateJob.
#pragma once

#include <linnet/model.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "engine/generate_job.hpp"

namespace linnet::engine {

class Engine;

/// What happens to a request when as many wait as may.
enum class WhenBusy { fail, wait };

/// The ids that end a text. Errors: none.
std::unordered_set<int32_t> end_ids(const Engine& engine, const GenerateOptions& options);

/// What a request has beside its options.
struct RequestContext {
  std::shared_ptr<HeldCache> session = nullptr;  ///< goes on from it, and leaves its cache there
  WhenBusy when_busy = WhenBusy::fail;
  std::shared_ptr<const nn::Adapter> adapter = nullptr;  ///< that options.adapter names
  std::optional<text::TokenStream> stream = {};      ///< of the model's tokenizer; absent: no texts
  std::vector<std::vector<int32_t>> bad_ids = {};    ///< options.bad_words, as tokens
  std::optional<text::GrammarMatcher> matcher = {};  ///< of options.grammar
};

/// Given to the engine's scheduler when it is made; its end cancels it. Not thread-safe but for
/// cancel().
class Request {
 public:
  /// Errors: invalid_argument for bad ids or options; out_of_memory if its cache can never fit;
  /// busy if too many requests wait.
  Request(Engine& engine, std::vector<int32_t> prompt, const GenerateOptions& options,
          RequestContext context = {});
  Request(Request&&) noexcept = default;
  Request& operator=(Request&&) = delete;
  ~Request();

  /// Waits for the next token; nothing when the request has ended. An end-of-sequence or stop id is
  /// not returned; stop_id() tells it. An error ends the request, and its cache is given back.
  /// Errors: out_of_memory; busy; invalid_argument if penalties and bias leave no token to choose;
  /// internal if the logits are not finite.
  std::optional<Piece> next();

  /// As Channel::ready and Channel::when_ready, for next().
  [[nodiscard]] bool ready() const;
  void when_ready(std::function<void()> wake);

  /// Ends the request before its next forward pass; no token comes any more. From any thread.
  void cancel() noexcept;
  /// The same, and waits until its cache is given back.
  void cancel_and_wait() noexcept;

  /// `none` until next() has said that the request has ended.
  [[nodiscard]] FinishReason finish_reason() const noexcept { return finish_reason_; }
  [[nodiscard]] std::optional<int32_t> stop_id() const { return stop_id_; }
  /// Which of options.stop_strings ended it.
  [[nodiscard]] std::optional<size_t> stop_string() const { return stop_string_; }
  /// Text that was held back until the stop id came.
  [[nodiscard]] const std::string& tail() const noexcept { return tail_; }
  [[nodiscard]] std::span<const int32_t> prompt() const noexcept { return prompt_; }
  /// Of an ended request; before, of its prompt alone.
  [[nodiscard]] Metrics metrics() const;

 private:
  std::vector<int32_t> prompt_;
  std::shared_ptr<GenerateJob> job_;
  int64_t taken_ = 0;
  FinishReason finish_reason_ = FinishReason::none;
  std::optional<int32_t> stop_id_;
  std::optional<size_t> stop_string_;
  std::string tail_;
};

}  // namespace linnet::engine
