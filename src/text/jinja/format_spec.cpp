#include "text/jinja/format_spec.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "text/jinja/python_text.hpp"
#include "text/unicode.hpp"

namespace linnet::text::jinja {
namespace {

std::string number_in_base(uint64_t value, int base, bool upper) {
  char buffer[72];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, base);
  std::string text(buffer, end.ptr);
  if (upper)
    for (char& c : text)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

// printf's conversion of a double, whose digits are Python's too.
std::string printed(char type, int precision, bool alternate, double value) {
  if (std::isnan(value)) return type >= 'A' && type <= 'Z' ? "NAN" : "nan";
  if (std::isinf(value)) return type >= 'A' && type <= 'Z' ? "INF" : "inf";
  const char format[] = {'%',
                         alternate ? '#' : '.',
                         alternate ? '.' : '*',
                         alternate ? '*' : type,
                         alternate ? type : '\0',
                         '\0'};
  std::string text(static_cast<size_t>(kMaxPrecision) + 340, '\0');
  const int size = std::snprintf(text.data(), text.size(), format, precision, value);
  text.resize(static_cast<size_t>(std::max(size, 0)));
  return text;
}

std::string grouped_digits(std::string digits, char separator, size_t every) {
  size_t end = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
  for (; end > every; end -= every) digits.insert(end - every, 1, separator);
  return digits;
}

std::string sign_of(bool negative, char sign) {
  if (negative) return "-";
  return sign == '+' ? "+" : sign == ' ' ? " " : "";
}

Spec read_spec(Runtime& runtime, std::string_view text) {
  Spec spec;
  size_t at = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  if (!text.empty()) {
    const size_t first = sequence_length(static_cast<unsigned char>(text[0]));
    if (first < text.size() && is_align(text[first])) {
      spec.fill = text.substr(0, first);
      spec.align = text[first];
      at = first + 1;
    } else if (is_align(text[0])) {
      spec.align = text[0];
      at = 1;
    }
  }
  const auto ahead = [&](std::string_view set) {
    return at < text.size() && set.find(text[at]) != std::string_view::npos;
  };
  if (ahead("+- ")) spec.sign = text[at++];
  if (ahead("#")) {
    spec.alternate = true;
    ++at;
  }
  if (ahead("0")) {
    ++at;
    if (spec.align == 0) {
      spec.fill = "0";
      spec.align = '=';
    }
  }
  spec.width = read_number(runtime, text, at, kMaxWidth);
  if (ahead(",_")) spec.grouping = text[at++];
  if (ahead(".")) {
    ++at;
    if (!ahead("0123456789")) runtime.fail("Format specifier missing precision");
    spec.precision = static_cast<int>(read_number(runtime, text, at, kMaxPrecision));
  }
  if (at < text.size()) spec.type = text[at++];
  if (at != text.size()) runtime.fail("Invalid format specifier");
  return spec;
}

}  // namespace

int64_t read_number(Runtime& runtime, std::string_view text, size_t& at, int64_t limit) {
  int64_t value = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    value = value * 10 + (text[at++] - '0');
    if (value > limit) runtime.fail("a width or precision beyond {} in a format", limit);
  }
  return value;
}

std::string padded(const Spec& spec, const std::string& sign, const std::string& body, char align) {
  const int64_t space = spec.width - count_characters(sign) - count_characters(body);
  if (space <= 0) return sign + body;
  const auto fill = [&](int64_t count) {
    std::string text;
    for (int64_t i = 0; i < count; ++i) text += spec.fill;
    return text;
  };
  switch (align) {
    case '<': return sign + body + fill(space);
    case '^': return fill(space / 2) + sign + body + fill(space - space / 2);
    case '=': return sign + fill(space) + body;
    default: return fill(space) + sign + body;
  }
}

std::string format_integer(Runtime& runtime, const Spec& spec, int64_t value) {
  const bool negative = value < 0;
  const uint64_t magnitude =
      negative ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string sign = sign_of(negative, spec.sign);
  std::string body;
  switch (spec.type) {
    case 0:
    case 'd':
    case 'n': body = std::to_string(magnitude); break;
    case 'x':
    case 'X': body = number_in_base(magnitude, 16, spec.type == 'X'); break;
    case 'o': body = number_in_base(magnitude, 8, false); break;
    case 'b': body = number_in_base(magnitude, 2, false); break;
    default: runtime.fail("Unknown format code '{}' for object of type 'int'", spec.type);
  }
  if (spec.grouping != 0)
    body = grouped_digits(std::move(body), spec.grouping,
                          spec.type == 0 || spec.type == 'd' || spec.type == 'n' ? 3 : 4);
  if (spec.alternate && spec.type != 0 && spec.type != 'd') sign += std::string("0") + spec.type;
  return padded(spec, sign, body, spec.align != 0 ? spec.align : '>');
}

std::string format_float(Runtime& runtime, const Spec& spec, double value) {
  const std::string sign = sign_of(std::signbit(value) && !std::isnan(value), spec.sign);
  const double magnitude = std::fabs(value);
  std::string body;
  switch (spec.type) {
    case 0:
      if (spec.precision < 0) {
        body = float_text(magnitude);
      } else {
        body = printed('g', std::max(spec.precision, 1), spec.alternate, magnitude);
        if (body.find_first_of(".en") == std::string::npos) body += ".0";
      }
      break;
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
    case 'n': {
      const char type = spec.type == 'n' ? 'g' : spec.type;
      int precision = spec.precision < 0 ? 6 : spec.precision;
      if ((type | 0x20) == 'g') precision = std::max(precision, 1);
      body = printed(type, precision, spec.alternate, magnitude);
      break;
    }
    case '%':
      body = printed('f', spec.precision < 0 ? 6 : spec.precision, false, magnitude * 100) + "%";
      break;
    default: runtime.fail("Unknown format code '{}' for object of type 'float'", spec.type);
  }
  if (spec.grouping != 0) body = grouped_digits(std::move(body), spec.grouping, 3);
  return padded(spec, sign, body, spec.align != 0 ? spec.align : '>');
}

std::string format_text(Runtime& runtime, const Spec& spec, std::string_view value) {
  if (spec.type != 0 && spec.type != 's')
    runtime.fail("Unknown format code '{}' for object of type 'str'", spec.type);
  if (spec.align == '=') runtime.fail("'=' alignment not allowed in string format specifier");
  if (spec.precision >= 0) value = value.substr(0, character_offset(value, spec.precision));
  return padded(spec, "", std::string(value), spec.align != 0 ? spec.align : '<');
}

std::string formatted(Runtime& runtime, const Value& value, std::string_view spec_text) {
  if (spec_text.empty()) return runtime.str(value);
  Spec spec = read_spec(runtime, spec_text);
  if (value.is_string()) {
    if (spec.align == '=' && spec.fill == "0") spec.align = '<';
    return format_text(runtime, spec, value.view());
  }
  const bool as_float =
      spec.type != 0 && std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos;
  if (value.is_integral() && !as_float) {
    if (spec.type == 'c') {
      std::string text;
      const int64_t code = value.integral();
      if (code < 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        runtime.fail("%c arg not in range(0x110000)");
      append_utf8(static_cast<char32_t>(code), text);
      return padded(spec, "", text, spec.align != 0 ? spec.align : '<');
    }
    return format_integer(runtime, spec, value.integral());
  }
  if (value.is_number()) return format_float(runtime, spec, value.number());
  runtime.fail("unsupported format string passed to {}.__format__", value.type_name());
}

std::string shown(Runtime& runtime, char conversion, const Value& value) {
  if (conversion == 's') return runtime.str(value);
  std::string text = runtime.repr(value);
  if (conversion == 'r') return text;
  std::string result;
  for (size_t at = 0; at < text.size();
       at += sequence_length(static_cast<unsigned char>(text[at]))) {
    const auto c = static_cast<uint32_t>(code_point_at(text, at));
    if (c < 0x80)
      result += static_cast<char>(c);
    else
      result += c < 0x100     ? fmt::format("\\x{:02x}", c)
                : c < 0x10000 ? fmt::format("\\u{:04x}", c)
                              : fmt::format("\\U{:08x}", c);
  }
  return result;
}

}  // namespace linnet::text::jinja
