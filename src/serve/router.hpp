// Which handler answers a method and a path.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "serve/api_error.hpp"
#include "serve/http.hpp"

namespace linnet::serve {

enum class Access {
  open,  ///< for everybody
  key,   ///< with one of the server's keys, if it has any
};

struct Route {
  std::string method;   ///< "GET" also answers HEAD
  std::string pattern;  ///< a path; one that ends with "/*" has anything behind it, slashes too
  Handler handler;
  Access access = Access::key;
  Dialect dialect = Dialect::openai;
  /// Of the JSON object that it takes, sorted; what openapi.json must list.
  std::vector<std::string> fields = {};
};

/// Filled before the server runs, constant then.
class Router {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }

  /// Errors: ApiError 404 for a path that is not there, 405 for another method than it has.
  [[nodiscard]] const Route& find(std::string_view method, std::string_view path) const;
  /// "GET, POST": the methods of a path; empty if it is not there.
  [[nodiscard]] std::string methods(std::string_view path) const;
  /// What errors look like below a path, whether there is a route or not.
  [[nodiscard]] static Dialect dialect_of(std::string_view path);
  [[nodiscard]] std::span<const Route> routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace linnet::serve
