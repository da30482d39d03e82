// Python's str, on UTF-8: what characters are, and what strings and floats look like.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::text::jinja {

/// str.isspace: Unicode's white space and U+001C to U+001F.
bool is_space(char32_t c);
/// str.isprintable.
bool is_printable(char32_t c);
bool is_alphabetic(char32_t c);  ///< str.isalpha: general category L
bool is_decimal(char32_t c);     ///< Nd
bool is_digit(char32_t c);       ///< Nd, and superscripts and the like
bool is_numeric_char(char32_t c);
bool is_upper_char(char32_t c);
bool is_lower_char(char32_t c);
bool is_title_char(char32_t c);

/// Code points.
int64_t count_characters(std::string_view text);
/// Byte offset of a code point's start; the size for one past the end.
size_t character_offset(std::string_view text, int64_t index);
/// Each character as a piece of `text`.
std::vector<std::string_view> characters(std::string_view text);

enum class Side { left, right, both };
/// str.strip, lstrip, rstrip: of white space, or of the characters in `chars`.
std::string_view strip(std::string_view text, Side side = Side::both,
                       std::optional<std::string_view> chars = std::nullopt);
/// str.splitlines.
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends = false);
/// str.split() and str.rsplit() without a separator; most < 0: no limit.
std::vector<std::string_view> split_words(std::string_view text, int64_t most);
std::vector<std::string_view> rsplit_words(std::string_view text, int64_t most);

std::string to_upper(std::string_view text);
/// With the final form of sigma at the end of words.
std::string to_lower(std::string_view text);
std::string to_capitalized(std::string_view text);
std::string to_title(std::string_view text);
std::string to_swapped_case(std::string_view text);

/// repr() of a string: quotes and escapes.
std::string quoted_text(std::string_view text);
/// repr() of a float: the shortest digits that read back, "1e+16", "inf", "nan".
std::string float_text(double value);
/// int(text, base) and float(text); nothing for what Python refuses. An integer past 64 bits is
/// refused too.
std::optional<int64_t> parse_int(std::string_view text, int base = 10);
std::optional<double> parse_float(std::string_view text);

/// &, <, >, " and ' as markupsafe writes them.
std::string escape_html(std::string_view text);

}  // namespace linnet::text::jinja
