#include "serve/fields.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/printable.hpp"

namespace linnet::serve {

Json parse_body(std::string_view body) {
  try {
    Json json = Json::parse(body, "the request");
    require(json.is_object(), "the request is {}, not an object", json_type_name(json.element()));
    return json;
  } catch (const Error& error) {
    throw ApiError(400, error.what(), "invalid_json");
  }
}

void rethrow_for_field(std::string_view name) {
  try {
    throw;
  } catch (const Error& error) {
    const bool unsupported = error.code() == ErrorCode::unsupported;
    throw ApiError(unsupported ? 422 : 400, error.what(),
                   unsupported ? "unsupported" : "invalid_value", std::string(name));
  }
}

void unknown_field(std::string_view name) {
  const std::string shown = printable(name);
  throw ApiError(400, fmt::format("the request has a field \"{}\", which is not known", shown),
                 "unknown_field", shown);
}

void check_members(const Json& object, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.members())
    require(std::ranges::find(known, name) != known.end(),
            "{} has a field \"{}\", which is not known", object.where(), printable(name));
}

std::string json_text(const Json& json) { return simdjson::minify(json.element()); }

std::vector<std::string> one_or_more_strings(const Json& json) {
  std::vector<std::string> result;
  if (json.is_string()) {
    result.emplace_back(json.as_string());
    return result;
  }
  for (const Json& text : json.elements()) result.emplace_back(text.as_string());
  require(!result.empty(), "{} is empty", json.where());
  return result;
}

int32_t token_id(const Json& json) {
  return static_cast<int32_t>(integer_between(json, 0, std::numeric_limits<int32_t>::max()));
}

std::vector<int32_t> token_ids(const Json& json) {
  std::vector<int32_t> ids;
  for (const Json& id : json.elements()) ids.push_back(token_id(id));
  return ids;
}

int64_t integer_between(const Json& json, int64_t low, int64_t high) {
  const int64_t value = json.as_integer();
  require(value >= low && value <= high, "{} is {}, expected {} to {}", json.where(), value, low,
          high);
  return value;
}

float finite_float(const Json& json) {
  const double value = json.as_number();
  require(std::abs(value) <= std::numeric_limits<float>::max(), "{} is {}, which is out of range",
          json.where(), value);
  return static_cast<float>(value);
}

float float_between(const Json& json, float low, float high) {
  const float value = finite_float(json);
  require(value >= low && value <= high, "{} is {}, expected {} to {}", json.where(), value, low,
          high);
  return value;
}

}  // namespace linnet::serve
