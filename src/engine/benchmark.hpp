// Forward passes to be timed or traced: a prompt read, tokens decoded, with nothing else in between
// - no text, no reservation of cache, no request. What `linnet bench` and `linnet explain` run.
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/trace.hpp"

namespace linnet::engine {

class Engine;

/// Reads a prompt of `tokens` random ids into a cache of its own, in the chunks of a request, and
/// computes the logits of the last. Returns the seconds from the first chunk's start to the logits.
/// Errors: invalid_argument if the context does not take them; out_of_memory.
double time_prefill(Engine& engine, int64_t tokens);

/// Decoding, token by token and greedily, at some length of the context. The tokens before are not
/// computed, their keys and values are zeros: the time of a step depends on their number alone.
/// Not thread-safe.
class DecodeBenchmark {
 public:
  /// Room for `max_steps` tokens after `context` that are there. Errors: as time_prefill.
  DecodeBenchmark(Engine& engine, int64_t context, int64_t max_steps);
  ~DecodeBenchmark();

  /// Decodes `count` more tokens, sampling included, and returns the seconds. An end-of-sequence id
  /// is a token like any other. Errors: invalid_argument beyond max_steps.
  double steps(int64_t count);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// While it lives, the ops of an engine's device record themselves. Not while others use the
/// engine.
class Recording {
 public:
  explicit Recording(Engine& engine);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  kernels::Trace& trace() noexcept { return trace_; }

 private:
  Engine& engine_;
  kernels::Trace trace_;
};

/// What a traced pass had to do at least.
struct Cost {
  int64_t flops = 0;         ///< of matrix products and attention
  int64_t stored_bytes = 0;  ///< of weights and cache, each as often as an op goes through it
};

Cost cost_of(const kernels::Trace& trace);

}  // namespace linnet::engine
