// Choosing a token from logits.
//
// Order: repetition penalty, frequency and presence penalty, logit bias, constraints, temperature,
// top-k, top-p, min-p, then one draw from the request's own random stream (Philox, keyed by the
// seed, counted by the number of tokens generated). Probabilities are added as integers
// (kernels/sampling.hpp), so a seed gives the same tokens on every machine.
#pragma once

#include <linnet/options.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "array/array.hpp"

namespace linnet::engine {

/// GenerateOptions::speculate may be so large.
inline constexpr int64_t kMostGuesses = 16;

struct Sample {
  int32_t id = 0;
  float logprob = 0;  ///< log softmax of the logits as they came
  float log_sum = 0;  ///< their logsumexp
};

/// Tokens that cannot be chosen this time; their logits count as -infinity.
struct Constraints {
  std::span<const int32_t> forbidden = {};
  /// If given, all others: bit id % 64 of word id / 64 is set for those that may be chosen.
  std::optional<std::span<const uint64_t>> allowed = {};
};

/// Errors: invalid_argument naming the field that is out of range.
void check_options(const GenerateOptions& options, int64_t vocab_size);

/// The sampling state of one request. Not thread-safe.
class Sampler {
 public:
  /// `options` must have passed check_options().
  Sampler(const GenerateOptions& options, std::span<const int32_t> prompt);

  /// The next token of a row of logits [V] f32; it counts as generated from then on.
  /// Errors: internal if the logits are not finite; invalid_argument if penalties and bias leave
  /// none that is.
  Sample sample(const Array& logits, const Constraints& constraints = {});

 private:
  struct Seen {
    int64_t generated = 0;  // times; 0 for a token of the prompt alone
  };

  [[nodiscard]] Array adjusted(const Array& logits, const Constraints& constraints) const;
  [[nodiscard]] int32_t draw(const Array& logits) const;

  float temperature_;
  int64_t top_k_;
  float top_p_;
  float min_p_;
  uint64_t seed_;
  float repetition_penalty_;
  float frequency_penalty_;
  float presence_penalty_;
  std::vector<std::pair<int32_t, float>> logit_bias_;
  std::unordered_map<int32_t, Seen> seen_;
  uint64_t generated_ = 0;
};

}  // namespace linnet::engine
