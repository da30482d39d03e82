// Characters of Unicode 15 and 16, which Hugging Face's regexes know and PCRE2's and utf8proc's
// tables may not.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace linnet::text {

/// For low .. high: another character, of the same general category and length in UTF-8, that older
/// tables know.
struct StandIn {
  char32_t low;
  char32_t high;  // inclusive
  char32_t other;
};

/// Sorted.
extern const std::span<const StandIn> kStandIns;

/// The character that stands in for `c`; `c` itself for those that all tables know.
char32_t stand_in(char32_t c);

/// If `text` (valid UTF-8) has such characters: true, and `out` is the text with the others in
/// their place, every byte at the same position. Otherwise false, and `out` is left alone.
bool put_stand_ins(std::string_view text, std::string& out);

}  // namespace linnet::text
