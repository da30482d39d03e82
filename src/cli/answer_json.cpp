#include "cli/answer_json.hpp"

#include <utility>

namespace linnet::cli {

nlohmann::ordered_json to_json(const Metrics& metrics) {
  return {{"prompt_tokens", metrics.prompt_tokens},
          {"cached_prompt_tokens", metrics.cached_prompt_tokens},
          {"generated_tokens", metrics.generated_tokens},
          {"preemptions", metrics.preemptions},
          {"drafted_tokens", metrics.drafted_tokens},
          {"accepted_tokens", metrics.accepted_tokens},
          {"queue_seconds", metrics.queue_seconds},
          {"time_to_first_token_seconds", metrics.time_to_first_token_seconds},
          {"prefill_seconds", metrics.prefill_seconds},
          {"decode_seconds", metrics.decode_seconds},
          {"longest_gap_seconds", metrics.longest_gap_seconds},
          {"prefill_tokens_per_second", metrics.prefill_tokens_per_second},
          {"decode_tokens_per_second", metrics.decode_tokens_per_second},
          {"active_bytes", metrics.active_bytes},
          {"peak_bytes", metrics.peak_bytes}};
}

nlohmann::ordered_json to_json(const std::vector<std::vector<TokenLogprob>>& top) {
  nlohmann::ordered_json result = nlohmann::ordered_json::array();
  for (const std::vector<TokenLogprob>& tokens : top) {
    nlohmann::ordered_json listed = nlohmann::ordered_json::array();
    for (const TokenLogprob& token : tokens)
      listed.push_back({{"id", token.id}, {"logprob", token.logprob}});
    result.push_back(std::move(listed));
  }
  return result;
}

}  // namespace linnet::cli
