// The keywords of a JSON schema, with those of what it includes (allOf, $ref) put together.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"

namespace linnet::text::grammar {

/// Of an object or array in a schema. Errors: unsupported for more than 20,000, and for names that
/// make places in the schema longer than 1,000 bytes.
std::vector<std::pair<std::string, Json>> schema_members(const Json& value);
std::vector<Json> schema_elements(const Json& value);

/// Where a schema's $ref lead, inside its own document.
class SchemaReferences {
 public:
  explicit SchemaReferences(Json root) : root_(std::move(root)) {}
  /// The schema that `reference`, a $ref, names. Errors: unsupported for other documents and
  /// anchors, invalid_argument if there is nothing.
  [[nodiscard]] Json find(const Json& reference) const;

 private:
  Json root_;
};

enum class SchemaType { null, boolean, integer, number, string, array, object };
using SchemaTypes = std::set<SchemaType>;

struct SchemaKeywords {
  /// Reads a schema (an object). Errors: unsupported, naming the keyword and where it is, for one
  /// that is not in the list of docs/grammar.md.
  static SchemaKeywords read(const Json& schema, const SchemaReferences& references);
  /// Both. Errors: unsupported, naming the keyword, where both say something that cannot be put
  /// together.
  void merge(const SchemaKeywords& other);

  std::string where;
  bool impossible = false;            ///< the schema `false` is among it
  std::optional<SchemaTypes> types;   ///< of "type"
  std::map<std::string, Json> plain;  ///< what is neither "type" nor below
  std::vector<std::pair<std::string, Json>> properties;
  std::vector<std::string> required;
  std::vector<std::vector<Json>> alternatives;  ///< each anyOf or oneOf

  [[nodiscard]] const Json* find(const std::string& keyword) const {
    const auto found = plain.find(keyword);
    return found == plain.end() ? nullptr : &found->second;
  }
  /// "type", or the types that the keywords are about, or all.
  [[nodiscard]] SchemaTypes possible_types() const;

 private:
  void add(const Json& schema, const SchemaReferences& references, int depth);
  std::map<std::string, size_t> property_of_;  // by name, in properties
  int parts_ = 0;
  int property_parts_ = 0;   // schemas with "properties" among these
  bool has_closed_ = false;  // one with "additionalProperties"
};

/// Whether a value is of a type, as JSON schema means it (2.0 is an integer).
bool is_of(const Json& value, SchemaType type);
/// Compact text of a value.
std::string schema_text(const Json& value);

}  // namespace linnet::text::grammar
