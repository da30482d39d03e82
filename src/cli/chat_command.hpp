// The commands of linnet chat: lines that begin with a slash.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace linnet::cli {

enum class ChatVerb { help, system, clear, undo, retry, save, load, set, stats, exit };

enum class Arguments { none, optional, required };

struct ChatCommandInfo {
  ChatVerb verb;
  std::string_view name;   ///< "/save"
  Arguments arguments;     ///< whether something may or must follow
  std::string_view usage;  ///< "/save FILE"
  std::string_view help;
};

/// All commands, in the order of /help.
std::span<const ChatCommandInfo> chat_commands();

struct ChatCommand {
  ChatVerb verb = ChatVerb::help;
  std::string argument;  ///< without white space round it
};

/// Reads a line that begins with '/'. Errors: invalid_argument for a command that does not exist,
/// naming it and the nearest one, and for an argument too few or too many.
ChatCommand parse_chat_command(std::string_view line);

/// The text of /help.
std::string chat_help();

}  // namespace linnet::cli
