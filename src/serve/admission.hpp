// Who may ask: keys, origins and hosts of a request.
#pragma once

#include "serve/http.hpp"
#include "serve/options.hpp"
#include "serve/router.hpp"

namespace linnet::serve {

/// Whether the texts are equal, in a time that depends on their lengths alone.
bool equal_in_constant_time(std::string_view given, std::string_view secret) noexcept;

/// Whether an address is this machine's own.
bool is_loopback(std::string_view host);

/// Whether web pages of an origin may call.
bool is_allowed_origin(const ServeOptions& options, std::string_view origin);

/// Errors: ApiError 401 without a right key where the route needs one; 403 for a page of a foreign
/// origin (browsers send it along, so other sites cannot use a server that a visitor runs), and, on
/// a server without keys, for a host name that is not this machine's (a foreign name that is
/// made to point here).
void check_admission(const ServeOptions& options, const HttpRequest& request, Access access);

}  // namespace linnet::serve
