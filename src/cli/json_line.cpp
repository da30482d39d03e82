#include "cli/json_line.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"

namespace linnet::cli {

Json parse_object(std::string_view line, const char* name) {
  Json json = Json::parse(line, name);
  if (!json.is_object())
    fail(ErrorCode::malformed_file, "{} is {}, expected an object", name,
         json_type_name(json.element()));
  return json;
}

std::string string_member(const Json& object, const std::string& name) {
  const std::optional<Json> value = object.find(name);
  if (!value) fail(ErrorCode::malformed_file, "{} has no \"{}\"", object.where(), printable(name));
  return std::string(value->as_string());
}

bool has_member(const Json& object, std::string_view name) {
  simdjson::dom::element value;
  return object.element().at_key(name).get(value) == simdjson::SUCCESS;
}

std::string append_members(std::string_view object, const nlohmann::ordered_json& members) {
  std::string text(object.substr(0, object.find_last_of('}')));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  for (const auto& [name, value] : members.items())
    text += fmt::format(", {}: {}", json_line(name), json_line(value));
  return text + '}';
}

std::string json_line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace linnet::cli
