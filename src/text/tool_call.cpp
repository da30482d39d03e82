#include "text/tool_call.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/json.hpp"

namespace linnet::text {
namespace {

constexpr std::array<std::string_view, 2> kArguments = {"arguments", "parameters"};

std::optional<Json> parse(std::string_view text) {
  try {
    return Json::parse(text, "a call of a tool");
  } catch (const Error& error) {
    if (error.code() != ErrorCode::malformed_file) throw;
    return std::nullopt;
  }
}

// `members` are those of this object.
std::optional<ToolCall> read_call(std::string_view json, const Json& object,
                                  const std::vector<JsonScanner::Member>& members, bool marked) {
  const auto name = object.find("name");
  if (!name || !name->is_string() || name->as_string().empty()) return std::nullopt;
  ToolCall call{.name = std::string(name->as_string()), .arguments = ""};
  for (const std::string_view key : kArguments) {
    const auto value = object.find(key);
    if (!value) continue;
    if (value->is_string()) {
      call.arguments = value->as_string();
      const auto inner = parse(call.arguments);
      if (!inner || !inner->is_object()) return std::nullopt;
      return call;
    }
    // The text, not the value: numbers, escapes and the order of members stay the model's. A key
    // written with escapes is not found here.
    const auto member = std::ranges::find_if(members, [&](const JsonScanner::Member& m) {
      return json.substr(m.key_begin, m.key_end - m.key_begin) == key;
    });
    if (!value->is_object() || member == members.end()) return std::nullopt;
    call.arguments = json.substr(member->value_begin, member->value_end - member->value_begin);
    return call;
  }
  if (!marked) return std::nullopt;
  call.arguments = "{}";
  return call;
}

}  // namespace

bool is_call_key(std::string_view key) {
  return key == "name" || key == "type" || key == "id" || std::ranges::count(kArguments, key) != 0;
}

std::optional<std::vector<ToolCall>> read_tool_calls(std::string_view json,
                                                     const JsonScanner& scanner, bool marked) {
  const auto parsed = parse(json);
  if (!parsed) return std::nullopt;
  const std::vector<Json> objects =
      parsed->is_array() ? parsed->elements() : std::vector<Json>{*parsed};
  std::vector<ToolCall> calls;
  auto member = scanner.members().begin();
  for (size_t i = 0; i < objects.size(); ++i) {
    std::vector<JsonScanner::Member> own;
    for (; member != scanner.members().end() && member->object == i; ++member)
      own.push_back(*member);
    if (!objects[i].is_object()) return std::nullopt;
    auto call = read_call(json, objects[i], own, marked);
    if (!call) return std::nullopt;
    calls.push_back(*std::move(call));
  }
  if (calls.empty()) return std::nullopt;
  return calls;
}

}  // namespace linnet::text
