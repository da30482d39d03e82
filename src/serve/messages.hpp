// Conversations as OpenAI's interface writes them.
#pragma once

#include <linnet/chat.hpp>

#include <vector>

#include "base/json.hpp"

namespace linnet::serve {

/// An array of {"role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content"}.
/// Contents are strings, lists of text parts, or null beside tool calls; "developer" is "system".
/// Errors: malformed_file, invalid_argument; unsupported for images and other parts.
std::vector<Message> read_messages(const Json& json);

/// A string, or a list of {"type": "text", "text"}. Errors: as above.
std::string read_content(const Json& json);

}  // namespace linnet::serve
