// A call of a tool, read from the JSON that a model wrote.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/json_scanner.hpp"

namespace linnet::text {

struct ToolCall {
  std::string name;
  std::string arguments;  ///< a JSON object, as the model wrote it
  friend bool operator==(const ToolCall&, const ToolCall&) = default;
};

/// Whether a member of this name may stand beside the name and the arguments in JSON that has no
/// mark to say that it is a call.
bool is_call_key(std::string_view key);

/// The calls of an object or a list of objects {"name": string, "arguments" or "parameters":
/// object}. Arguments may also be a string that holds the object's JSON, as some models write.
/// Nothing if one of them is no such object, and for an empty list.
///   json     the complete text
///   scanner  has read it from its first byte on
///   marked   a mark says that it is a call: then arguments may be missing, and other members may
///            be there
std::optional<std::vector<ToolCall>> read_tool_calls(std::string_view json,
                                                     const JsonScanner& scanner, bool marked);

}  // namespace linnet::text
