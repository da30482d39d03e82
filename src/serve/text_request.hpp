// The fields that all requests for text share: which model, how it samples, when it ends.
#pragma once

#include <linnet/model.hpp>

#include <optional>
#include <string>

#include "serve/fields.hpp"

namespace linnet::serve {

/// A request for generated text, in any of the interfaces.
struct TextRequest {
  std::string model;  ///< empty: the server's first
  BatchRequest batch;
  /// Fields that were given, where the model has defaults of its own (generation_config.json).
  bool has_temperature = false;
  bool has_top_p = false;
  bool has_top_k = false;
  bool has_min_p = false;
  bool has_repetition_penalty = false;
  bool stream = false;
  bool include_usage = false;
  bool logprobs = false;
  bool echo = false;
  int64_t n = 1;
  /// Of what the assistant may call: "auto", "none", "required", or a function's name with `named`.
  std::string tool_choice = "auto";
  bool tool_choice_named = false;
  bool parallel_tool_calls = true;
};

inline constexpr int64_t kMaxChoices = 64;
/// Tokens, where a request names no number: the context is the limit.
inline constexpr int64_t kNoLimit = 0x7fffffff;

/// temperature, top_p, top_k, min_p, seed, stop, penalties, logit_bias, max_tokens and our own:
/// min_tokens, ignore_eos, bad_words, stop_token_ids, priority, speculate, max_queue_seconds.
const FieldReaders<TextRequest>& sampling_fields();

/// Those and more.
FieldReaders<TextRequest> with_sampling_fields(FieldReaders<TextRequest> more);

/// Errors: ApiError 400 for a field with a token that the model has not.
void check_ids(const TextRequest& request, int64_t vocab_size);

/// {"type": "text" | "json_object" | "json_schema", ...} as a grammar. Errors: invalid_argument;
/// unsupported for what a schema may not hold.
Grammar response_format(const Json& json);

}  // namespace linnet::serve
