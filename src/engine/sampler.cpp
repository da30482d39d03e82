#include "engine/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "array/random.hpp"
#include "ops/elementwise.hpp"
#include "ops/reduce.hpp"
#include "ops/softmax.hpp"
#include "ops/sort.hpp"

namespace linnet::engine {
namespace {

void check_id(std::string_view field, int32_t id, int64_t vocab_size) {
  require(id >= 0 && id < vocab_size, "{}: token id {} is outside 0..{}", field, id,
          vocab_size - 1);
}

/// The candidates of one draw: ids (null: 0, 1, 2, ...) and their probabilities.
struct Candidates {
  const int64_t* ids = nullptr;
  const float* probabilities = nullptr;
  int64_t count = 0;
};

/// How many of the candidates, likeliest first, reach p of `total` together; count + 1 if they do
/// not.
int64_t reach(const Candidates& sorted, double p, double total) {
  double sum = 0;
  for (int64_t i = 0; i < sorted.count; ++i) {
    sum += static_cast<double>(sorted.probabilities[i]);
    if (sum >= p * total) return i + 1;
  }
  return sorted.count + 1;
}

double sum_of(const Candidates& candidates) {
  double sum = 0;
  for (int64_t i = 0; i < candidates.count; ++i)
    sum += static_cast<double>(candidates.probabilities[i]);
  return sum;
}

/// The candidate whose share of the unit interval holds `uniform`, among those of at least `floor`.
int32_t pick(const Candidates& candidates, float floor, double uniform) {
  double total = 0;
  for (int64_t i = 0; i < candidates.count; ++i)
    if (candidates.probabilities[i] >= floor)
      total += static_cast<double>(candidates.probabilities[i]);
  double rest = uniform * total;
  int64_t last = 0;
  for (int64_t i = 0; i < candidates.count; ++i) {
    if (candidates.probabilities[i] < floor || candidates.probabilities[i] <= 0) continue;
    last = i;
    rest -= static_cast<double>(candidates.probabilities[i]);
    if (rest < 0) break;
  }
  return static_cast<int32_t>(candidates.ids == nullptr ? last : candidates.ids[last]);
}

}  // namespace

void check_options(const GenerateOptions& o, int64_t vocab_size) {
  require(o.max_tokens >= 0, "max_tokens {} is negative", o.max_tokens);
  require(std::isfinite(o.temperature) && o.temperature >= 0, "temperature {} is not 0 or above",
          o.temperature);
  require(o.top_k >= 0, "top_k {} is negative", o.top_k);
  require(o.top_p > 0 && o.top_p <= 1, "top_p {} is outside (0, 1]", o.top_p);
  require(o.min_p >= 0 && o.min_p <= 1, "min_p {} is outside [0, 1]", o.min_p);
  require(std::isfinite(o.repetition_penalty) && o.repetition_penalty > 0,
          "repetition_penalty {} is not above 0", o.repetition_penalty);
  require(std::isfinite(o.frequency_penalty), "frequency_penalty {} is not finite",
          o.frequency_penalty);
  require(std::isfinite(o.presence_penalty), "presence_penalty {} is not finite",
          o.presence_penalty);
  for (const auto& [id, bias] : o.logit_bias) {
    check_id("logit_bias", id, vocab_size);
    require(!std::isnan(bias) && bias < INFINITY, "logit_bias of token {} is {}", id, bias);
  }
  for (const int32_t id : o.stop_ids) check_id("stop_ids", id, vocab_size);
}

Sampler::Sampler(const GenerateOptions& o, std::span<const int32_t> prompt)
    // Subnormals count as 0 in the kernels, which could not divide by them.
    : temperature_(o.temperature == 0 ? 0
                                      : std::max(o.temperature, std::numeric_limits<float>::min())),
      top_k_(o.top_k),
      top_p_(o.top_p),
      min_p_(o.min_p),
      seed_(o.seed),
      repetition_penalty_(o.repetition_penalty),
      frequency_penalty_(o.frequency_penalty),
      presence_penalty_(o.presence_penalty),
      logit_bias_(o.logit_bias) {
  if (repetition_penalty_ != 1)
    for (const int32_t id : prompt) seen_.try_emplace(id);
}

Array Sampler::adjusted(const Array& logits) const {
  if (seen_.empty() && logit_bias_.empty()) return logits;
  std::vector<float> values = logits.to_vector<float>();
  for (const auto& [id, seen] : seen_) {
    float& logit = values[static_cast<size_t>(id)];
    logit = logit > 0 ? logit / repetition_penalty_ : logit * repetition_penalty_;
    if (seen.generated > 0)
      logit -= frequency_penalty_ * static_cast<float>(seen.generated) + presence_penalty_;
  }
  for (const auto& [id, bias] : logit_bias_) values[static_cast<size_t>(id)] += bias;
  float best = -INFINITY;
  for (const float value : values) best = value > best || std::isnan(value) ? value : best;
  require(std::isfinite(best), "logit_bias and penalties leave a largest logit of {}", best);
  return Array::from(values, logits.shape(), logits.device());
}

int32_t Sampler::draw(const Array& logits) const {
  const RandomWords words = random_block({seed_, 0}, generated_);
  const double uniform = unit_double(words[0], words[1]);
  // The largest logit becomes 0, so that no temperature can overflow.
  const Array scaled = ops::div(ops::sub(logits, ops::max(logits)), temperature_);
  const int64_t vocabulary = logits.size();
  Array ids;
  Array probabilities;
  Candidates candidates;
  if (top_k_ > 0 && top_k_ < vocabulary) {
    const ops::TopK top = ops::topk(scaled, top_k_);
    ids = top.indices;
    probabilities = ops::softmax(top.values);
    candidates = {ids.data<int64_t>(), probabilities.data<float>(), top_k_};
    if (top_p_ < 1)
      candidates.count = std::min(
          candidates.count, reach(candidates, static_cast<double>(top_p_), sum_of(candidates)));
  } else {
    probabilities = ops::softmax(scaled);
    candidates = {nullptr, probabilities.data<float>(), vocabulary};
    if (top_p_ < 1) {
      const Array all = probabilities;
      const double total = sum_of(candidates);
      // Mostly a few hundred tokens reach p: take the likeliest ones in growing numbers.
      for (int64_t count = std::min<int64_t>(256, vocabulary);;
           count = std::min(count * 16, vocabulary)) {
        const ops::TopK top = ops::topk(all, count);
        ids = top.indices;
        probabilities = top.values;
        candidates = {ids.data<int64_t>(), probabilities.data<float>(), count};
        const int64_t kept = reach(candidates, static_cast<double>(top_p_), total);
        candidates.count = std::min(kept, count);
        if (kept <= count || count == vocabulary) break;
      }
    }
  }
  float floor = 0;
  if (min_p_ > 0)
    floor = min_p_ * *std::max_element(candidates.probabilities,
                                       candidates.probabilities + candidates.count);
  return pick(candidates, floor, uniform);
}

Sample Sampler::sample(const Array& logits) {
  const float normaliser = ops::logsumexp(logits).item<float>();
  if (!std::isfinite(normaliser))
    fail(ErrorCode::internal, "the model's logits are not finite (their log-sum-exp is {})",
         normaliser);
  const Array values = adjusted(logits);
  Sample result;
  result.id =
      temperature_ == 0 ? static_cast<int32_t>(ops::argmax(values).item<int64_t>()) : draw(values);
  result.logprob = logits.data<float>()[result.id] - normaliser;
  ++generated_;
  if (repetition_penalty_ != 1 || frequency_penalty_ != 0 || presence_penalty_ != 0)
    ++seen_[result.id].generated;
  return result;
}

}  // namespace linnet::engine
