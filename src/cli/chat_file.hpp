// A conversation, and the JSON file that it is kept in.
#pragma once

#include <linnet/chat.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::cli {

struct ChatMessage {
  Message message;
  bool cut = false;  ///< of an answer: it was stopped, or a limit ended it
};

/// What is said, and what the template is given beside it. JSON texts are empty where there is
/// nothing.
struct Conversation {
  std::vector<ChatMessage> messages;
  std::string tools;      ///< an array
  std::string documents;  ///< an array
  std::string variables;  ///< an object
};

/// Reads {"messages": [{"role", "content", "reasoning_content", "tool_calls", "tool_call_id",
/// "name", "cut"}], "tools", "documents"}, or the list of messages alone. Contents are strings,
/// lists of text parts, or null beside tool calls; "add_generation_prompt" is left alone, because a
/// chat always asks for an answer; all further members are variables of the template. `origin` (a
/// file name) starts every message. Errors: malformed_file; unsupported for a member that would be
/// lost.
Conversation parse_conversation(std::string_view text, const std::string& origin);

/// The same form, with a newline at the end. Answers that were cut have "cut": true.
std::string to_json(const Conversation& conversation);

/// Errors: those of parse_conversation; not_found; malformed_file beyond 64 MiB.
Conversation load_conversation(const std::filesystem::path& file);

/// The file appears, or is replaced, whole or not at all. Errors: not_found, device.
void save_conversation(const Conversation& conversation, const std::filesystem::path& file);

}  // namespace linnet::cli
