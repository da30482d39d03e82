#include "serve/percent.hpp"

#include <charconv>

#include "serve/api_error.hpp"

namespace linnet::serve {

std::string percent_decode(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    if (c == '%') {
      const char* const digits = text.data() + i + 1;
      const bool has_two = i + 2 < text.size();
      if (!has_two || std::from_chars(digits, digits + 2, c, 16).ptr != digits + 2)
        throw ApiError(400, "the request's path has a % without two digits", "invalid_path");
      i += 2;
    }
    if (c < 0x20 || c == 0x7f)
      throw ApiError(400, "the request's path has a control character", "invalid_path");
    result += static_cast<char>(c);
  }
  return result;
}

}  // namespace linnet::serve
