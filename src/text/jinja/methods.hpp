// Methods of strings, lists and dicts. Those that would change a list or dict are unsafe, as in
// Jinja's immutable sandbox: they are undefined, and calling one says so.
#pragma once

#include <string_view>

#include "text/jinja/runtime.hpp"

namespace linnet::text::jinja {

enum class MethodAccess { none, safe, unsafe };
/// Whether a value has a method of that name.
MethodAccess find_method(const Value& self, std::string_view name);

/// Errors: invalid_argument, as Python's would be.
Value call_method(Runtime& runtime, const Value& self, std::string_view name, Arguments& arguments);

/// Methods of strings; null if there is none of that name.
using StringMethod = Value (*)(Runtime& runtime, const Value& self, const Arguments& arguments);
StringMethod find_string_method(std::string_view name);

/// str.replace, for the filter too; count < 0: all.
Value replace(Runtime& runtime, std::string_view text, std::string_view from, std::string_view to,
              int64_t count);

}  // namespace linnet::text::jinja
