// Log-probabilities of given tokens.
#pragma once

#include <linnet/score.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "array/array.hpp"
#include "engine/job.hpp"

namespace linnet::engine {

class Engine;

inline constexpr int64_t kMaxTopLogprobs = 100;

/// A token as a row of logits [1, V] foresaw it. Errors: internal if the logits are not finite.
ScoredToken score_token(const Array& logits, int32_t id, int64_t top_logprobs);

/// The likeliest tokens of a row, likeliest first; equal ones by id. `log_sum`: its logsumexp.
std::vector<TokenLogprob> likeliest(const Array& logits, int64_t count, float log_sum);

/// A text whose tokens from `first` on are scored, each after all before it; 1 <= first < size.
struct ScoreTask {
  std::vector<int32_t> ids;
  int64_t first = 1;
};

/// Scores texts together; `result` gets them in order, on the calling thread.
/// Errors: invalid_argument for bad ids; as read_all.
void score_all(Engine& engine, std::span<const ScoreTask> tasks, int64_t top_logprobs,
               const Job::Terms& terms,
               const std::function<void(int64_t index, std::vector<ScoredToken> tokens)>& result);

}  // namespace linnet::engine
