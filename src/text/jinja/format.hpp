// Texts made of values: "%s" % x, "{}".format(x), and JSON.
#pragma once

#include <optional>
#include <string_view>

#include "text/jinja/runtime.hpp"

namespace linnet::text::jinja {

/// text % value: %s %r %a %d %i %u %x %X %o %c %f %F %e %E %g %G %%, with flags, width, precision,
/// and names. Errors: invalid_argument, as Python's would be.
Value percent_format(Runtime& runtime, std::string_view text, const Value& value);

/// text.format(...): fields with attributes, elements, conversions and format specifications.
Value brace_format(Runtime& runtime, std::string_view text, const Arguments& arguments);

/// How json.dumps writes; the defaults are those of transformers' tojson.
struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;  ///< of one level; nothing: one line
  std::optional<std::string> item_separator;
  std::optional<std::string> key_separator;
};

/// json.dumps(value). Errors: invalid_argument for what JSON has not.
Value to_json(Runtime& runtime, const Value& value, const JsonStyle& style);

/// datetime.strftime of local time. Errors: invalid_argument for a directive that is not
/// implemented.
std::string strftime(Runtime& runtime, std::string_view format);

}  // namespace linnet::text::jinja
