// Parts of OpenAI's answers.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "serve/generate.hpp"

namespace linnet::serve {

/// {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details"}.
nlohmann::ordered_json usage_json(const Usage& usage);

/// Ours: what the first answer took, in milliseconds and tokens a second.
nlohmann::ordered_json timings_json(const Metrics& metrics);

/// The members that every answer begins with: id, object, created, model, system_fingerprint.
struct AnswerHead {
  std::string id;
  int64_t created = 0;
  std::string model;
  [[nodiscard]] nlohmann::ordered_json json(std::string_view object) const;
};
AnswerHead answer_head(std::string_view id_prefix, const Running& running);

/// Adds "usage" and "timings" of answers that have ended.
void add_usage(nlohmann::ordered_json& json, const Running& running);

/// The last events of a stream: usage and timings in an `object` without choices, if they are
/// wanted, and [DONE].
void end_stream(std::string& out, const AnswerHead& head, std::string_view object,
                const Running& running, bool include_usage);

/// A token as chat's logprobs have it: {"token", "logprob", "bytes", "top_logprobs"}.
nlohmann::ordered_json token_logprob_json(const Tokenizer& tokenizer, const Token& token);
/// A token's text, and its bytes as an array; null where it is no whole characters.
std::string token_text(const Tokenizer& tokenizer, int32_t id);

}  // namespace linnet::serve
