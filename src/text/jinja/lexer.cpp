#include "text/jinja/lexer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "base/error.hpp"
#include "text/jinja/python_text.hpp"
#include "text/unicode.hpp"

namespace linnet::text::jinja {
namespace {

// Longest first.
constexpr std::array<std::string_view, 26> kSymbols{
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
    "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};

bool is_name_start(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
         byte >= 0x80;
}
bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) { return is_name_start(c) || is_ascii_digit(c); }

std::string with_unix_newlines(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      text += source[i];
    }
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();  // keep_trailing_newline is off
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(with_unix_newlines(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) text();
    tokens_.push_back({.type = TokenType::end, .line = line_});
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] std::string_view rest() const { return std::string_view(source_).substr(at_); }
  [[nodiscard]] bool ahead(std::string_view what) const {
    return rest().substr(0, what.size()) == what;
  }

  void advance(size_t bytes) {
    if (bytes == 0) return;
    const std::string_view passed = rest().substr(0, bytes);
    line_ += static_cast<int>(std::count(passed.begin(), passed.end(), '\n'));
    line_starts_ = passed.back() == '\n';
    at_ += bytes;
  }
  void skip_space() {
    size_t bytes = 0;
    while (at_ + bytes < source_.size() && is_space(code_point_at(source_, at_ + bytes)))
      bytes += sequence_length(static_cast<unsigned char>(source_[at_ + bytes]));
    advance(bytes);
  }

  void push_data(std::string_view data, int line) {
    if (!data.empty())
      tokens_.push_back({.type = TokenType::data, .line = line, .text = std::string(data)});
  }

  // The text before a tag, without the white space that the tag takes away: all of it for "-", for
  // a block without "+" that of its line, if nothing else stands there.
  [[nodiscard]] std::string_view stripped(std::string_view data, char sign, bool is_block) const {
    if (sign == '-') return strip(data, Side::right);
    if (sign == '+' || !is_block) return data;
    const size_t newline = data.rfind('\n');
    const size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    if (line == 0 && !line_starts_) return data;
    const bool blank = strip(data.substr(line)).empty();
    return blank ? data.substr(0, line) : data;
  }

  [[nodiscard]] char sign_at(size_t at) const {
    return at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at] : ' ';
  }

  // Text up to the next tag, and the tag.
  void text() {
    size_t tag = at_;
    while (true) {
      tag = source_.find('{', tag);
      if (tag == std::string::npos || tag + 1 == source_.size()) {
        push_data(rest(), line_);
        advance(source_.size() - at_);
        return;
      }
      const char next = source_[tag + 1];
      if (next == '{' || next == '%' || next == '#') break;
      ++tag;
    }
    const char kind = source_[tag + 1];
    const char sign = sign_at(tag + 2);
    push_data(stripped(rest().substr(0, tag - at_), sign, kind != '{'), line_);
    advance(tag - at_);
    if (kind == '%' && raw(sign)) return;
    const int line = line_;
    advance(sign == ' ' ? 2 : 3);
    if (kind == '#') return comment(line);
    const bool is_block = kind == '%';
    tokens_.push_back(
        {.type = is_block ? TokenType::block_begin : TokenType::variable_begin, .line = line});
    inside(is_block);
  }

  void comment(int line) {
    const size_t end = source_.find("#}", at_);
    if (end == std::string::npos) syntax_error(line, "Missing end of comment tag");
    const char sign = end > at_ ? source_[end - 1] : ' ';
    advance(end + 2 - at_);
    after_tag(sign);
  }

  // White space behind a block or comment.
  void after_tag(char sign) {
    if (sign == '-')
      skip_space();
    else if (sign != '+' && ahead("\n"))
      advance(1);
  }

  // Where the name stands, with only space and the end of the tag behind it; nothing if it does
  // not.
  struct NamedTag {
    size_t end;  // of the tag
    char sign;   // before its end
  };
  [[nodiscard]] std::optional<NamedTag> named_tag(size_t at, std::string_view name) const {
    const auto skip = [&](size_t from) {
      while (from < source_.size() && is_space(code_point_at(source_, from)))
        from += sequence_length(static_cast<unsigned char>(source_[from]));
      return from;
    };
    at = skip(at);
    if (source_.compare(at, name.size(), name) != 0) return std::nullopt;
    at = skip(at + name.size());
    const char sign = sign_at(at);
    if (sign != ' ') ++at;
    if (source_.compare(at, 2, "%}") != 0) return std::nullopt;
    return NamedTag{.end = at + 2, .sign = sign};
  }

  bool raw(char sign) {
    const auto begin = named_tag(at_ + (sign == ' ' ? 2 : 3), "raw");
    if (!begin || begin->sign == '+') return false;
    const int line = line_;
    advance(begin->end - at_);
    if (begin->sign == '-') skip_space();
    for (size_t tag = source_.find("{%", at_); tag != std::string::npos;
         tag = source_.find("{%", tag + 2)) {
      const char end_sign = sign_at(tag + 2);
      const auto end = named_tag(tag + (end_sign == ' ' ? 2 : 3), "endraw");
      if (!end) continue;
      push_data(stripped(rest().substr(0, tag - at_), end_sign, true), line_);
      advance(end->end - at_);
      after_tag(end->sign);
      return true;
    }
    syntax_error(line, "Missing end of raw directive");
  }

  // What stands between {{ and }} or {% and %}.
  void inside(bool is_block) {
    std::string open;  // the brackets that are to be closed
    const std::string_view close = is_block ? "%}" : "}}";
    while (true) {
      skip_space();
      if (at_ >= source_.size()) return;  // the parser says what it misses
      if (open.empty()) {
        const bool signed_end =
            (ahead("-") || (is_block && ahead("+"))) && rest().substr(1, 2) == close;
        if (signed_end || ahead(close)) {
          const char sign = signed_end ? source_[at_] : ' ';
          tokens_.push_back(
              {.type = is_block ? TokenType::block_end : TokenType::variable_end, .line = line_});
          advance(signed_end ? 3 : 2);
          if (is_block)
            after_tag(sign);
          else if (sign == '-')
            skip_space();
          return;
        }
      }
      const char c = source_[at_];
      if (is_ascii_digit(c))
        number();
      else if (is_name_start(c))
        name();
      else if (c == '"' || c == '\'')
        string();
      else
        symbol(open);
    }
  }

  // Digits with single underscores between them.
  [[nodiscard]] size_t digits_end(size_t at) const {
    while (at < source_.size() &&
           (is_ascii_digit(source_[at]) ||
            (source_[at] == '_' && at + 1 < source_.size() && is_ascii_digit(source_[at + 1]))))
      ++at;
    return at;
  }

  void number() {
    const auto digit_at = [&](size_t at) {
      return at < source_.size() && is_ascii_digit(source_[at]);
    };
    size_t end = digits_end(at_);
    bool floating = false;
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    if (!after_dot) {
      if (end < source_.size() && source_[end] == '.' && digit_at(end + 1)) {
        floating = true;
        end = digits_end(end + 1);
      }
      if (end < source_.size() && (source_[end] | 0x20) == 'e') {
        const size_t sign =
            end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-') ? 1
                                                                                             : 0;
        if (digit_at(end + 1 + sign)) {
          floating = true;
          end = digits_end(end + 1 + sign);
        }
      }
    }
    if (!floating && source_[at_] == '0') {  // 0x1F, 0o17, 0b11, or zeros
      size_t last = at_ + 1;
      const char prefix = last < source_.size() ? static_cast<char>(source_[last] | 0x20) : ' ';
      if (prefix == 'x' || prefix == 'o' || prefix == 'b') {
        ++last;
        while (last < source_.size() &&
               (is_name_char(source_[last]) && static_cast<unsigned char>(source_[last]) < 0x80))
          ++last;
      } else {
        while (last < source_.size() && source_[last] == '0') ++last;
      }
      end = last;
    }
    const std::string text = source_.substr(at_, end - at_);
    if (floating) {
      tokens_.push_back({.type = TokenType::floating,
                         .line = line_,
                         .text = text,
                         .floating = parse_float(text).value_or(0)});
    } else {
      const auto value = parse_int(text, 0);
      if (!value)
        syntax_error(line_, fmt::format("the integer {} does not fit 64 bits", text.substr(0, 40)));
      tokens_.push_back(
          {.type = TokenType::integer, .line = line_, .text = text, .integer = *value});
    }
    advance(end - at_);
  }

  void name() {
    size_t end = at_;
    while (end < source_.size() && is_name_char(source_[end])) ++end;
    tokens_.push_back(
        {.type = TokenType::name, .line = line_, .text = source_.substr(at_, end - at_)});
    advance(end - at_);
  }

  void symbol(std::string& open) {
    for (const std::string_view symbol : kSymbols) {
      if (!ahead(symbol)) continue;
      const char c = symbol[0];
      if (c == '(' || c == '[' || c == '{') {
        open += c == '(' ? ')' : c == '[' ? ']' : '}';
      } else if (c == ')' || c == ']' || c == '}') {
        if (open.empty()) syntax_error(line_, fmt::format("unexpected '{}'", c));
        if (open.back() != c)
          syntax_error(line_, fmt::format("unexpected '{}', expected '{}'", c, open.back()));
        open.pop_back();
      }
      tokens_.push_back({.type = TokenType::symbol, .line = line_, .text = std::string(symbol)});
      advance(symbol.size());
      return;
    }
    const size_t bytes = sequence_length(static_cast<unsigned char>(source_[at_]));
    syntax_error(line_, fmt::format("unexpected char {}", quoted_text(rest().substr(0, bytes))));
  }

  void string() {
    const char quote = source_[at_];
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size())
      syntax_error(line_, fmt::format("a string that begins with {} has no end", quote));
    tokens_.push_back({.type = TokenType::string,
                       .line = line_,
                       .text = unescape(rest().substr(1, end - at_ - 1))});
    advance(end + 1 - at_);
  }

  // Python's escapes.
  [[nodiscard]] std::string unescape(std::string_view text) const {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\') {
        out += text[i];
        continue;
      }
      const char c = text[++i];
      static constexpr std::string_view kLetters = "abfnrtv\\'\"";
      static constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";
      if (const size_t letter = kLetters.find(c); letter != std::string_view::npos) {
        out += kMeanings[letter];
      } else if (c == '\n') {
        continue;
      } else if (c >= '0' && c <= '7') {
        size_t count = 1;
        while (count < 3 && i + count < text.size() && text[i + count] >= '0' &&
               text[i + count] <= '7')
          ++count;
        append_code(text.substr(i, count), 8, out);
        i += count - 1;
      } else if (c == 'x' || c == 'u' || c == 'U') {
        const size_t count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        if (i + count >= text.size()) syntax_error(line_, fmt::format("truncated \\{} escape", c));
        append_code(text.substr(i + 1, count), 16, out);
        i += count;
      } else if (c == 'N') {
        syntax_error(line_, "\\N escapes are not supported");
      } else {
        out += '\\';
        out += c;
      }
    }
    return out;
  }

  void append_code(std::string_view digits, int base, std::string& out) const {
    uint32_t code = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), code, base);
    if (end.ptr != digits.data() + digits.size() || end.ec != std::errc())
      syntax_error(line_, "an escape has digits that are none");
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
      syntax_error(line_, fmt::format("an escape gives U+{:04X}, which is no character", code));
    append_utf8(static_cast<char32_t>(code), out);
  }

  std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starts_ = true;  // what was read last ended with a newline
  std::vector<Token> tokens_;
};

}  // namespace

std::string Token::describe() const {
  switch (type) {
    case TokenType::data: return "template data / text";
    case TokenType::variable_begin: return "begin of print statement";
    case TokenType::variable_end: return "end of print statement";
    case TokenType::block_begin: return "begin of statement block";
    case TokenType::block_end: return "end of statement block";
    case TokenType::string: return "string";
    case TokenType::integer: return "integer";
    case TokenType::floating: return "float";
    case TokenType::end: return "end of template";
    case TokenType::name:
    case TokenType::symbol: return text.size() > 60 ? "a long name" : text;
  }
  return text;
}

std::vector<Token> tokenize(std::string_view source) { return Lexer(source).run(); }

void syntax_error(int line, const std::string& message) {
  fail(ErrorCode::malformed_file, "template line {}: {}", line, message);
}

}  // namespace linnet::text::jinja
