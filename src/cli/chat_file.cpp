#include "cli/chat_file.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/printable.hpp"

namespace linnet::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr int64_t kMaxFile = int64_t{64} << 20;

std::string json_text(const Json& json) { return simdjson::minify(json.element()); }

/// For what a member cannot be and still be a conversation of ours.
template <class... Args>
[[noreturn]] void malformed(const Json& at, fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorCode::malformed_file, "{} {}", at.where(),
       fmt::format(format, std::forward<Args>(args)...));
}

void check_members(const Json& object, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.members())
    if (std::ranges::find(known, name) == known.end())
      fail(ErrorCode::unsupported, "{} has a member {}, which linnet chat would lose",
           object.where(), printable(name));
}

Role parse_role(const Json& json) {
  const std::string_view name = json.as_string();
  for (const Role role : {Role::system, Role::user, Role::assistant, Role::tool})
    if (name == to_string(role)) return role;
  malformed(json, "is \"{}\"; there are system, user, assistant and tool", printable(name));
}

std::string parse_content(const Json& json) {
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

ToolCall parse_tool_call(const Json& json) {
  check_members(json, {"id", "type", "function", "name", "arguments"});
  const std::optional<Json> nested = json.find("function");
  if (nested) check_members(*nested, {"name", "arguments"});
  const Json& function = nested ? *nested : json;
  ToolCall call{.name = std::string(function.at("name").as_string()), .id = json.get("id", "")};
  // An object or a text with one: the template gets it as the file has it.
  if (const auto arguments = function.find("arguments")) call.arguments = json_text(*arguments);
  return call;
}

ChatMessage parse_message(const Json& json) {
  check_members(
      json, {"role", "content", "reasoning_content", "tool_calls", "tool_call_id", "name", "cut"});
  ChatMessage result;
  Message& message = result.message;
  message.role = parse_role(json.at("role"));
  if (const auto calls = json.find("tool_calls"))
    for (const Json& call : calls->elements()) message.tool_calls.push_back(parse_tool_call(call));
  const auto content = json.find("content");
  if (content)
    message.content = parse_content(*content);
  else if (message.tool_calls.empty())
    malformed(json, "has no content");
  message.reasoning_content = json.get("reasoning_content", "");
  message.tool_call_id = json.get("tool_call_id", "");
  message.name = json.get("name", "");
  result.cut = json.get("cut", false);
  return result;
}

void parse_messages(const Json& json, Conversation& conversation) {
  for (const Json& message : json.elements())
    conversation.messages.push_back(parse_message(message));
}

void parse_member(const std::string& name, const Json& value, Conversation& conversation,
                  OrderedJson& variables) {
  if (name == "messages") {
    parse_messages(value, conversation);
  } else if (name == "tools" || name == "documents") {
    if (value.is_null()) return;
    (void)value.elements();  // an array, or an error that says so
    (name == "tools" ? conversation.tools : conversation.documents) = json_text(value);
  } else if (name == "continue_final_message" || name == "chat_template") {
    fail(ErrorCode::unsupported, "{} has no part in a chat", value.where());
  } else if (name != "add_generation_prompt") {
    variables[name] = OrderedJson::parse(json_text(value));
  }
}

OrderedJson to_json(const ToolCall& call) {
  OrderedJson function{{"name", call.name}};
  function["arguments"] = OrderedJson::parse(call.arguments);
  OrderedJson result = OrderedJson::object();
  if (!call.id.empty()) result["id"] = call.id;
  result["type"] = "function";
  result["function"] = std::move(function);
  return result;
}

OrderedJson to_json(const ChatMessage& entry) {
  const Message& message = entry.message;
  OrderedJson result{{"role", to_string(message.role)}, {"content", message.content}};
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) result[key] = value;
  };
  add("reasoning_content", message.reasoning_content);
  for (const ToolCall& call : message.tool_calls) result["tool_calls"].push_back(to_json(call));
  add("tool_call_id", message.tool_call_id);
  add("name", message.name);
  if (entry.cut) result["cut"] = true;
  return result;
}

}  // namespace

Conversation parse_conversation(std::string_view text, const std::string& origin) {
  const Json json = Json::parse_exactly(text, origin);
  Conversation conversation;
  if (json.is_array()) {
    parse_messages(json, conversation);
    return conversation;
  }
  (void)json.at("messages");
  OrderedJson variables = OrderedJson::object();
  for (const auto& [name, value] : json.members())
    parse_member(name, value, conversation, variables);
  if (!variables.empty()) conversation.variables = variables.dump();
  return conversation;
}

std::string to_json(const Conversation& conversation) {
  OrderedJson result = OrderedJson::object();
  result["messages"] = OrderedJson::array();
  for (const ChatMessage& message : conversation.messages)
    result["messages"].push_back(to_json(message));
  if (!conversation.tools.empty()) result["tools"] = OrderedJson::parse(conversation.tools);
  if (!conversation.documents.empty())
    result["documents"] = OrderedJson::parse(conversation.documents);
  if (!conversation.variables.empty()) result.update(OrderedJson::parse(conversation.variables));
  // What was typed or read from a pipe need not be UTF-8.
  return result.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

Conversation load_conversation(const std::filesystem::path& file) {
  return parse_conversation(read_file(file, kMaxFile), printable(file.string()));
}

void save_conversation(const Conversation& conversation, const std::filesystem::path& file) {
  AtomicFile out(file);
  out.write(to_json(conversation));
  out.commit();
}

}  // namespace linnet::cli
