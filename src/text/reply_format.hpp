// How a chat model marks what it writes: its reasoning and its calls of tools, found out from the
// checkpoint's chat template.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace linnet::text {

/// How a model writes calls of tools. A call is always a JSON object with "name" and "arguments"
/// (or "parameters").
enum class ToolFormat : uint8_t {
  none,        ///< calls are not looked for: all is content
  hermes,      ///< <tool_call>\n{...}\n</tool_call>, anywhere, several in a row (Qwen 2.5 and 3)
  llama3,      ///< objects alone, with ';' or white space between, perhaps after <|python_tag|>
  mistral,     ///< [{...}, ...], after [TOOL_CALLS] or alone (the tokenizer may hide that mark)
  plain_json,  ///< no format in the template (Gemma 3): objects or a list alone, or in a block
               ///< fenced with ```json, ```tool_code or ```tool_call
};

/// What ReplyParser looks for.
struct ReplyFormat {
  ToolFormat tools = ToolFormat::none;
  /// Marks round reasoning; empty: none is told from content.
  std::string reasoning_open = "<think>";
  std::string reasoning_close = "</think>";
  /// The prompt ends inside the marks (DeepSeek R1, Qwen 3's thinking models), so the reply begins
  /// there.
  bool begins_in_reasoning = false;
};

/// The format of a reply.
///   template_source  the chat template that wrote the prompt (ChatTemplate::source())
///   rendered_prompt  the prompt as text; only its end is read
///   tools_given      whether the request has tools: without them nothing is taken for a call
ReplyFormat reply_format(std::string_view template_source, std::string_view rendered_prompt,
                         bool tools_given);

}  // namespace linnet::text
