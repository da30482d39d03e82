#include "text/grammar/regex_parser.hpp"

#include <optional>
#include <vector>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "text/unicode.hpp"

namespace linnet::text::grammar {
namespace {

constexpr int kMaxDepth = 200;

CodePoints digits() { return CodePoints().add('0', '9'); }
CodePoints words() { return digits().add('A', 'Z').add('a', 'z').add('_'); }
CodePoints spaces() { return CodePoints().add('\t', '\r').add(' '); }

class Parser {
 public:
  Parser(Syntax& syntax, std::string_view pattern, const std::string& what,
         const Alphabet& alphabet, bool search)
      : syntax_(syntax), pattern_(pattern), what_(what), alphabet_(alphabet), search_(search) {}

  NodeId run() {
    const NodeId result = alternatives(0);
    if (!at_end()) malformed("an unmatched ) ");
    return result;
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ >= pattern_.size(); }
  [[nodiscard]] char peek(size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }
  bool take(char c) {
    if (at_end() || pattern_[at_] != c) return false;
    ++at_;
    return true;
  }
  [[noreturn]] void malformed(std::string_view fault) const {
    fail(ErrorCode::invalid_argument, "{}: {} at byte {} of \"{}\"", what_, fault, at_,
         printable(pattern_));
  }
  [[noreturn]] void unsupported(std::string_view construct) const {
    fail(ErrorCode::unsupported, "{}: {} at byte {} of \"{}\" is not supported", what_, construct,
         at_, printable(pattern_));
  }

  NodeId any_text() { return syntax_.star(alphabet_.one_of(syntax_, CodePoints::all())); }

  NodeId alternatives(int depth) {
    if (depth > kMaxDepth) unsupported("a group nested that deeply");
    std::vector<NodeId> choices;
    do choices.push_back(alternative(depth));
    while (take('|'));
    return syntax_.choice(choices);
  }

  NodeId alternative(int depth) {
    std::vector<NodeId> parts;
    std::string run;  // of single characters
    const auto flush = [&] {
      if (!run.empty()) parts.push_back(syntax_.literal(run));
      run.clear();
    };
    bool from_start = !search_ || depth > 0;
    bool to_end = from_start;
    if (depth == 0)
      while (take('^')) from_start = true;
    if (!from_start) parts.push_back(any_text());
    while (!at_end() && peek() != '|' && peek() != ')') {
      if (depth == 0 && peek() == '$' && (at_ + 1 == pattern_.size() || peek(1) == '|')) {
        ++at_;
        to_end = true;
        break;
      }
      if (peek() == '(') {
        flush();
        parts.push_back(repeated(group(depth)));
        continue;
      }
      const CodePoints set = character();
      const bool one =
          set.ranges().size() == 1 && set.ranges().front().first == set.ranges().front().last;
      if (one && !at_quantifier()) {
        alphabet_.append(set.ranges().front().first, run);
        continue;
      }
      flush();
      parts.push_back(repeated(alphabet_.one_of(syntax_, set)));
    }
    flush();
    if (!to_end) parts.push_back(any_text());
    return syntax_.sequence(parts);
  }

  NodeId group(int depth) {
    ++at_;  // (
    if (take('?')) {
      if (take(':')) {
      } else if (peek() == '<' && peek(1) != '=' && peek(1) != '!') {
        const size_t end = pattern_.find('>', at_);
        if (end == std::string_view::npos) malformed("a group's name without its >");
        at_ = end + 1;
      } else if (peek() == '=' || peek() == '!' || peek() == '<') {
        unsupported("a look-around (?" + std::string(1, peek()));
      } else {
        unsupported("(?" + std::string(1, at_end() ? ' ' : peek()));
      }
    } else if (peek() == '*') {
      unsupported("a verb (*");
    }
    const NodeId result = alternatives(depth + 1);
    if (!take(')')) malformed("a ( without its )");
    return result;
  }

  [[nodiscard]] bool at_quantifier() const {
    return !at_end() && (peek() == '*' || peek() == '+' || peek() == '?' || peek() == '{');
  }

  NodeId repeated(NodeId node) {
    if (!at_quantifier()) return node;
    const char c = pattern_[at_++];
    uint32_t min = c == '+' ? 1 : 0;
    uint32_t max = c == '?' ? 1 : kUnbounded;
    if (c == '{') {
      const auto first = number();
      if (!first) malformed("a { that begins no count (write \\{ for the character)");
      min = max = *first;
      if (take(',')) max = number().value_or(kUnbounded);
      if (!take('}')) malformed("a count without its }");
      if (max < min) malformed("a count whose end is below its start");
    }
    if (peek() == '+' && !at_end()) unsupported("a possessive quantifier");
    take('?');  // lazy: the same texts
    if (at_quantifier()) malformed("a quantifier of a quantifier");
    return syntax_.repeat(node, min, max);
  }

  std::optional<uint32_t> number() {
    std::optional<uint32_t> result;
    while (peek() >= '0' && peek() <= '9') {
      result = result.value_or(0) * 10 + static_cast<uint32_t>(peek() - '0');
      if (*result > kLargestCount) unsupported("a count past 1000000000");
      ++at_;
    }
    return result;
  }

  CodePoints character() {
    const char c = peek();
    switch (c) {
      case '.': ++at_; return CodePoints().add('\n').complement();
      case '[': return char_class();
      case '\\': return escape(false);
      case '*':
      case '+':
      case '?': malformed("a quantifier of nothing");
      case '{': malformed("a { with nothing before it (write \\{ for the character)");
      case '^':
      case '$': unsupported(fmt::format("{} that is not an end of the pattern", c));
      default: return CodePoints().add(literal());
    }
  }

  char32_t literal() {
    char32_t c = 0;
    if (!read_utf8(pattern_, at_, c)) malformed("bytes that are not UTF-8");
    return c;
  }

  CodePoints escape(bool in_class) {
    ++at_;
    if (at_end()) malformed("a \\ with nothing behind it");
    const char c = peek();
    const auto one = [&](char32_t value) {
      ++at_;
      return CodePoints().add(value);
    };
    switch (c) {
      case 'd': ++at_; return digits();
      case 'D': ++at_; return digits().complement();
      case 'w': ++at_; return words();
      case 'W': ++at_; return words().complement();
      case 's': ++at_; return spaces();
      case 'S': ++at_; return spaces().complement();
      case 'n': return one('\n');
      case 'r': return one('\r');
      case 't': return one('\t');
      case 'f': return one('\f');
      case 'v': return one('\v');
      case 'x':
      case 'u': return CodePoints().add(hexadecimal());
      case '0':
        if (peek(1) >= '0' && peek(1) <= '9') unsupported("an octal escape");
        return one(0);
      case 'b':
        if (in_class) return one('\b');
        unsupported("a word boundary \\b");
      default: break;
    }
    if ((c >= '1' && c <= '9')) unsupported("a back-reference");
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
      unsupported(std::string("the escape \\") + c);
    return CodePoints().add(literal());
  }

  // \xHH, \x{H...}, \uHHHH, \u{H...}; at the x or u.
  char32_t hexadecimal() {
    const size_t wanted = pattern_[at_++] == 'x' ? 2 : 4;
    const bool braces = take('{');
    char32_t value = 0;
    size_t digits = 0;
    for (; braces ? peek() != '}' : digits < wanted; ++digits) {
      const char c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0 || digits == 8) malformed("an escape without its hexadecimal digits");
      value = value << 4 | static_cast<char32_t>(digit);
      ++at_;
    }
    if (braces) ++at_;
    if (digits == 0 || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
      malformed("an escape of no character");
    return value;
  }

  CodePoints char_class() {
    ++at_;  // [
    const bool negated = take('^');
    CodePoints set;
    int items = 0;
    for (bool first = true;; first = false) {
      if (at_end()) malformed("a [ without its ]");
      if (peek() == ']') {
        if (first) malformed("an empty class (write \\] for the character)");
        break;
      }
      if (++items > 10'000) unsupported("a class of more than 10000 parts");
      if (peek() == '[' && (peek(1) == ':' || peek(1) == '.' || peek(1) == '='))
        unsupported("a POSIX class");
      const CodePoints low = class_part();
      if (peek() != '-' || peek(1) == ']' || at_ + 1 >= pattern_.size()) {
        set.add(low);
        continue;
      }
      ++at_;
      const CodePoints high = class_part();
      const auto is_one = [](const CodePoints& s) {
        return s.ranges().size() == 1 && s.ranges().front().first == s.ranges().front().last;
      };
      if (!is_one(low) || !is_one(high)) malformed("a range between classes");
      if (high.ranges().front().first < low.ranges().front().first)
        malformed("a range whose end is below its start");
      set.add(low.ranges().front().first, high.ranges().front().first);
    }
    ++at_;
    return negated ? set.complement() : set;
  }

  CodePoints class_part() { return peek() == '\\' ? escape(true) : CodePoints().add(literal()); }

  Syntax& syntax_;
  std::string_view pattern_;
  const std::string& what_;
  const Alphabet& alphabet_;
  bool search_;
  size_t at_ = 0;
};

}  // namespace

void Alphabet::append(char32_t c, std::string& text) const { append_utf8(c, text); }

NodeId parse_regex(Syntax& syntax, std::string_view pattern, const std::string& what,
                   const Alphabet& alphabet, bool search) {
  return Parser(syntax, pattern, what, alphabet, search).run();
}

}  // namespace linnet::text::grammar
