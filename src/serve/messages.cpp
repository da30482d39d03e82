#include "serve/messages.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "serve/fields.hpp"

namespace linnet::serve {
namespace {

Role read_role(const Json& json) {
  const std::string_view name = json.as_string();
  if (name == "developer") return Role::system;
  for (const Role role : {Role::system, Role::user, Role::assistant, Role::tool})
    if (name == to_string(role)) return role;
  fail(ErrorCode::invalid_argument,
       "{} is \"{}\", expected system, developer, user, assistant or tool", json.where(),
       printable(name));
}

ToolCall read_tool_call(const Json& json) {
  check_members(json, {"id", "type", "function", "index"});
  const Json function = json.at("function");
  check_members(function, {"name", "arguments"});
  ToolCall call{.name = std::string(function.at("name").as_string()), .id = json.get("id", "")};
  // A text that holds JSON; some clients send the object itself.
  if (const auto arguments = function.find("arguments")) {
    call.arguments =
        arguments->is_string() ? std::string(arguments->as_string()) : json_text(*arguments);
    if (call.arguments.empty()) call.arguments = "{}";
  }
  return call;
}

Message read_message(const Json& json) {
  require(json.is_object(), "{} is {}, not an object", json.where(),
          json_type_name(json.element()));
  check_members(json, {"role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content",
                       "refusal"});
  Message message{.role = read_role(json.at("role"))};
  if (const auto calls = json.find("tool_calls"))
    for (const Json& call : calls->elements()) message.tool_calls.push_back(read_tool_call(call));
  if (const auto content = json.find("content"))
    message.content = read_content(*content);
  else
    require(!message.tool_calls.empty(), "{} has no content", json.where());
  message.reasoning_content = json.get("reasoning_content", "");
  message.tool_call_id = json.get("tool_call_id", "");
  message.name = json.get("name", "");
  return message;
}

}  // namespace

std::string read_content(const Json& json) {
  if (!json.is_array()) return std::string(json.as_string());
  std::string text;
  for (const Json& part : json.elements()) {
    const std::string type = part.get("type", "");
    if (type != "text")
      fail(ErrorCode::unsupported, "{} has the type \"{}\"; only text is supported", part.where(),
           printable(type));
    text += part.at("text").as_string();
  }
  return text;
}

std::vector<Message> read_messages(const Json& json) {
  std::vector<Message> messages;
  for (const Json& message : json.elements()) messages.push_back(read_message(message));
  require(!messages.empty(), "{} is empty", json.where());
  return messages;
}

}  // namespace linnet::serve
