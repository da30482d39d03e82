// How far one model's predictions are from another's: what quantising, or another arithmetic,
// costs.
#pragma once

#include <linnet/model.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace linnet {

/// How a text is read. Values out of range are ErrorCode::invalid_argument.
struct DivergenceOptions {
  /// Tokens that are read together, `prefix` included, at least 2: every token is predicted from
  /// those before it in its window. Held to what both models' contexts take.
  int64_t window = 512;
  /// Ids that every window begins with; they are not predicted. Where there are none, divergence()
  /// of a text takes what A's tokenizer puts before a text (a beginning-of-sequence token).
  std::vector<int32_t> prefix = {};
  /// Tokens of the text to read at most; 0: all.
  int64_t max_tokens = 0;
  /// Called after some tokens each; an exception from it ends the work.
  std::function<void(int64_t done, int64_t total)> progress = {};
};

/// Model B measured against model A, over all positions of a text that have a next token.
/// Logarithms are natural. Sums are in double precision, exponentials in float: values are right to
/// about 1e-7.
struct Divergence {
  int64_t tokens = 0;   ///< positions
  double mean_kl = 0;   ///< of KL(A || B) = sum over the vocabulary of p_A (log p_A - log p_B)
  double error_kl = 0;  ///< standard error of that mean, positions taken as independent
  double median_kl = 0;
  double p99_kl = 0;  ///< 99 positions of 100 are at most here
  double max_kl = 0;
  double same_top = 0;  ///< share of positions whose likeliest token is the same
  double perplexity_a = 0;
  double perplexity_b = 0;
};

/// Both models read the text side by side, 32 tokens at a time.
/// Errors: invalid_argument if the vocabularies differ in size, if A has no tokenizer or B's gives
/// other ids, for a text without a second token and options out of range; out_of_memory; internal
/// if a model's logits are not finite.
Divergence divergence(const TextModel& a, const TextModel& b, std::string_view text,
                      const DivergenceOptions& options = {});
/// The same for token ids; invalid_argument for one outside the vocabulary.
Divergence divergence(const TextModel& a, const TextModel& b, std::span<const int32_t> ids,
                      const DivergenceOptions& options = {});

}  // namespace linnet
