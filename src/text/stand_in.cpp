#include "text/stand_in.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "text/unicode.hpp"

namespace linnet::text {
namespace {

constexpr char32_t kFirst = 0x800;  // none of them has fewer than three bytes
constexpr unsigned char kFirstLead = 0xE0;

// Start of the next character at or after `at` that may need a stand-in, or the end.
size_t next_candidate(std::string_view text, size_t at) {
  while (true) {
    uint64_t bytes = 0;
    while (at + 8 <= text.size()) {
      std::memcpy(&bytes, text.data() + at, 8);
      if ((bytes & 0x8080808080808080) != 0) break;
      at += 8;
    }
    const size_t end = std::min(at + 8, text.size());
    for (; at < end; ++at)
      if (static_cast<unsigned char>(text[at]) >= kFirstLead) return at;
    if (at == text.size()) return at;
  }
}

}  // namespace

char32_t stand_in(char32_t c) {
  if (c < kFirst) return c;
  const auto range = std::ranges::lower_bound(kStandIns, c, {}, &StandIn::high);
  return range != kStandIns.end() && c >= range->low ? range->other : c;
}

bool put_stand_ins(std::string_view text, std::string& out) {
  bool found = false;
  for (size_t at = next_candidate(text, 0); at < text.size();) {
    const char32_t c = code_point_at(text, at);
    const char32_t other = stand_in(c);
    const size_t size = sequence_length(static_cast<unsigned char>(text[at]));
    if (other != c) {
      if (!found) out = text;
      found = true;
      std::string bytes;
      append_utf8(other, bytes);
      out.replace(at, size, bytes);
    }
    at = next_candidate(text, at + size);
  }
  return found;
}

}  // namespace linnet::text
