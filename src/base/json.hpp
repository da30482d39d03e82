// Reading JSON with errors that say where: "config.json: rope_scaling.factor is a string, expected
// a number". A thin view over simdjson's DOM; bulk readers (a vocabulary of 262,144 entries) may
// walk element() themselves.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace linnet {

/// "an array", "an object", "a number", "a string", "a boolean" or "null", for messages.
std::string_view json_type_name(const simdjson::dom::element& element) noexcept;

/// A value inside a parsed document. Copies are cheap and keep the document alive. Immutable, so it
/// may be read from several threads.
class Json {
 public:
  /// Parses a whole document. `origin` (a file name) starts every message.
  /// Integers past 64 bits are read as doubles.
  /// Errors: malformed_file for a syntax error, bad UTF-8 or nesting deeper than 64.
  static Json parse(std::string_view text, std::string origin);
  /// The same, but an integer past 64 bits is an error. For what is shown again.
  static Json parse_exactly(std::string_view text, std::string origin);
  static Json parse_file(const std::filesystem::path& path);

  [[nodiscard]] bool is_null() const { return element_.is_null(); }
  [[nodiscard]] bool is_object() const { return element_.is_object(); }
  [[nodiscard]] bool is_array() const { return element_.is_array(); }
  [[nodiscard]] bool is_string() const { return element_.is_string(); }
  [[nodiscard]] bool is_bool() const { return element_.is_bool(); }
  [[nodiscard]] bool is_number() const { return element_.is_number(); }
  /// A number written without fraction or exponent that fits int64.
  [[nodiscard]] bool is_integer() const { return element_.is_int64(); }

  /// The value as a type. Errors: malformed_file naming path, found and expected type. as_integer
  /// also takes a number with fraction zero (HF writes 1e6 and 16.0 for integers here and there).
  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] int64_t as_integer() const;
  [[nodiscard]] double as_number() const;
  [[nodiscard]] std::string_view as_string() const;

  /// Member of an object; nothing if absent or null. Errors: malformed_file if this is no object.
  [[nodiscard]] std::optional<Json> find(std::string_view key) const;
  /// Member of an object. Errors: malformed_file if absent or null.
  [[nodiscard]] Json at(std::string_view key) const;
  /// Members in file order. Errors: malformed_file if this is no object / array.
  [[nodiscard]] std::vector<std::pair<std::string, Json>> members() const;
  [[nodiscard]] std::vector<Json> elements() const;

  /// Shortcuts for optional members: the fallback if absent or null; an error if of another type.
  [[nodiscard]] bool get(std::string_view key, bool fallback) const;
  [[nodiscard]] int64_t get(std::string_view key, int64_t fallback) const;
  [[nodiscard]] double get(std::string_view key, double fallback) const;
  [[nodiscard]] std::string get(std::string_view key, const char* fallback) const;

  /// "config.json: rope_scaling.factor", for messages.
  [[nodiscard]] std::string where() const;
  [[nodiscard]] const simdjson::dom::element& element() const { return element_; }

 private:
  struct Document {
    std::string origin;
    simdjson::dom::parser parser;
  };
  Json(std::shared_ptr<const Document> document, simdjson::dom::element element, std::string path)
      : document_(std::move(document)), element_(element), path_(std::move(path)) {}
  static Json parse(std::string_view text, std::string origin, bool exactly);
  [[noreturn]] void wrong_type(std::string_view expected) const;
  [[nodiscard]] Json child(simdjson::dom::element element, std::string_view key) const;

  std::shared_ptr<const Document> document_;
  simdjson::dom::element element_;
  std::string path_;
};

}  // namespace linnet
