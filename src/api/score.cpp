// How likely given texts are, and texts as vectors.
#include "engine/score.hpp"

#include <algorithm>
#include <cmath>

#include "api/state.hpp"
#include "base/error.hpp"
#include "base/math.hpp"
#include "engine/embed.hpp"

namespace linnet {
namespace {

Score total(std::vector<ScoredToken> tokens) {
  Score result;
  for (const ScoredToken& token : tokens) {
    result.logprob += static_cast<double>(token.logprob);
    result.is_greedy = result.is_greedy && token.rank == 0;
  }
  result.tokens = std::move(tokens);
  return result;
}

engine::ScoreTask task_of(std::vector<int32_t> prompt, std::span<const int32_t> continuation) {
  require(!prompt.empty(), "the prompt has no tokens");
  require(!continuation.empty(), "the continuation has no tokens");
  engine::ScoreTask task{.ids = std::move(prompt), .first = 0};
  task.first = static_cast<int64_t>(task.ids.size());
  task.ids.insert(task.ids.end(), continuation.begin(), continuation.end());
  return task;
}

std::vector<Score> score_tasks(const TextModel::State& model,
                               std::span<const engine::ScoreTask> tasks,
                               const ScoreOptions& options) {
  std::vector<Score> result(tasks.size());
  engine::score_all(*model.engine, tasks, options.top_logprobs,
                    {.priority = options.priority,
                     .stop = options.stop,
                     .adapter = model.adapter(options.adapter)},
                    [&](int64_t index, std::vector<ScoredToken> tokens) {
                      result[static_cast<size_t>(index)] = total(std::move(tokens));
                    });
  return result;
}

/// Windows of a text: what is read, and from where on it is scored.
std::vector<engine::ScoreTask> windows_of(std::span<const int32_t> ids, std::optional<int32_t> bos,
                                          int64_t window, int64_t stride) {
  std::vector<engine::ScoreTask> windows;
  const auto size = static_cast<int64_t>(ids.size());
  const int64_t extra = bos ? 1 : 0;
  int64_t scored = 0;  // tokens that have been scored, or cannot be
  for (int64_t begin = 0; scored < size; begin += stride) {
    const int64_t end = std::min(size, begin + window - extra);
    engine::ScoreTask task{.ids = {}, .first = 0};
    if (bos) task.ids.push_back(*bos);
    task.ids.insert(task.ids.end(), ids.begin() + begin, ids.begin() + end);
    task.first = std::max<int64_t>(1, std::max(scored, begin) - begin + extra);
    scored = end;
    if (task.first < static_cast<int64_t>(task.ids.size())) windows.push_back(std::move(task));
  }
  return windows;
}

Perplexity perplexity_of(const TextModel::State& model, std::span<const int32_t> ids,
                         std::optional<int32_t> bos, const PerplexityOptions& options) {
  constexpr int64_t kWindow = 2048;
  engine::Engine& engine = *model.engine;
  const int64_t window =
      options.window > 0 ? options.window : std::min(kWindow, engine.context_length());
  require(options.window >= 0 && window >= 2 && window <= engine.context_length(),
          "window {} is outside 2..{}, the context", options.window, engine.context_length());
  const int64_t most = window - (bos ? 1 : 0);
  require(options.stride >= 0 && options.stride <= most, "stride {} is outside 1..{}",
          options.stride, most);
  engine.check_vocabulary(ids);
  const auto tasks = windows_of(ids, bos, window, options.stride > 0 ? options.stride : most);
  require(!tasks.empty(), "a text of {} tokens has none to foresee", ids.size());
  int64_t count = 0;
  for (const engine::ScoreTask& task : tasks)
    count += static_cast<int64_t>(task.ids.size()) - task.first;
  Perplexity result;
  double sum = 0;
  double squares = 0;
  engine::score_all(
      engine, tasks, 0,
      {.stop = options.stop, .keep_prefix = false, .adapter = model.adapter(options.adapter)},
      [&](int64_t /*index*/, const std::vector<ScoredToken>& tokens) {
        for (const ScoredToken& token : tokens) {
          const auto nll = -static_cast<double>(token.logprob);
          sum += nll;
          squares += nll * nll;
        }
        result.tokens += static_cast<int64_t>(tokens.size());
        if (options.progress) options.progress(result.tokens, count);
      });
  const auto n = static_cast<double>(result.tokens);
  result.mean_nll = sum / n;
  if (n > 1)
    result.standard_error =
        std::sqrt(std::max(0.0, squares / n - result.mean_nll * result.mean_nll) / (n - 1));
  result.perplexity = portable::exp(result.mean_nll);
  return result;
}

}  // namespace

Score TextModel::score(std::string_view prompt, std::string_view continuation,
                       const ScoreOptions& options) const {
  const std::vector<ScorePair> pairs{{std::string(prompt), std::string(continuation)}};
  return std::move(score(pairs, options).front());
}

Score TextModel::score(std::span<const int32_t> prompt_ids,
                       std::span<const int32_t> continuation_ids,
                       const ScoreOptions& options) const {
  const std::vector<engine::ScoreTask> tasks{
      task_of({prompt_ids.begin(), prompt_ids.end()}, continuation_ids)};
  return std::move(score_tasks(*state_, tasks, options).front());
}

std::vector<Score> TextModel::score(std::span<const ScorePair> pairs,
                                    const ScoreOptions& options) const {
  const text::Tokenizer& tokenizer = state_->require_tokenizer();
  std::vector<engine::ScoreTask> tasks;
  tasks.reserve(pairs.size());
  for (const ScorePair& pair : pairs)
    tasks.push_back(task_of(tokenizer.encode(pair.prompt, options.add_special_tokens),
                            tokenizer.encode(pair.continuation, false)));
  return score_tasks(*state_, tasks, options);
}

Perplexity TextModel::perplexity(std::span<const int32_t> ids,
                                 const PerplexityOptions& options) const {
  return perplexity_of(*state_, ids, {}, options);
}

Perplexity TextModel::perplexity(std::string_view text, const PerplexityOptions& options) const {
  const text::Tokenizer& tokenizer = state_->require_tokenizer();
  const std::vector<int32_t> ids = tokenizer.encode(text, false);
  const std::vector<int32_t> whole = tokenizer.encode(text, true);
  std::optional<int32_t> bos;
  if (whole.size() > ids.size() && tokenizer.is_special(whole.front())) bos = whole.front();
  Perplexity result = perplexity_of(*state_, ids, bos, options);
  const double bits = result.mean_nll * static_cast<double>(result.tokens) / portable::log(2.0);
  result.bits_per_byte = bits / static_cast<double>(text.size());
  return result;
}

std::vector<std::vector<float>> TextModel::embed(std::span<const std::string> texts,
                                                 const EmbedOptions& options) const {
  const text::Tokenizer& tokenizer = state_->require_tokenizer();
  std::vector<std::vector<int32_t>> ids;
  ids.reserve(texts.size());
  for (const std::string& text : texts)
    ids.push_back(tokenizer.encode(text, options.add_special_tokens));
  return engine::embed_all(*state_->engine, ids, options.pooling, options.normalize,
                           {.priority = options.priority,
                            .stop = options.stop,
                            .adapter = state_->adapter(options.adapter)});
}

}  // namespace linnet
