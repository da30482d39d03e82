#include "engine/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "array/random.hpp"
#include "engine/score.hpp"
#include "engine/stop_strings.hpp"
#include "kernels/sampling.hpp"
#include "ops/reduce.hpp"
#include "ops/sort.hpp"

namespace linnet::engine {
namespace {

constexpr size_t kMaxBadWords = 1024;

void check_id(std::string_view field, int32_t id, int64_t vocab_size) {
  require(id >= 0 && id < vocab_size, "{}: token id {} is outside 0..{}", field, id,
          vocab_size - 1);
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
  require(std::isfinite(o.max_queue_seconds) && o.max_queue_seconds >= 0,
          "max_queue_seconds {} is not 0 or above", o.max_queue_seconds);
  for (const auto& [id, bias] : o.logit_bias) {
    check_id("logit_bias", id, vocab_size);
    require(!std::isnan(bias) && bias < INFINITY, "logit_bias of token {} is {}", id, bias);
  }
  require(o.min_tokens >= 0, "min_tokens {} is negative", o.min_tokens);
  require(o.top_logprobs >= 0 && o.top_logprobs <= kMaxTopLogprobs,
          "top_logprobs {} is outside 0..{}", o.top_logprobs, kMaxTopLogprobs);
  require(o.speculate >= 0 && o.speculate <= kMostGuesses, "speculate {} is outside 0..{}",
          o.speculate, kMostGuesses);
  require(o.bad_words.size() <= kMaxBadWords, "{} bad_words are more than {}", o.bad_words.size(),
          kMaxBadWords);
  StopStrings::check(o.stop_strings);
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

Array Sampler::adjusted(const Array& logits, const Constraints& constraints) const {
  if (seen_.empty() && logit_bias_.empty() && constraints.forbidden.empty() && !constraints.allowed)
    return logits;
  std::vector<float> values = logits.to_vector<float>();
  for (const auto& [id, seen] : seen_) {
    float& logit = values[static_cast<size_t>(id)];
    logit = logit > 0 ? logit / repetition_penalty_ : logit * repetition_penalty_;
    if (seen.generated > 0)
      logit -= frequency_penalty_ * static_cast<float>(seen.generated) + presence_penalty_;
  }
  for (const auto& [id, bias] : logit_bias_) values[static_cast<size_t>(id)] += bias;
  for (const int32_t id : constraints.forbidden) values[static_cast<size_t>(id)] = -INFINITY;
  if (constraints.allowed) {
    const std::span<const uint64_t> words = *constraints.allowed;
    for (size_t i = 0; i < values.size(); ++i)
      if (i / 64 >= words.size() || (words[i / 64] >> (i % 64) & 1) == 0) values[i] = -INFINITY;
  }
  float best = -INFINITY;
  for (const float value : values) best = value > best || std::isnan(value) ? value : best;
  require(std::isfinite(best), "constraints, logit_bias and penalties leave a largest logit of {}",
          best);
  return Array::from(values, logits.shape(), logits.device());
}

int32_t Sampler::draw(const Array& logits) const {
  const RandomWords words = random_block({seed_, 0}, generated_);
  const auto context = logits.device()->context();
  const float* candidates = logits.data<float>();
  int64_t count = logits.size();
  std::vector<int64_t> ids;  // of the candidates; empty: all
  std::vector<float> chosen;
  if (top_k_ > 0 && top_k_ < count) {
    ids = ops::topk(logits, top_k_).indices.to_vector<int64_t>();
    std::ranges::sort(ids);
    for (const int64_t id : ids) chosen.push_back(candidates[id]);
    candidates = chosen.data();
    count = top_k_;
  }
  const auto room = [&](int64_t size, DType dtype) {
    return Array::empty({size}, dtype, logits.device());
  };
  Array weights = room(count, DType::f32);
  Array histogram;
  if (top_p_ < 1) histogram = room(kernels::cpu::weight_histogram(context), DType::u32);
  uint32_t* counts = histogram.defined() ? histogram.mutable_data<uint32_t>() : nullptr;
  const uint64_t total = kernels::cpu::weights(
      {.logits = candidates,
       .count = count,
       .largest = ids.empty() ? ops::max(logits).item<float>() : std::ranges::max(chosen),
       .temperature = temperature_,
       .weights = weights.mutable_data<float>(),
       .histogram = counts},
      context);
  kernels::WeightCut cut{.weight = 0, .last = count - 1};
  if (top_p_ < 1) {
    const int64_t workspace = kernels::cpu::nucleus_workspace(count, context);
    Array near_weights = room(workspace, DType::f32);
    Array near_ids = room(workspace, DType::i32);
    const double share = std::ceil(static_cast<double>(top_p_) * static_cast<double>(total));
    cut = kernels::cpu::nucleus(
        {.weights = weights.data<float>(),
         .count = count,
         .histogram = counts,
         .target = std::clamp<uint64_t>(static_cast<uint64_t>(share), 1, total),
         .near_weights = near_weights.mutable_data<float>(),
         .near_ids = near_ids.mutable_data<int32_t>()},
        context);
  }
  const int64_t drawn = kernels::cpu::draw({.weights = weights.data<float>(),
                                            .count = count,
                                            .cut = cut,
                                            .floor = min_p_,
                                            .uniform = unit_double(words[0], words[1])},
                                           context);
  return static_cast<int32_t>(ids.empty() ? drawn : ids[static_cast<size_t>(drawn)]);
}

Sample Sampler::sample(const Array& logits, const Constraints& constraints) {
  const float normaliser = ops::logsumexp(logits).item<float>();
  if (!std::isfinite(normaliser))
    fail(ErrorCode::internal, "the model's logits are not finite (their log-sum-exp is {})",
         normaliser);
  const Array values = adjusted(logits, constraints);
  Sample result{.log_sum = normaliser};
  result.id =
      temperature_ == 0 ? static_cast<int32_t>(ops::argmax(values).item<int64_t>()) : draw(values);
  result.logprob = logits.data<float>()[result.id] - normaliser;
  ++generated_;
  if (repetition_penalty_ != 1 || frequency_penalty_ != 0 || presence_penalty_ != 0)
    ++seen_[result.id].generated;
  return result;
}

}  // namespace linnet::engine
