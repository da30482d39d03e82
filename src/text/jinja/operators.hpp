// Python's operators on values.
#pragma once

#include <string_view>

#include "text/jinja/runtime.hpp"

namespace linnet::text::jinja {

/// a + b and the like; `symbol` is one of + - * / // % **.
/// Errors: invalid_argument for types that the operator does not take, for division by zero, and
/// for integers that leave 64 bits.
Value binary(Runtime& runtime, std::string_view symbol, const Value& a, const Value& b);
Value negate(Runtime& runtime, const Value& value);
Value plus(Runtime& runtime, const Value& value);

/// a < b. Errors: invalid_argument for types without an order.
bool less(Runtime& runtime, const Value& a, const Value& b);
/// `symbol` is one of == != < <= > >= in, not in.
bool compare(Runtime& runtime, std::string_view symbol, const Value& a, const Value& b);
/// item in container.
bool contains(Runtime& runtime, const Value& item, const Value& container);

/// object.name: attributes first, then elements; undefined if there is neither.
/// Errors: invalid_argument on something undefined.
Value get_attribute(Runtime& runtime, const Value& object, const Value& name);
/// object[key]: elements first, then attributes.
Value get_item(Runtime& runtime, const Value& object, const Value& key);
/// object[start:stop:step]; absent ends are none.
Value slice(Runtime& runtime, const Value& object, const Value& start, const Value& stop,
            const Value& step);

/// Position of `needle` in bytes at or behind `from`; npos if it is not there. Work is counted.
size_t find_text(Runtime& runtime, std::string_view text, std::string_view needle, size_t from = 0);
/// The last one that ends at or before `end`.
size_t rfind_text(Runtime& runtime, std::string_view text, std::string_view needle,
                  size_t end = std::string_view::npos);

/// Whether a dict takes it as a key. Errors: invalid_argument if not.
void check_hashable(Runtime& runtime, const Value& key);

}  // namespace linnet::text::jinja
