#include "engine/score.hpp"

#include <algorithm>
#include <cmath>

#include "engine/engine.hpp"
#include "engine/read_run.hpp"
#include "ops/reduce.hpp"
#include "ops/sort.hpp"

namespace linnet::engine {

std::vector<TokenLogprob> likeliest(const Array& logits, int64_t count, float log_sum) {
  std::vector<TokenLogprob> result;
  if (count == 0) return result;
  const float* values = logits.data<float>();
  const auto top = ops::topk(logits, std::min(count, logits.size()));
  for (const int64_t id : top.indices.to_vector<int64_t>())
    result.push_back({.id = static_cast<int32_t>(id), .logprob = values[id] - log_sum});
  std::ranges::stable_sort(result, [](const TokenLogprob& a, const TokenLogprob& b) {
    return a.logprob != b.logprob ? a.logprob > b.logprob : a.id < b.id;
  });
  return result;
}

ScoredToken score_token(const Array& logits, int32_t id, int64_t top_logprobs) {
  const float log_sum = ops::logsumexp(logits).item<float>();
  if (!std::isfinite(log_sum))
    fail(ErrorCode::internal, "the model's logits are not finite (their log-sum-exp is {})",
         log_sum);
  const std::span<const float> values(logits.data<float>(), static_cast<size_t>(logits.size()));
  const auto at = static_cast<size_t>(id);
  const float value = values[at];
  int64_t rank = 0;
  for (const float other : values) rank += other > value ? 1 : 0;
  rank += std::ranges::count(values.first(at), value);
  return {.id = id,
          .logprob = value - log_sum,
          .rank = rank,
          .top = likeliest(logits, top_logprobs, log_sum)};
}

void score_all(Engine& engine, std::span<const ScoreTask> tasks, int64_t top_logprobs,
               const Job::Terms& terms,
               const std::function<void(int64_t index, std::vector<ScoredToken> tokens)>& result) {
  require(top_logprobs >= 0 && top_logprobs <= kMaxTopLogprobs, "top_logprobs {} is outside 0..{}",
          top_logprobs, kMaxTopLogprobs);
  for (const ScoreTask& task : tasks) {
    engine.check_ids(task.ids);
    require(task.first >= 1 && task.first < static_cast<int64_t>(task.ids.size()),
            "tokens from {} on of a text of {} cannot be scored", task.first, task.ids.size());
  }
  std::vector<std::vector<ScoredToken>> scored(tasks.size());
  read_all(
      engine, static_cast<int64_t>(tasks.size()),
      [&](int64_t index) {
        const ScoreTask& task = tasks[static_cast<size_t>(index)];
        std::vector<ScoredToken>& tokens = scored[static_cast<size_t>(index)];
        // The last token is foreseen by the row before it, and its own row is not needed.
        return std::make_shared<ReadJob>(
            std::vector<int32_t>(task.ids.begin(), task.ids.end() - 1), task.first - 1,
            Output::logits, terms,
            [&task, &tokens, top_logprobs](int64_t position, const Array& row) {
              tokens.push_back(
                  score_token(row, task.ids[static_cast<size_t>(position) + 1], top_logprobs));
            });
      },
      [&](int64_t index, const Metrics&) {
        result(index, std::move(scored[static_cast<size_t>(index)]));
      });
}

}  // namespace linnet::engine
