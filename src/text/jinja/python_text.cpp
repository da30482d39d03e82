#include "text/jinja/python_text.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

#include "base/error.hpp"
#include "text/jinja/case_tables.hpp"
#include "text/unicode.hpp"

namespace linnet::text::jinja {
namespace {

utf8proc_category_t category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

const char* special(std::span<const SpecialCase> table, char32_t c) {
  const auto found =
      std::lower_bound(table.begin(), table.end(), c,
                       [](const SpecialCase& row, char32_t x) { return row.code < x; });
  return found != table.end() && found->code == c ? found->text : nullptr;
}

void append_upper(char32_t c, std::string& out) {
  if (const char* text = special(kSpecialUpper, c))
    out += text;
  else
    append_utf8(static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))), out);
}

void append_title(char32_t c, std::string& out) {
  if (const char* text = special(kSpecialTitle, c))
    out += text;
  else
    append_utf8(static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))), out);
}

bool is_cased(char32_t c) { return is_upper_char(c) || is_lower_char(c) || is_title_char(c); }

// Characters that a search for the neighbours of a sigma passes over.
bool is_case_ignorable(char32_t c) {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: return c == U'\'' || c == U'.' || c == U':' || c == U'\u00B7' || c == U'\u2019';
  }
}

// Unicode's Final_Sigma: a cased letter before it, none after it.
bool is_final_sigma(std::string_view text, size_t at) {
  bool before = false;
  for (size_t i = at; i > 0;) {
    i = previous_start(text, i);
    const char32_t c = code_point_at(text, i);
    if (is_case_ignorable(c)) continue;
    before = is_cased(c);
    break;
  }
  if (!before) return false;
  for (size_t i = at + 2; i < text.size();) {
    const char32_t c = code_point_at(text, i);
    i += sequence_length(static_cast<unsigned char>(text[i]));
    if (is_case_ignorable(c)) continue;
    return !is_cased(c);
  }
  return true;
}

void append_lower_at(std::string_view text, size_t at, std::string& out) {
  const char32_t c = code_point_at(text, at);
  if (c == U'\u03A3')
    append_utf8(is_final_sigma(text, at) ? U'\u03C2' : U'\u03C3', out);
  else if (c == U'\u0130')
    out += "i\xCC\x87";
  else
    append_utf8(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))), out);
}

template <class Visit>  // visit(code point, offset)
void for_each_character(std::string_view text, const Visit& visit) {
  for (size_t i = 0; i < text.size(); i += sequence_length(static_cast<unsigned char>(text[i])))
    visit(code_point_at(text, i), i);
}

bool is_line_end(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

// Digits with single underscores between them, as Python's number literals allow.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      result += text[i];
      continue;
    }
    const bool between = i > 0 && i + 1 < text.size() &&
                         std::isalnum(static_cast<unsigned char>(text[i - 1])) != 0 &&
                         std::isalnum(static_cast<unsigned char>(text[i + 1])) != 0;
    if (!between) return std::nullopt;
  }
  return result;
}

}  // namespace

bool is_space(char32_t c) { return is_whitespace(c) || (c >= 0x1C && c <= 0x1F); }

bool is_printable(char32_t c) {
  if (c == U' ') return true;
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    default: return true;
  }
}

bool is_alphabetic(char32_t c) {
  const auto found = category(c);
  return found >= UTF8PROC_CATEGORY_LU && found <= UTF8PROC_CATEGORY_LO;
}
bool is_decimal(char32_t c) { return category(c) == UTF8PROC_CATEGORY_ND; }
bool is_digit(char32_t c) {
  return is_decimal(c) || c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 ||
         (c >= 0x2074 && c <= 0x2079) || (c >= 0x2080 && c <= 0x2089) ||
         (c >= 0x2460 && c <= 0x2468);
}
bool is_numeric_char(char32_t c) { return is_numeric(c); }
bool is_upper_char(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LU || (c >= 0x2160 && c <= 0x216F) ||
         (c >= 0x24B6 && c <= 0x24CF);
}
bool is_lower_char(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LL || c == 0xAA || c == 0xBA ||
         (c >= 0x02B0 && c <= 0x02B8) || (c >= 0x2170 && c <= 0x217F) ||
         (c >= 0x24D0 && c <= 0x24E9);
}
bool is_title_char(char32_t c) { return category(c) == UTF8PROC_CATEGORY_LT; }

int64_t count_characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

size_t character_offset(std::string_view text, int64_t index) {
  size_t at = 0;
  for (; index > 0 && at < text.size(); --index)
    at += sequence_length(static_cast<unsigned char>(text[at]));
  return at;
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> result;
  for_each_character(text, [&](char32_t, size_t at) {
    result.push_back(text.substr(at, sequence_length(static_cast<unsigned char>(text[at]))));
  });
  return result;
}

std::string_view strip(std::string_view text, Side side, std::optional<std::string_view> chars) {
  std::u32string set;
  if (chars) for_each_character(*chars, [&](char32_t c, size_t) { set += c; });
  std::sort(set.begin(), set.end());
  const auto strips = [&](char32_t c) {
    return chars ? std::binary_search(set.begin(), set.end(), c) : is_space(c);
  };
  if (side != Side::right)
    while (!text.empty() && strips(code_point_at(text, 0)))
      text.remove_prefix(sequence_length(static_cast<unsigned char>(text[0])));
  if (side != Side::left) {
    while (!text.empty()) {
      const size_t last = previous_start(text, text.size());
      if (!strips(code_point_at(text, last))) break;
      text = text.substr(0, last);
    }
  }
  return text;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  size_t start = 0;
  for (size_t i = 0; i < text.size();) {
    const char32_t c = code_point_at(text, i);
    size_t end = i + sequence_length(static_cast<unsigned char>(text[i]));
    if (is_line_end(c)) {
      if (c == U'\r' && end < text.size() && text[end] == '\n') ++end;
      lines.push_back(text.substr(start, (keep_ends ? end : i) - start));
      start = end;
    }
    i = end;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

std::vector<std::string_view> split_words(std::string_view text, int64_t most) {
  std::vector<std::string_view> words;
  text = strip(text, Side::left);
  while (!text.empty()) {
    if (most >= 0 && static_cast<int64_t>(words.size()) == most) {
      words.push_back(text);
      break;
    }
    size_t end = 0;
    while (end < text.size() && !is_space(code_point_at(text, end)))
      end += sequence_length(static_cast<unsigned char>(text[end]));
    words.push_back(text.substr(0, end));
    text = strip(text.substr(end), Side::left);
  }
  return words;
}

std::vector<std::string_view> rsplit_words(std::string_view text, int64_t most) {
  std::vector<std::string_view> words;
  text = strip(text, Side::right);
  while (!text.empty()) {
    if (most >= 0 && static_cast<int64_t>(words.size()) == most) {
      words.push_back(text);
      break;
    }
    size_t start = text.size();
    while (start > 0) {
      const size_t before = previous_start(text, start);
      if (is_space(code_point_at(text, before))) break;
      start = before;
    }
    words.push_back(text.substr(start));
    text = strip(text.substr(0, start), Side::right);
  }
  std::reverse(words.begin(), words.end());
  return words;
}

std::string to_upper(std::string_view text) {
  std::string out;
  for_each_character(text, [&](char32_t c, size_t) { append_upper(c, out); });
  return out;
}

std::string to_lower(std::string_view text) {
  std::string out;
  for_each_character(text, [&](char32_t, size_t at) { append_lower_at(text, at, out); });
  return out;
}

std::string to_capitalized(std::string_view text) {
  std::string out;
  for_each_character(text, [&](char32_t c, size_t at) {
    at == 0 ? append_title(c, out) : append_lower_at(text, at, out);
  });
  return out;
}

std::string to_title(std::string_view text) {
  std::string out;
  bool in_word = false;
  for_each_character(text, [&](char32_t c, size_t at) {
    in_word ? append_lower_at(text, at, out) : append_title(c, out);
    in_word = is_cased(c);
  });
  return out;
}

std::string to_swapped_case(std::string_view text) {
  std::string out;
  for_each_character(text, [&](char32_t c, size_t at) {
    if (is_upper_char(c))
      append_lower_at(text, at, out);
    else if (is_lower_char(c))
      append_upper(c, out);
    else
      append_utf8(c, out);
  });
  return out;
}

std::string quoted_text(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for_each_character(text, [&](char32_t c, size_t at) {
    if (c == static_cast<char32_t>(quote) || c == U'\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == U'\n') {
      out += "\\n";
    } else if (c == U'\r') {
      out += "\\r";
    } else if (c == U'\t') {
      out += "\\t";
    } else if (is_printable(c)) {
      out += text.substr(at, sequence_length(static_cast<unsigned char>(text[at])));
    } else if (c <= 0xFF) {
      out += fmt::format("\\x{:02x}", static_cast<uint32_t>(c));
    } else if (c <= 0xFFFF) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    } else {
      out += fmt::format("\\U{:08x}", static_cast<uint32_t>(c));
    }
  });
  out += quote;
  return out;
}

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<size_t>(end.ptr - buffer));
  const size_t e = text.find('e');
  int exponent = 0;
  const size_t digits_at = text[e + 1] == '+' ? e + 2 : e + 1;
  std::from_chars(text.data() + digits_at, text.data() + text.size(), exponent);
  const bool negative = text[0] == '-';
  std::string digits;
  for (const char c : text.substr(0, e))
    if (c >= '0' && c <= '9') digits += c;
  std::string out = negative ? "-" : "";
  const auto count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (count > 1) out += "." + digits.substr(1);
    return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0)
    return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (count <= exponent + 1)
    return out + digits + std::string(static_cast<size_t>(exponent + 1 - count), '0') + ".0";
  return out + digits.substr(0, static_cast<size_t>(exponent) + 1) + "." +
         digits.substr(static_cast<size_t>(exponent) + 1);
}

std::optional<int64_t> parse_int(std::string_view text, int base) {
  text = strip(text);
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const auto prefix = [&](char letter) {
    return text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == letter;
  };
  bool prefixed = false;
  for (const auto& [letter, its_base] : {std::pair{'x', 16}, {'o', 8}, {'b', 2}}) {
    if (!prefix(letter) || (base != its_base && base != 0)) continue;
    base = its_base;
    prefixed = true;
    text.remove_prefix(text[2] == '_' ? 3 : 2);
    break;
  }
  const auto plain = without_underscores(text);
  if (!plain || plain->empty() || (base != 0 && (base < 2 || base > 36))) return std::nullopt;
  if (base == 0) {
    if (!prefixed && (*plain)[0] == '0' && plain->find_first_not_of('0') != std::string::npos)
      return std::nullopt;
    base = 10;
  }
  uint64_t value = 0;
  const auto end = std::from_chars(plain->data(), plain->data() + plain->size(), value, base);
  const uint64_t limit = (uint64_t{1} << 63) - (negative ? 0 : 1);
  if (end.ec != std::errc() || end.ptr != plain->data() + plain->size() || value > limit)
    return std::nullopt;
  return static_cast<int64_t>(negative ? -value : value);
}

std::optional<double> parse_float(std::string_view text) {
  text = strip(text);
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.empty() || text[0] == '-' || text[0] == '+') return std::nullopt;
  const auto plain = without_underscores(text);
  if (!plain) return std::nullopt;
  double value = 0;
  const char* const last = plain->data() + plain->size();
  const auto end = std::from_chars(plain->data(), last, value, std::chars_format::general);
  if (end.ptr != last) return std::nullopt;
  if (end.ec == std::errc::result_out_of_range) value = std::strtod(plain->c_str(), nullptr);
  // from_chars reads "nan(...)"; Python does not.
  if (plain->find('(') != std::string::npos) return std::nullopt;
  return negative ? -value : value;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&#34;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace linnet::text::jinja
