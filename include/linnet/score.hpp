// How likely given texts are: log-probabilities, perplexity, embeddings. Nothing is generated.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace linnet {

/// A token and the natural logarithm of its probability.
struct TokenLogprob {
  int32_t id = 0;
  float logprob = 0;
};

/// A token of a given text, as the model foresaw it.
struct ScoredToken {
  int32_t id = 0;
  float logprob = 0;  ///< log softmax of its logits over the whole vocabulary
  int64_t rank = 0;  ///< tokens that were likelier; 0: it was the likeliest (ties: lower ids first)
  std::vector<TokenLogprob> top = {};  ///< the likeliest, if asked for, likeliest first
};

/// How likely a continuation is.
struct Score {
  double logprob = 0;  ///< sum over its tokens
  /// Whether every token was the likeliest: greedy decoding would have written it.
  bool is_greedy = true;
  std::vector<ScoredToken> tokens = {};
};

/// Values out of range are ErrorCode::invalid_argument at the call.
struct ScoreOptions {
  /// The likeliest tokens to list at each position; 0..100.
  int64_t top_logprobs = 0;
  /// Of texts: whether the prompt gets the tokens that the tokenizer adds by default.
  bool add_special_tokens = true;
  std::string adapter = {};   ///< as GenerateOptions::adapter
  int priority = 0;           ///< as GenerateOptions::priority
  std::stop_token stop = {};  ///< ErrorCode::cancelled
};

/// A pair to be scored.
struct ScorePair {
  std::string prompt;
  std::string continuation;
};

/// Values out of range are ErrorCode::invalid_argument at the call.
struct PerplexityOptions {
  /// Tokens that are read together; 0: the context, 2048 at most. A text that is longer is read in
  /// windows, each of which begins with the tokenizer's first special token if it adds one.
  int64_t window = 0;
  /// Tokens from the beginning of a window to that of the next; 0: a whole window. A smaller stride
  /// gives each token more of what comes before it: only those after the previous window's end
  /// count.
  int64_t stride = 0;
  std::string adapter = {};   ///< as GenerateOptions::adapter
  std::stop_token stop = {};  ///< ErrorCode::cancelled
  /// Called on the calling thread after each window with tokens scored so far and in all; an
  /// exception from it ends the work.
  std::function<void(int64_t done, int64_t total)> progress = {};
};

struct Perplexity {
  int64_t tokens = 0;         ///< that were scored: all but the first of each window
  double mean_nll = 0;        ///< negative log-probability per token, natural logarithm
  double standard_error = 0;  ///< of that mean, were tokens independent
  double perplexity = 0;      ///< exp(mean_nll)
  double bits_per_byte = 0;   ///< all bits over the text's bytes; 0 where ids were given
};

enum class Pooling {
  mean,  ///< of the states of all tokens
  last,  ///< the state of the last token
};

/// Values out of range are ErrorCode::invalid_argument at the call.
struct EmbedOptions {
  Pooling pooling = Pooling::mean;
  bool normalize = true;  ///< to length 1
  bool add_special_tokens = true;
  std::string adapter = {};   ///< as GenerateOptions::adapter
  int priority = 0;           ///< as GenerateOptions::priority
  std::stop_token stop = {};  ///< ErrorCode::cancelled
};

}  // namespace linnet
