#include "engine/benchmark.hpp"

#include <algorithm>
#include <vector>

#include "engine/engine.hpp"
#include "engine/kv_sequence.hpp"
#include "engine/sampler.hpp"

namespace linnet::engine {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Ids all over the vocabulary, the same ones each time: multiples of the golden ratio, modulo 1.
std::vector<int32_t> scattered_ids(int64_t count, int64_t vocabulary) {
  std::vector<int32_t> ids;
  for (int64_t i = 1; i <= count; ++i) {
    const uint64_t fraction = static_cast<uint64_t>(i) * 0x9e3779b97f4a7c15ULL >> 32;
    ids.push_back(static_cast<int32_t>(fraction * static_cast<uint64_t>(vocabulary) >> 32));
  }
  return ids;
}

}  // namespace

double time_prefill(Engine& engine, int64_t tokens) {
  const std::vector<int32_t> ids = scattered_ids(tokens, engine.model().config().vocab_size);
  engine.check_ids(ids);
  KvSequence cache(engine.pool(), tokens, kPrefillChunk);
  const Clock::time_point start = Clock::now();
  while (cache.length() < tokens) {
    const int64_t first = cache.length();
    const int64_t count = std::min(kPrefillChunk, tokens - first);
    nn::Batch batch =
        single_batch(std::span(ids).subspan(static_cast<size_t>(first), static_cast<size_t>(count)),
                     first, cache.extend(count, 0), false, engine.adapter().get());
    if (first + count < tokens) batch.logit_rows.clear();
    engine.forward(batch);
    cache.advance(count);
  }
  return seconds_since(start);
}

struct DecodeBenchmark::State {
  State(Engine& engine_, int64_t max_tokens)
      : engine(engine_), cache(engine_.pool(), max_tokens, kPrefillChunk), sampler({}, {}) {}

  Engine& engine;
  KvSequence cache;
  Sampler sampler;
  int32_t last = 0;
  int64_t left = 0;
};

DecodeBenchmark::DecodeBenchmark(Engine& engine, int64_t context, int64_t max_steps) {
  require(context >= 0 && max_steps >= 1 && max_steps <= engine.context_length() - context,
          "{} tokens after {} do not fit the context of {}", max_steps, context,
          engine.context_length());
  state_ = std::make_unique<State>(engine, context + max_steps);
  state_->left = max_steps;
  state_->last = scattered_ids(1, engine.model().config().vocab_size).front();
  KvSequence& cache = state_->cache;
  while (cache.length() < context) {
    const int64_t count = std::min(kPrefillChunk, context - cache.length());
    cache.extend(count, 0);
    cache.advance(count);
  }
}

DecodeBenchmark::~DecodeBenchmark() = default;

double DecodeBenchmark::steps(int64_t count) {
  State& s = *state_;
  require(count <= s.left, "{} steps of decoding, there is room for {}", count, s.left);
  s.left -= count;
  kernels::cpu::Context context = s.engine.model().device()->context();
  const Clock::time_point start = Clock::now();
  for (int64_t i = 0; i < count; ++i) {
    const Array logits =
        s.engine.forward(single_batch(std::span(&s.last, 1), s.cache.length(), s.cache.extend(1, 0),
                                      false, s.engine.adapter().get()));
    s.cache.advance(1);
    const kernels::Span span(context.trace, [&] {
      return kernels::Work{.op = "sample",
                           .shape = fmt::format("{}", logits.shape()),
                           .kernel = "greedy",
                           .passing_bytes = logits.size() * size_of(logits.dtype())};
    });
    s.last = s.sampler.sample(logits).id;
  }
  return seconds_since(start);
}

Recording::Recording(Engine& engine) : engine_(engine) {
  engine_.model().device()->set_trace(&trace_);
}

Recording::~Recording() { engine_.model().device()->set_trace(nullptr); }

Cost cost_of(const kernels::Trace& trace) {
  Cost cost;
  for (const kernels::Trace::Entry& entry : trace.entries()) {
    cost.flops += entry.work.flops;
    cost.stored_bytes += entry.work.stored_bytes;
  }
  return cost;
}

}  // namespace linnet::engine
