// A line that is a JSON object: checked and asked, and given more members with its text kept.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace linnet::cli {

/// The object of a line; messages call it `name`. Errors: malformed_file if it is none.
Json parse_object(std::string_view line, const char* name = "the line");

/// A member that is a string. Errors: malformed_file if it is absent or something else.
std::string string_member(const Json& object, const std::string& name);

/// Whether there is such a member, be it null.
bool has_member(const Json& object, std::string_view name);

/// The object's text with further members at its end. Everything else stays as it is written: the
/// order of members, numbers, white space. `object` is the text of an object with members.
std::string append_members(std::string_view object, const nlohmann::ordered_json& members);

/// JSON on one line; bytes that are not UTF-8 become U+FFFD.
std::string json_line(const nlohmann::ordered_json& json);

}  // namespace linnet::cli
