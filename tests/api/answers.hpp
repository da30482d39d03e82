// Answers compared to the bit.
#pragma once

#include <linnet/linnet.hpp>

#include <bit>
#include <ostream>
#include <string>
#include <vector>

namespace linnet::test {

struct Answer {
  std::vector<int32_t> ids;
  std::vector<uint32_t> logprobs;  // bits
  FinishReason reason = FinishReason::none;

  friend bool operator==(const Answer&, const Answer&) = default;
  friend std::ostream& operator<<(std::ostream& stream, const Answer& answer) {
    for (const int32_t id : answer.ids) stream << id << ' ';
    return stream << to_string(answer.reason);
  }
};

inline Answer answer_of(Generation generation) {
  Answer answer;
  while (const Token* token = generation.next()) {
    if (generation.finish_reason() != FinishReason::none) continue;
    answer.ids.push_back(token->id);
    answer.logprobs.push_back(std::bit_cast<uint32_t>(token->logprob));
  }
  answer.reason = generation.finish_reason();
  return answer;
}

}  // namespace linnet::test
