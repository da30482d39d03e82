// A line of a data set: a conversation, a prompt with its completion, a text, or one with a label.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/value.hpp"

namespace linnet::train {

/// The members of lines that have a text and its label.
struct LabelFields {
  std::string text = "text";
  std::string label = "label";
};

/// One of
///   {"messages": [{"role", "content", ...}], "tools"?, "chat_template_kwargs"?}
///   {"conversations": [{"from": "human" | "gpt" | "system" | "tool", "value"}]}
///   {"prompt": string, "completion": string}, or lists of messages in both
///   {"text": string}, or with LabelFields {"text": string, "label": string}
///   {"instruction": string, "input": string?, "output": string}, if it is none of the above: a
///   completion whose prompt is the instruction and the input, if there is one, in Alpaca's frame
/// Further members (an id, a source) are left alone; two of these shapes in one line are an error.
struct Record {
  enum class Kind { chat, completion, text, label };

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
  std::string label;
  /// A text without LabelFields has a "label": it is learned as a text, which few would mean.
  bool unlearned_label = false;
  /// Bytes of contents by role ("prompt", "completion", "text" and "label" for the other kinds).
  std::map<std::string, int64_t> role_bytes;

  /// Errors: malformed_file, invalid_argument or unsupported, saying which member is wrong and how;
  /// messages begin with `where`. With `labelled`, a text without a label is an error, and one
  /// with a label is of Kind::label.
  static Record parse(std::string_view line, const std::string& where,
                      const LabelFields* labelled = nullptr);
};

/// The role of a message, as templates take it.
std::string_view role_of(const text::jinja::Value& message);
/// The message with another member; the others stay.
text::jinja::Value with_member(const text::jinja::Value& message, std::string_view key,
                               text::jinja::Value value);

}  // namespace linnet::train
