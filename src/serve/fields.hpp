// Reading the JSON object that a request is: every member is known or refused by name.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "serve/api_error.hpp"

namespace linnet::serve {

/// Parses a request's body. Errors: ApiError 400 for what is no JSON object.
Json parse_body(std::string_view body);

/// Readers of members by name. A reader that throws a linnet::Error (Json's functions do, for a
/// wrong type) ends the request with the member's name.
template <class Target>
using FieldReaders = std::unordered_map<std::string_view, void (*)(Target&, const Json&)>;

/// ApiError 400 (422 for what is not supported) of the error that is being handled, for a field.
[[noreturn]] void rethrow_for_field(std::string_view name);
[[noreturn]] void unknown_field(std::string_view name);
/// Errors: invalid_argument for a member that is none of these; malformed_file if it is no object.
void check_members(const Json& object, std::initializer_list<std::string_view> known);

/// Hands each member to its reader. Null is as good as absent.
template <class Target>
void read_fields(const Json& object, const FieldReaders<Target>& readers, Target& target) {
  for (const auto& [name, value] : object.members()) {
    const auto reader = readers.find(name);
    if (reader == readers.end()) unknown_field(name);
    if (value.is_null()) continue;
    try {
      reader->second(target, value);
    } catch (const Error&) {
      rethrow_for_field(name);
    }
  }
}

/// Their names, sorted.
template <class Target>
std::vector<std::string> field_names(const FieldReaders<Target>& readers) {
  std::vector<std::string> names;
  for (const auto& [name, reader] : readers) names.emplace_back(name);
  std::ranges::sort(names);
  return names;
}

/// The value as JSON text.
std::string json_text(const Json& json);
/// A string, or an array of at least one string. Errors: as Json.
std::vector<std::string> one_or_more_strings(const Json& json);
/// A token id of 32 bits. Errors: as Json; invalid_argument.
int32_t token_id(const Json& json);
std::vector<int32_t> token_ids(const Json& json);
/// An integer between two bounds, both in. Errors: invalid_argument naming them.
int64_t integer_between(const Json& json, int64_t low, int64_t high);
/// A number that is finite as a float. Errors: as Json; invalid_argument.
float finite_float(const Json& json);
/// A number between two bounds, both in. Errors: as Json; invalid_argument naming them.
float float_between(const Json& json, float low, float high);

}  // namespace linnet::serve
