// Arguments put to their names, as Python binds a call.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "text/jinja/runtime.hpp"

namespace linnet::text::jinja {

/// Arguments of `callee` by position. Valid as long as the runtime.
class Bound {
 public:
  /// Errors: invalid_argument for more arguments than names, names that are none, or both.
  Bound(Runtime& runtime, std::string_view callee, const Arguments& arguments,
        std::initializer_list<std::string_view> names);

  [[nodiscard]] bool has(size_t i) const { return given_[i]; }
  /// The argument, or `fallback` if it is absent.
  [[nodiscard]] const Value& get(size_t i, const Value& fallback) const {
    return given_[i] ? values_[i] : fallback;
  }
  /// The argument. Errors: invalid_argument if it is absent.
  [[nodiscard]] const Value& at(size_t i) const;
  /// The argument as a type. Errors: invalid_argument if it is of another.
  [[nodiscard]] int64_t integer(size_t i) const;
  [[nodiscard]] int64_t integer(size_t i, int64_t fallback) const {
    return given_[i] ? integer(i) : fallback;
  }
  [[nodiscard]] std::string_view string(size_t i) const;
  [[nodiscard]] bool truth(size_t i, bool fallback) const {
    return given_[i] ? Runtime::truth(values_[i]) : fallback;
  }
  /// Whether it is given and not none.
  [[nodiscard]] bool is_some(size_t i) const { return given_[i] && !values_[i].is_none(); }

 private:
  Runtime& runtime_;
  std::string_view callee_;
  std::vector<std::string_view> names_;
  std::vector<Value> values_;
  std::vector<bool> given_;
};

}  // namespace linnet::text::jinja
