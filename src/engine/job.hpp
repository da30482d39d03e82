// A request as the scheduler sees it: tokens to feed, and rows of the forward pass that it wants.
#pragma once

#include <linnet/model.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "array/array.hpp"
#include "engine/held_cache.hpp"
#include "engine/kv_sequence.hpp"
#include "nn/adapter.hpp"

namespace linnet::engine {

/// How a job ended.
struct Ending {
  FinishReason reason = FinishReason::none;  ///< `none` with an error
  std::optional<int32_t> stop_id = {};       ///< the token that ended it
  std::optional<size_t> stop_string = {};    ///< which of the options' ended it
  std::string tail = {};                     ///< text that was held back until then
  std::exception_ptr error = nullptr;
};

/// What a job wants of a row of the forward pass.
enum class Output {
  logits,  ///< [1, V] f32: of the token after this one
  state,   ///< [1, M] f32: what the head makes logits of
};

/// Its owner on the caller's side touches `cancelled` alone, and what a subclass says.
struct Job {
  using Clock = std::chrono::steady_clock;

  /// What does not depend on the kind of job.
  struct Terms {
    int priority = 0;              ///< higher is first
    double max_queue_seconds = 0;  ///< 0: no limit
    std::stop_token stop = {};
    bool keep_prefix = true;  ///< whether its full blocks go into the prefix cache
    /// A text that it begins like, and whose keys and values it shares as far as that goes; null:
    /// what the prefix cache has.
    std::shared_ptr<HeldCache> from = nullptr;
    /// Receives its keys and values when it has ended; null: nobody. May be `from`, which is empty
    /// in between then.
    std::shared_ptr<HeldCache> to = nullptr;
    /// What its rows have added; null: nothing. It lives until its last job has ended.
    std::shared_ptr<const nn::Adapter> adapter = nullptr;

    /// What keys and values depend on beside the tokens.
    [[nodiscard]] const std::string& adapter_key() const {
      static const std::string kNone;
      return adapter ? adapter->key() : kNone;
    }
  };

  Job(std::vector<int32_t> ids_, Terms terms_)
      : prompt_tokens(static_cast<int64_t>(ids_.size())),
        terms(std::move(terms_)),
        ids(std::move(ids_)) {}
  virtual ~Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  const int64_t prompt_tokens;
  std::atomic<bool> cancelled{false};

  // The rest is the engine thread's, once the job has been submitted.
  Terms terms;
  std::vector<int32_t> ids;           ///< to feed: of the prompt, and what was generated
  std::vector<int32_t> draft;         ///< guesses of what follows them; fed with the last of them
  std::unique_ptr<KvSequence> cache;  ///< while it runs
  uint64_t number = 0;                ///< in the order of submission
  bool running = false;               ///< or waiting
  bool prompt_read = false;           ///< all of it, if only once
  bool in_pass = false;               ///< a forward pass over some of its tokens runs
  Clock::time_point submitted;
  std::optional<Clock::time_point> admitted;  ///< for the first time
  Metrics metrics;

  /// Positions that its cache may come to hold.
  [[nodiscard]] virtual int64_t positions() const = 0;
  /// The first position whose row is wanted; so are those after it. At least one of its ids.
  [[nodiscard]] virtual int64_t first_wanted() const = 0;
  [[nodiscard]] virtual Output output() const { return Output::logits; }
  /// Guesses the next tokens, `most` at most, into `draft`.
  virtual void guess(int64_t most) { static_cast<void>(most); }
  /// A step is over that fed one token and `guessed` guesses, `accepted` of which were right.
  virtual void decoded(int64_t guessed, int64_t accepted) {
    static_cast<void>(guessed);
    static_cast<void>(accepted);
  }
  /// Takes the row of a position; in rising order, each once. It may append to `ids`. The row after
  /// it is of a guess if there is one, and comes only if the guess was right. Errors end the job.
  /// Returns how the job has ended, if it has.
  virtual std::optional<Ending> read(int64_t position, const Array& row) = 0;
  /// The last call of the engine's thread; `metrics` is complete. Errors: none.
  virtual void close(const Ending& ending) = 0;

  /// Tokens whose keys and values are still to be computed: 1 while decoding.
  [[nodiscard]] int64_t remaining() const {
    return static_cast<int64_t>(ids.size()) - (cache ? cache->length() : 0);
  }
  [[nodiscard]] bool stop_requested() const {
    return cancelled.load(std::memory_order_relaxed) || terms.stop.stop_requested();
  }
};

}  // namespace linnet::engine
