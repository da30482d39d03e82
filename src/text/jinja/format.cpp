#include "text/jinja/format.hpp"

#include <algorithm>
#include <cmath>

#include "text/jinja/format_spec.hpp"
#include "text/jinja/operators.hpp"
#include "text/jinja/python_text.hpp"

namespace linnet::text::jinja {
namespace {

bool is_digit_char(char c) { return c >= '0' && c <= '9'; }

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
        return format_text(runtime_, spec, shown(runtime_, type, value));
      case 'c':
        if (spec.align == '=') spec.align = '>';
        spec.fill = " ";
        return padded(spec, "", character(value), spec.align);
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

  std::string character(const Value& value) {
    if (value.is_string() && count_characters(value.view()) == 1) return std::string(value.view());
    if (!value.is_integral()) runtime_.fail("%c requires int or char");
    return formatted(runtime_, value, "c");
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
    out.append(
        formatted(runtime_, runtime_.string(shown(runtime_, conversion, value)), spec.view()));
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
