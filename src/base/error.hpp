// fail(): raise a linnet::Error with a formatted message.
#pragma once

#include <fmt/format.h>
#include <linnet/error.hpp>

namespace linnet {

/// Throws Error{code, message}; `format` is fmt's syntax, checked at compile time.
template <class... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws Error{invalid_argument, message} unless `condition` holds.
template <class... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) fail(ErrorCode::invalid_argument, format, std::forward<Args>(args)...);
}

}  // namespace linnet
