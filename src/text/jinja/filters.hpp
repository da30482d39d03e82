// Jinja's filters and tests by name. Filters that return generators in Jinja do so here: what they
// return can be iterated once, has no length and is true.
#pragma once

#include <span>
#include <string_view>

#include "text/jinja/runtime.hpp"

namespace linnet::text::jinja {

using Filter = Value (*)(Runtime& runtime, const Value& input, const Arguments& arguments);
using Test = bool (*)(Runtime& runtime, const Value& input, const Arguments& arguments);

/// Null if there is none of that name.
Filter find_filter(std::string_view name);
Test find_test(std::string_view name);

/// The same by a name that a template computes. Errors: invalid_argument if there is none.
Filter require_filter(Runtime& runtime, std::string_view name);
Test require_test(Runtime& runtime, std::string_view name);

struct NamedFilter {
  std::string_view name;
  Filter filter;
};

/// The filters of each file.
std::span<const NamedFilter> text_filters();
std::span<const NamedFilter> value_filters();
std::span<const NamedFilter> sequence_filters();
std::span<const NamedFilter> sorting_filters();

/// "a.b.0": attributes of attributes, whole numbers as indices. None: the item itself.
class AttributePath {
 public:
  AttributePath(Runtime& runtime, const Value& path);
  /// With a `fallback` that is not none, undefined steps become it.
  [[nodiscard]] Value get(Runtime& runtime, Value item,
                          const Value& fallback = Value::None{}) const;

 private:
  std::vector<Value> parts_;
};

}  // namespace linnet::text::jinja
