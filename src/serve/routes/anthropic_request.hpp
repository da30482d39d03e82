// Requests as Anthropic's Messages API writes them.
#pragma once

#include <optional>
#include <string>

#include "serve/text_request.hpp"

namespace linnet::serve {

struct AnthropicRequest : TextRequest {
  std::optional<int64_t> thinking_budget;
};

/// A request for an answer, or one whose tokens are counted, which has fewer fields.
///
/// Blocks become messages: a tool_result one of the role tool, a tool_use a call of the assistant,
/// thinking its reasoning. Turns of one role that follow each other become one, as they do there; a
/// last one of the assistant is continued.
/// Errors: ApiError 400 naming the field; 422 for images and what else is no text.
AnthropicRequest read_anthropic_request(const std::string& body, bool count_only);

/// The fields of either.
const FieldReaders<AnthropicRequest>& anthropic_fields(bool count_only);

}  // namespace linnet::serve
