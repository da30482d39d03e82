#include "serve/admission.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "base/printable.hpp"

namespace linnet::serve {
namespace {

/// The name in a Host header, without the port and brackets.
std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(1, end - 1);
  }
  return host.substr(0, host.rfind(':'));
}

std::string_view given_key(const HttpRequest& request) {
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view authorization = request.header("authorization");
  const auto same_letter = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  if (authorization.size() > kBearer.size() &&
      std::ranges::equal(authorization.substr(0, kBearer.size()), kBearer, same_letter))
    return authorization.substr(kBearer.size());
  return request.header("x-api-key");
}

}  // namespace

bool equal_in_constant_time(std::string_view given, std::string_view secret) noexcept {
  size_t difference = given.size() ^ secret.size();
  for (size_t i = 0; i < given.size(); ++i) {
    const char other = secret.empty() ? '\0' : secret[i % secret.size()];
    difference |= static_cast<unsigned char>(given[i] ^ other);
  }
  return difference == 0;
}

bool is_loopback(std::string_view host) {
  // A name such as 127.0.0.1.example.org begins like an address and is somebody's.
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return host == "localhost" || (!error && address.is_loopback());
}

bool is_allowed_origin(const ServeOptions& options, std::string_view origin) {
  return std::ranges::any_of(options.cors_origins, [&](const std::string& allowed) {
    return allowed == "*" || allowed == origin;
  });
}

void check_admission(const ServeOptions& options, const HttpRequest& request, Access access) {
  const std::string_view host = request.header("host");
  if (const std::string_view origin = request.header("origin"); !origin.empty()) {
    const std::string own = (request.secure ? "https://" : "http://") + std::string(host);
    if (origin != own && !is_allowed_origin(options, origin))
      throw ApiError(403, fmt::format("pages of {} may not call this server", printable(origin)),
                     "origin_not_allowed");
  }
  if (options.api_keys.empty()) {
    const std::string_view name = host_name(host);
    if (!options.insecure && !host.empty() && !is_loopback(name) && name != options.host)
      throw ApiError(403, fmt::format("this server does not answer for {}", printable(host)),
                     "host_not_allowed");
    return;
  }
  if (access == Access::open) return;
  const std::string_view key = given_key(request);
  bool known = false;
  for (const std::string& secret : options.api_keys)
    known = equal_in_constant_time(key, secret) || known;
  if (known) return;
  throw ApiError(401,
                 key.empty() ? "the request has no key: send Authorization: Bearer KEY"
                             : "the request's key is not one of the server's",
                 "invalid_api_key");
}

}  // namespace linnet::serve
