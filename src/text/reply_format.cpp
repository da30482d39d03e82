#include "text/reply_format.hpp"

namespace linnet::text {
namespace {

ToolFormat tool_format(std::string_view source) {
  const auto has = [&](std::string_view part) {
    return source.find(part) != std::string_view::npos;
  };
  if (has("<tool_call>")) return ToolFormat::hermes;
  if (has("[TOOL_CALLS]")) return ToolFormat::mistral;
  if (has("<|start_header_id|>") && has("\"parameters\"")) return ToolFormat::llama3;
  return ToolFormat::plain_json;
}

}  // namespace

ReplyFormat reply_format(std::string_view template_source, std::string_view rendered_prompt,
                         bool tools_given) {
  ReplyFormat format;
  if (tools_given) format.tools = tool_format(template_source);
  const size_t last = rendered_prompt.find_last_not_of(" \t\r\n");
  format.begins_in_reasoning = last != std::string_view::npos &&
                               rendered_prompt.substr(0, last + 1).ends_with(format.reasoning_open);
  return format;
}

}  // namespace linnet::text
