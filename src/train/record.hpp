// A line of a data set: a conversation, a prompt with its completion, or a text.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/value.hpp"

namespace linnet::train {

/// One of
///   {"messages": [{"role", "content", ...}], "tools"?, "chat_template_kwargs"?}
///   {"conversations": [{"from": "human" | "gpt" | "system" | "tool", "value"}]}
///   {"prompt": string, "completion": string}, or lists of messages in both
///   {"text": string}
///   {"instruction": string, "input": string?, "output": string}, if it is none of the above: a
///   completion whose prompt is the instruction and the input, if there is one, in Alpaca's frame
/// Further members (an id, a source) are left alone; two of these shapes in one line are an error.
struct Record {
  enum class Kind { chat, completion, text };

  Kind kind = Kind::text;
  /// Of a chat, as templates take them: contents are strings or none (lists of text parts are
  /// joined), arguments of tool calls are objects, "developer" is "system".
  std::vector<text::jinja::Value> messages;
  /// Which messages are learned: assistant's, from the completion on, and whose "weight" is not 0.
  std::vector<bool> learned;
  text::jinja::Value tools = text::jinja::Value::None{};
  std::vector<std::pair<std::string, text::jinja::Value>> variables;
  std::string prompt;
  std::string user_turn;  ///< the prompt as a turn of a conversation: without a frame
  std::string completion;
  std::string text;
  /// Bytes of contents by role ("prompt", "completion" and "text" for the other kinds).
  std::map<std::string, int64_t> role_bytes;

  /// Errors: malformed_file, invalid_argument or unsupported, saying which member is wrong and how;
  /// messages begin with `where`.
  static Record parse(std::string_view line, const std::string& where);
};

/// The role of a message, as templates take it.
std::string_view role_of(const text::jinja::Value& message);
/// The message with another member; the others stay.
text::jinja::Value with_member(const text::jinja::Value& message, std::string_view key,
                               text::jinja::Value value);

}  // namespace linnet::train
