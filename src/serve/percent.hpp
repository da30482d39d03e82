// Percent-encoding of URLs (RFC 3986).
#pragma once

#include <string>
#include <string_view>

namespace linnet::serve {

/// Errors: ApiError 400 for a "%" without two hexadecimal digits, and for control characters.
std::string percent_decode(std::string_view text);

}  // namespace linnet::serve
