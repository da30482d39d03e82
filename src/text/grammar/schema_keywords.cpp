#include "text/grammar/schema_keywords.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/error.hpp"
#include "base/printable.hpp"

namespace linnet::text::grammar {
namespace {

using namespace std::string_view_literals;

constexpr int kMaxIncluded = 32;  // $ref and allOf inside each other
constexpr int kMaxParts = 500;    // that hold together

constexpr std::array kAnnotations{"title"sv,     "description"sv, "default"sv,    "examples"sv,
                                  "$schema"sv,   "$comment"sv,    "deprecated"sv, "readOnly"sv,
                                  "writeOnly"sv, "$defs"sv,       "definitions"sv};
constexpr std::array kStringKeywords{"minLength"sv, "maxLength"sv, "pattern"sv, "format"sv};
constexpr std::array kNumberKeywords{"minimum"sv, "maximum"sv, "exclusiveMinimum"sv,
                                     "exclusiveMaximum"sv};
constexpr std::array kArrayKeywords{"items"sv, "prefixItems"sv, "minItems"sv, "maxItems"sv};

bool is_in(const auto& list, std::string_view keyword) {
  return std::ranges::find(list, keyword) != list.end();
}

constexpr std::array<std::pair<std::string_view, SchemaType>, 7> kTypes{{
    {"null", SchemaType::null},
    {"boolean", SchemaType::boolean},
    {"integer", SchemaType::integer},
    {"number", SchemaType::number},
    {"string", SchemaType::string},
    {"array", SchemaType::array},
    {"object", SchemaType::object},
}};

SchemaTypes types_of(const Json& entry) {
  SchemaTypes result;
  const auto add = [&](const Json& name) {
    const std::string_view text = name.as_string();
    const auto found =
        std::ranges::find(kTypes, text, &std::pair<std::string_view, SchemaType>::first);
    if (found == kTypes.end())
      fail(ErrorCode::invalid_argument, "{}: there is no type \"{}\"", name.where(),
           printable(text));
    result.insert(found->second);
  };
  if (entry.is_array())
    for (const Json& name : schema_elements(entry)) add(name);
  else
    add(entry);
  return result;
}

SchemaTypes common(const SchemaTypes& a, const SchemaTypes& b) {
  SchemaTypes result;
  for (const SchemaType type : a) {
    if (b.contains(type)) result.insert(type);
    if (type == SchemaType::integer && b.contains(SchemaType::number)) result.insert(type);
    if (type == SchemaType::number && b.contains(SchemaType::integer))
      result.insert(SchemaType::integer);
  }
  return result;
}

// What is easy to see of a schema: which types its values have, and which constants it or its
// required properties are.
struct Outline {
  bool impossible = false;
  SchemaTypes types;
  std::optional<std::set<std::string>> constants;         // their texts
  std::map<std::string, std::set<std::string>> constant;  // of required properties
};

// Only strings, booleans and null: numbers and objects may be equal and written differently.
std::optional<std::set<std::string>> constants_of(const Json& schema) {
  if (!schema.is_object()) return std::nullopt;
  std::optional<std::set<std::string>> result;
  for (const auto& [keyword, value] : schema_members(schema)) {
    if (keyword != "const" && keyword != "enum") continue;
    result.emplace();
    for (const Json& one : keyword == "const" ? std::vector{value} : schema_elements(value)) {
      if (!one.is_string() && !one.is_bool() && !one.is_null()) return std::nullopt;
      result->insert(schema_text(one));
    }
  }
  return result;
}

// Without what allOf, anyOf and oneOf in it narrow further.
Outline outline(Json schema, const SchemaReferences& references) {
  Outline result;
  for (int i = 0; i < kMaxIncluded && schema.is_object(); ++i) {
    const auto reference = schema.find("$ref");
    if (!reference) break;
    schema = references.find(*reference);
  }
  for (const auto& [name, type] : kTypes) result.types.insert(type);
  if (schema.is_bool()) result.impossible = !schema.as_bool();
  if (!schema.is_object()) return result;
  result.constants = constants_of(schema);
  std::set<std::string> required;
  std::optional<Json> properties;
  for (const auto& [keyword, value] : schema_members(schema)) {
    if (keyword == "type") result.types = types_of(value);
    if (keyword == "const" || keyword == "enum") {
      SchemaTypes types;
      for (const Json& one : keyword == "const" ? std::vector{value} : schema_elements(value))
        for (const auto& [name, type] : kTypes)
          if (is_of(one, type)) types.insert(type);
      result.types = common(result.types, types);
    }
    if (keyword == "properties") properties = value;
    if (keyword == "required")
      for (const Json& name : schema_elements(value)) required.emplace(name.as_string());
  }
  if (properties)
    for (const auto& [name, property] : schema_members(*properties))
      if (required.contains(name))
        if (auto values = constants_of(property)) result.constant.emplace(name, std::move(*values));
  return result;
}

bool disjoint(const std::set<std::string>& a, const std::set<std::string>& b) {
  return std::ranges::none_of(a, [&](const std::string& text) { return b.contains(text); });
}

// Whether no value can be of both.
bool disjoint(const Outline& a, const Outline& b) {
  if (a.impossible || b.impossible) return true;
  const SchemaTypes types = common(a.types, b.types);
  if (types.empty() || (a.constants && b.constants && disjoint(*a.constants, *b.constants)))
    return true;
  return types == SchemaTypes{SchemaType::object} &&
         std::ranges::any_of(a.constant, [&](const auto& property) {
           const auto other = b.constant.find(property.first);
           return other != b.constant.end() && disjoint(property.second, other->second);
         });
}

}  // namespace

namespace {

// Every member is handed its place as text: without limits a small schema could ask for gigabytes.
void check_extent(const Json& value, size_t size) {
  constexpr size_t kMaxSize = 20'000;
  constexpr size_t kMaxPlace = 1'000;
  const std::string place = value.where();
  if (size > kMaxSize)
    fail(ErrorCode::unsupported, "{} has {} parts, at most {} are supported", printable(place),
         size, kMaxSize);
  if (place.size() > kMaxPlace)
    fail(ErrorCode::unsupported, "{} is a place of {} bytes, at most {} are supported",
         printable(place), place.size(), kMaxPlace);
}

}  // namespace

std::vector<std::pair<std::string, Json>> schema_members(const Json& value) {
  if (value.is_object()) check_extent(value, value.element().get_object().size());
  return value.members();
}

std::vector<Json> schema_elements(const Json& value) {
  if (value.is_array()) check_extent(value, value.element().get_array().size());
  return value.elements();
}

std::string schema_text(const Json& value) { return simdjson::minify(value.element()); }

bool is_of(const Json& value, SchemaType type) {
  switch (type) {
    case SchemaType::null: return value.is_null();
    case SchemaType::boolean: return value.is_bool();
    case SchemaType::integer:
      return value.is_number() &&
             (!value.element().is_double() || std::floor(value.as_number()) == value.as_number());
    case SchemaType::number: return value.is_number();
    case SchemaType::string: return value.is_string();
    case SchemaType::array: return value.is_array();
    case SchemaType::object: return value.is_object();
  }
  return false;
}

Json SchemaReferences::find(const Json& reference) const {
  const std::string text(reference.as_string());
  if (text.empty() || text[0] != '#' || (text.size() > 1 && text[1] != '/'))
    fail(ErrorCode::unsupported,
         "{}: \"{}\" is not supported, only places in the same schema (#/...)", reference.where(),
         printable(text));
  const auto missing = [&]() {
    fail(ErrorCode::invalid_argument, "{}: there is no \"{}\"", reference.where(), printable(text));
  };
  std::optional<Json> at = root_;
  for (size_t begin = 1; begin < text.size();) {
    const size_t end = std::min(text.find('/', begin + 1), text.size());
    std::string name;
    for (size_t i = begin + 1; i < end; ++i) {
      unsigned byte = 0;
      if (text[i] == '~' && i + 1 < end && (text[i + 1] == '0' || text[i + 1] == '1')) {
        name += text[++i] == '0' ? '~' : '/';
      } else if (text[i] == '%' && i + 2 < end &&
                 std::from_chars(&text[i + 1], &text[i + 3], byte, 16).ptr == &text[i + 3]) {
        name += static_cast<char>(byte);
        i += 2;
      } else {
        name += text[i];
      }
    }
    begin = end;
    if (at->is_object()) {
      at = at->find(name);
    } else if (at->is_array()) {
      const auto elements = schema_elements(*at);
      size_t index = 0;
      const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), index);
      const bool found =
          error == std::errc() && stop == name.data() + name.size() && index < elements.size();
      at = found ? std::optional(elements[index]) : std::nullopt;
    } else {
      at.reset();
    }
    if (!at) missing();
  }
  return *at;
}

SchemaKeywords SchemaKeywords::read(const Json& schema, const SchemaReferences& references) {
  SchemaKeywords result;
  result.where = schema.where();
  result.add(schema, references, 0);
  return result;
}

void SchemaKeywords::add(const Json& schema, const SchemaReferences& references, int depth) {
  if (depth > kMaxIncluded)
    fail(ErrorCode::unsupported,
         "{}: more than {} schemas included in each other by allOf and $ref", where, kMaxIncluded);
  if (++parts_ > kMaxParts)
    fail(ErrorCode::unsupported, "{}: more than {} schemas hold together by allOf and $ref", where,
         kMaxParts);
  if (schema.is_bool()) {
    impossible |= !schema.as_bool();
    return;
  }
  if (!schema.is_object())
    fail(ErrorCode::invalid_argument, "{} is {}, expected a schema", schema.where(),
         json_type_name(schema.element()));
  SchemaKeywords own;  // of this schema alone
  own.where = schema.where();
  std::vector<Json> included;
  std::set<std::string> seen;
  for (const auto& [keyword, value] : schema_members(schema)) {
    if (!seen.insert(keyword).second)
      fail(ErrorCode::invalid_argument, "{}: \"{}\" appears twice", own.where, printable(keyword));
    if (is_in(kAnnotations, keyword)) continue;
    if (keyword == "$id" && own.where == "JSON schema") continue;
    if (keyword == "type") {
      own.types = types_of(value);
    } else if (keyword == "properties") {
      own.properties = schema_members(value);
      own.property_parts_ = 1;
      std::set<std::string_view> names;
      for (const auto& [name, property] : own.properties)
        if (!names.insert(name).second)
          fail(ErrorCode::invalid_argument, "{}: \"{}\" appears twice", value.where(),
               printable(name));
    } else if (keyword == "required") {
      for (const Json& name : schema_elements(value)) own.required.emplace_back(name.as_string());
    } else if (keyword == "allOf") {
      for (const Json& part : schema_elements(value)) included.push_back(part);
    } else if (keyword == "$ref") {
      included.push_back(references.find(value));
    } else if (keyword == "anyOf" || keyword == "oneOf") {
      std::vector<Json> branches = schema_elements(value);
      if (keyword == "oneOf") {
        if (branches.size() > 1000)
          fail(ErrorCode::unsupported, "{} has {} branches, at most 1000 are supported",
               value.where(), branches.size());
        std::vector<Outline> outlines;
        for (const Json& branch : branches) outlines.push_back(outline(branch, references));
        for (size_t i = 0; i < outlines.size(); ++i)
          for (size_t k = i + 1; k < outlines.size(); ++k)
            if (!disjoint(outlines[i], outlines[k]))
              fail(ErrorCode::unsupported,
                   "{}: branches {} and {} may both hold of one value, which is not supported "
                   "(\"anyOf\" is)",
                   value.where(), i, k);
      }
      own.alternatives.push_back(std::move(branches));
    } else if (is_in(kStringKeywords, keyword) || is_in(kNumberKeywords, keyword) ||
               is_in(kArrayKeywords, keyword) || keyword == "additionalProperties" ||
               keyword == "enum" || keyword == "const") {
      own.plain.emplace(keyword, value);
      own.has_closed_ |= keyword == "additionalProperties";
    } else {
      fail(ErrorCode::unsupported, "{}: the keyword \"{}\" is not supported", own.where,
           printable(keyword));
    }
  }
  merge(own);
  for (const Json& part : included) add(part, references, depth + 1);
}

void SchemaKeywords::merge(const SchemaKeywords& other) {
  impossible |= other.impossible;
  if (other.types) types = types ? common(*types, *other.types) : *other.types;
  const bool has_items = find("items") != nullptr || find("prefixItems") != nullptr;
  const auto refuse = [&](std::string_view keyword) {
    fail(ErrorCode::unsupported, "{}: \"{}\" of schemas that hold together is not supported",
         other.where, keyword);
  };
  if (has_items && (other.find("items") != nullptr || other.find("prefixItems") != nullptr))
    refuse("items");
  for (const auto& [keyword, value] : other.plain) {
    const auto [found, is_new] = plain.emplace(keyword, value);
    if (!is_new && schema_text(found->second) != schema_text(value)) refuse(keyword);
  }
  for (const auto& [name, schema] : other.properties) {
    const auto [found, is_new] = property_of_.emplace(name, properties.size());
    if (is_new)
      properties.emplace_back(name, schema);
    else if (schema_text(properties[found->second].second) != schema_text(schema))
      refuse("properties." + printable(name));
  }
  property_parts_ += other.property_parts_;
  // It is about the properties beside it, not about those of the other schema.
  const bool closes_both = (has_closed_ && other.property_parts_ > 0) ||
                           (other.has_closed_ && property_parts_ > other.property_parts_);
  has_closed_ |= other.has_closed_;
  if (closes_both) refuse("additionalProperties");
  required.insert(required.end(), other.required.begin(), other.required.end());
  alternatives.insert(alternatives.end(), other.alternatives.begin(), other.alternatives.end());
}

SchemaTypes SchemaKeywords::possible_types() const {
  if (types) return *types;
  SchemaTypes result;
  for (const auto& [keyword, value] : plain) {
    if (is_in(kStringKeywords, keyword)) result.insert(SchemaType::string);
    if (is_in(kNumberKeywords, keyword)) result.insert(SchemaType::number);
    if (is_in(kArrayKeywords, keyword)) result.insert(SchemaType::array);
    if (keyword == "additionalProperties") result.insert(SchemaType::object);
  }
  if (!properties.empty() || !required.empty()) result.insert(SchemaType::object);
  if (result.empty())
    for (const auto& [name, type] : kTypes) result.insert(type);
  return result;
}

}  // namespace linnet::text::grammar
