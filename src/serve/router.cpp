#include "serve/router.hpp"

#include <fmt/format.h>

#include "base/printable.hpp"

namespace linnet::serve {
namespace {

bool matches(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) return pattern == path;
  const std::string_view prefix = pattern.substr(0, pattern.size() - 1);
  return path.size() > prefix.size() && path.starts_with(prefix);
}

bool takes(const Route& route, std::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

}  // namespace

const Route& Router::find(std::string_view method, std::string_view path) const {
  for (const Route& route : routes_)
    if (takes(route, method) && matches(route.pattern, path)) return route;
  const std::string known = methods(path);
  if (known.empty())
    throw ApiError(404, fmt::format("there is no {} {}", printable(method), printable(path)),
                   "unknown_route");
  throw ApiError(405, fmt::format("{} takes {}, not {}", path, known, printable(method)),
                 "method_not_allowed");
}

std::string Router::methods(std::string_view path) const {
  std::string result;
  for (const Route& route : routes_)
    if (matches(route.pattern, path)) result += (result.empty() ? "" : ", ") + route.method;
  return result;
}

Dialect Router::dialect_of(std::string_view path) {
  if (path.starts_with("/v1/messages")) return Dialect::anthropic;
  if (path.starts_with("/api/")) return Dialect::ollama;
  return Dialect::openai;
}

}  // namespace linnet::serve
