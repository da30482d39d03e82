#include "base/printable.hpp"

#include <fmt/format.h>

namespace linnet {

std::string printable(std::string_view text, size_t limit) {
  const bool cut = text.size() > limit;
  if (cut) {
    // Back to the start of a character: continuation bytes are 10xxxxxx.
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0U) == 0x80U) --limit;
    text = text.substr(0, limit);
  }
  std::string result;
  result.reserve(text.size() + 3);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      result += fmt::format("\\x{:02x}", byte);
    else
      result += c;
  }
  if (cut) result += "...";
  return result;
}

}  // namespace linnet
