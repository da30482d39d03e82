#include "text/jinja/format.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "text/jinja/operators.hpp"
#include "text/jinja/python_text.hpp"
#include "text/unicode.hpp"

namespace linnet::text::jinja {
namespace {

constexpr int64_t kMaxWidth = 1 << 20;
constexpr int kMaxPrecision = 400;

// A format specification: [[fill]align][sign][#][0][width][,][.precision][type].
struct Spec {
  std::string fill = " ";
  char align = 0;  // < > ^ =
  char sign = '-';
  bool alternate = false;
  char grouping = 0;
  int64_t width = 0;
  int precision = -1;
  char type = 0;
};

bool is_digit_char(char c) { return c >= '0' && c <= '9'; }

int64_t read_number(Runtime& runtime, std::string_view text, size_t& at, int64_t limit) {
  int64_t value = 0;
  while (at < text.size() && is_digit_char(text[at])) {
    value = value * 10 + (text[at++] - '0');
    if (value > limit) runtime.fail("a width or precision beyond {} in a format", limit);
  }
  return value;
}

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

// Puts the text into the width; zeros go behind the sign and the prefix.
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

// format(value, spec).
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

class PercentFormatter {
 public:
  PercentFormatter(Runtime& runtime, std::string_view text, const Value& value)
      : runtime_(runtime), text_(text), value_(value), out_(runtime.budget()) {
    const Sequence* sequence = value.sequence();
    if (sequence != nullptr && sequence->kind == SequenceKind::tuple) tuple_ = sequence;
  }

  Value run() {
    while (at_ < text_.size()) {
      const size_t percent = std::min(text_.find('%', at_), text_.size());
      out_.append(text_.substr(at_, percent - at_));
      at_ = percent;
      if (at_ < text_.size()) conversion();
    }
    const size_t given = tuple_ != nullptr ? tuple_->items.size() : 1;
    if (used_ < given && !named_ && (tuple_ != nullptr || value_.dict() == nullptr))
      runtime_.fail("not all arguments converted during string formatting");
    return std::move(out_).finish();
  }

 private:
  const Value& next() {
    if (used_ >= (tuple_ != nullptr ? tuple_->items.size() : 1))
      runtime_.fail("not enough arguments for format string");
    return tuple_ != nullptr ? tuple_->items[used_++] : (++used_, value_);
  }

  void conversion() {
    ++at_;
    Spec spec;
    const Value* argument = nullptr;
    if (at_ < text_.size() && text_[at_] == '(') {
      const size_t end = text_.find(')', at_);
      if (end == std::string_view::npos) runtime_.fail("incomplete format key");
      if (value_.dict() == nullptr) runtime_.fail("format requires a mapping");
      const std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
      argument = value_.dict()->find(name);
      if (argument == nullptr)
        runtime_.fail("the format names '{}', which is not there", name.substr(0, 60));
      named_ = true;
      at_ = end + 1;
    }
    bool left = false;
    bool zero = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '-')
        left = true;
      else if (c == '0')
        zero = true;
      else if (c == '+')
        spec.sign = '+';
      else if (c == ' ' && spec.sign != '+')
        spec.sign = ' ';
      else if (c == '#')
        spec.alternate = true;
      else if (c != ' ')
        break;
    }
    const auto star = [&](int64_t limit) {
      if (at_ >= text_.size() || text_[at_] != '*') return read_number(runtime_, text_, at_, limit);
      ++at_;
      const Value& given = next();
      if (!given.is_integral()) runtime_.fail("* wants int");
      if (given.integral() > limit || given.integral() < -limit)
        runtime_.fail("a width or precision beyond {} in a format", limit);
      return given.integral();
    };
    spec.width = star(kMaxWidth);
    if (spec.width < 0) {
      left = true;
      spec.width = -spec.width;
    }
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      spec.precision = static_cast<int>(std::max<int64_t>(star(kMaxPrecision), 0));
    }
    while (at_ < text_.size() && (text_[at_] == 'l' || text_[at_] == 'h' || text_[at_] == 'L'))
      ++at_;
    if (at_ >= text_.size()) runtime_.fail("incomplete format");
    const char type = text_[at_++];
    if (type == '%') return out_.append("%");
    if (argument == nullptr) argument = &next();
    spec.align = left ? '<' : zero ? '=' : '>';
    if (!left && zero) spec.fill = "0";
    out_.append(converted(spec, type, *argument));
  }

  std::string converted(Spec spec, char type, const Value& value) {
    switch (type) {
      case 's':
      case 'r':
      case 'a':
        if (spec.align == '=') spec.align = '>';
        spec.fill = " ";
        return format_text(runtime_, spec,
                           type == 's' ? runtime_.str(value) : runtime_.repr(value));
      case 'c':
        if (value.is_string() && count_characters(value.view()) == 1)
          return std::string(value.view());
        return formatted(runtime_, value, "c");
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o': {
        if (value.is_undefined()) runtime_.raise(value.undefined_message());
        if (!value.is_number() || (value.is_float() && (type == 'x' || type == 'X' || type == 'o')))
          runtime_.fail("%{} format: a real number is required, not {}", type, value.type_name());
        if (value.is_float() && !(std::fabs(value.number()) < 9.2e18))
          runtime_.fail("a float does not fit an integer of 64 bits");
        spec.type = type == 'i' || type == 'u' ? 'd' : type;
        return format_integer(
            runtime_, spec,
            value.is_float() ? static_cast<int64_t>(value.number()) : value.integral());
      }
      case 'f':
      case 'F':
      case 'e':
      case 'E':
      case 'g':
      case 'G':
        if (value.is_undefined()) runtime_.raise(value.undefined_message());
        if (!value.is_number()) runtime_.fail("must be real number, not {}", value.type_name());
        spec.type = type;
        return format_float(runtime_, spec, value.number());
      default: runtime_.fail("unsupported format character '{}'", type);
    }
  }

  Runtime& runtime_;
  std::string_view text_;
  const Value& value_;
  const Sequence* tuple_ = nullptr;
  Text out_;
  size_t at_ = 0;
  size_t used_ = 0;
  bool named_ = false;
};

class BraceFormatter {
 public:
  BraceFormatter(Runtime& runtime, const Arguments& arguments)
      : runtime_(runtime), arguments_(arguments) {}

  void run(std::string_view text, Text& out, int depth) {
    if (depth > 2) runtime_.fail("Max string recursion exceeded");
    for (size_t at = 0; at < text.size();) {
      const size_t brace = std::min(text.find_first_of("{}", at), text.size());
      out.append(text.substr(at, brace - at));
      at = brace;
      if (at >= text.size()) return;
      if (at + 1 < text.size() && text[at + 1] == text[at]) {
        out.append(text.substr(at, 1));
        at += 2;
        continue;
      }
      if (text[at] == '}') runtime_.fail("Single '}}' encountered in format string");
      size_t end = at + 1;
      for (int open = 1; end < text.size(); ++end) {
        if (text[end] == '{') ++open;
        if (text[end] == '}' && --open == 0) break;
      }
      if (end >= text.size()) runtime_.fail("expected '}}' before end of string");
      field(text.substr(at + 1, end - at - 1), out, depth);
      at = end + 1;
    }
  }

 private:
  void field(std::string_view text, Text& out, int depth) {
    // An element in brackets may hold ':' and '!'.
    size_t end = 0;
    for (bool bracket = false; end < text.size(); ++end) {
      if (text[end] == '[') bracket = true;
      if (text[end] == ']') bracket = false;
      if (!bracket && (text[end] == ':' || text[end] == '!')) break;
    }
    const Value value = lookup(text.substr(0, end));
    char conversion = 0;
    if (end < text.size() && text[end] == '!') {
      if (end + 1 >= text.size())
        runtime_.fail("end of string while looking for conversion specifier");
      conversion = text[end + 1];
      end += 2;
      if (end < text.size() && text[end] != ':')
        runtime_.fail("expected ':' after conversion specifier");
    }
    Text spec(runtime_.budget());
    if (end < text.size()) run(text.substr(end + 1), spec, depth + 1);
    if (conversion == 0) return out.append(formatted(runtime_, value, spec.view()));
    if (conversion != 's' && conversion != 'r' && conversion != 'a')
      runtime_.fail("Unknown conversion specifier {}", conversion);
    const std::string shown = conversion == 's' ? runtime_.str(value) : runtime_.repr(value);
    out.append(formatted(runtime_, runtime_.string(shown), spec.view()));
  }

  Value lookup(std::string_view path) {
    size_t at = std::min(path.find_first_of(".["), path.size());
    Value value = argument(path.substr(0, at));
    while (at < path.size()) {
      if (path[at] == '.') {
        const size_t end = std::min(path.find_first_of(".[", at + 1), path.size());
        value = get_attribute(runtime_, value, runtime_.string(path.substr(at + 1, end - at - 1)));
        at = end;
      } else if (path[at] == '[') {
        const size_t end = path.find(']', at);
        if (end == std::string_view::npos) runtime_.fail("Missing ']' in format string");
        const std::string_view key = path.substr(at + 1, end - at - 1);
        const auto index = parse_int(key);
        const bool digits = !key.empty() && std::all_of(key.begin(), key.end(), is_digit_char);
        value = get_item(runtime_, value, digits && index ? Value(*index) : runtime_.string(key));
        at = end + 1;
      } else {
        runtime_.fail("Only '.' or '[' may follow ']' in format field specifier");
      }
    }
    return value;
  }

  Value argument(std::string_view name) {
    size_t index = 0;
    if (name.empty()) {
      index = automatic_++;
    } else if (std::all_of(name.begin(), name.end(), is_digit_char)) {
      index = static_cast<size_t>(parse_int(name).value_or(INT32_MAX));
    } else {
      for (const auto& [other, value] : arguments_.named)
        if (other == name) return value;
      runtime_.fail("the format names '{}', which is not there", name.substr(0, 60));
    }
    if (index >= arguments_.positional.size())
      runtime_.fail("Replacement index {} out of range for positional args tuple", index);
    return arguments_.positional[index];
  }

  Runtime& runtime_;
  const Arguments& arguments_;
  size_t automatic_ = 0;
};

}  // namespace

Value percent_format(Runtime& runtime, std::string_view text, const Value& value) {
  return PercentFormatter(runtime, text, value).run();
}

Value brace_format(Runtime& runtime, std::string_view text, const Arguments& arguments) {
  Text out(runtime.budget());
  BraceFormatter(runtime, arguments).run(text, out, 1);
  return std::move(out).finish();
}

}  // namespace linnet::text::jinja
