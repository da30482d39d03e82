#include "text/grammar/gbnf.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "text/unicode.hpp"

namespace linnet::text::grammar {
namespace {

constexpr int kMaxDepth = 200;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

class Parser {
 public:
  explicit Parser(std::string_view source) : source_(source) {}

  Syntax run() {
    skip(true);
    while (!at_end()) rule();
    for (const auto& [name, use] : names_)
      if (syntax_.rules()[use.rule].body == UINT32_MAX) {
        at_ = use.at;
        malformed("rule \"" + printable(name) + "\" is used and not defined");
      }
    const auto root = names_.find("root");
    if (root == names_.end()) {
      at_ = 0;
      malformed("there is no rule \"root\"");
    }
    syntax_.root = root->second.rule;
    return std::move(syntax_);
  }

 private:
  struct Use {
    RuleId rule;
    size_t at;  // where it is first named
  };

  [[nodiscard]] bool at_end() const { return at_ >= source_.size(); }
  [[nodiscard]] char peek() const { return at_end() ? '\0' : source_[at_]; }
  bool take(std::string_view text) {
    if (source_.substr(at_, text.size()) != text) return false;
    at_ += text.size();
    return true;
  }
  [[nodiscard]] std::string place() const {
    const std::string_view before = source_.substr(0, std::min(at_, source_.size()));
    const auto line = 1 + std::ranges::count(before, '\n');
    const size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
    return fmt::format("line {}, byte {}{}", line, before.size() - start + 1,
                       rule_.empty() ? "" : " (in rule \"" + printable(rule_) + "\")");
  }
  [[noreturn]] void malformed(std::string_view fault) const {
    fail(ErrorCode::invalid_argument, "GBNF, {}: {}", place(), fault);
  }
  [[noreturn]] void unsupported(std::string_view construct) const {
    fail(ErrorCode::unsupported, "GBNF, {}: {} is not supported", place(), construct);
  }

  void skip(bool lines) {
    while (!at_end()) {
      const char c = peek();
      if (c == '#')
        while (!at_end() && peek() != '\n' && peek() != '\r') ++at_;
      else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r')))
        ++at_;
      else
        break;
    }
  }

  std::string_view name() {
    const size_t begin = at_;
    while (!at_end() && is_name(peek())) ++at_;
    if (at_ == begin) malformed("expected a rule's name");
    return source_.substr(begin, at_ - begin);
  }

  RuleId rule_named(std::string_view name, size_t at) {
    const auto found = names_.find(name);
    if (found != names_.end()) return found->second.rule;
    const RuleId id = syntax_.rule(std::string(name));
    names_.emplace(std::string(name), Use{id, at});
    return id;
  }

  void rule() {
    rule_ = {};
    const size_t begin = at_;
    const std::string_view title = name();
    const RuleId id = rule_named(title, begin);
    skip(false);
    if (!take("::=")) malformed("expected ::= after rule \"" + printable(title) + "\"");
    if (syntax_.rules()[id].body != UINT32_MAX)
      malformed("rule \"" + printable(title) + "\" is defined twice");
    rule_ = title;
    skip(true);
    const NodeId body = alternatives(0);
    syntax_.define(id, body);
    if (!at_end() && peek() != '\n' && peek() != '\r')
      malformed(peek() == ')' ? "a ) without its (" : "expected the end of the line");
    skip(true);
  }

  NodeId alternatives(int depth) {
    if (depth > kMaxDepth) unsupported("a group nested that deeply");
    std::vector<NodeId> choices{sequence(depth)};
    while (take("|")) {
      skip(true);
      choices.push_back(sequence(depth));
    }
    return syntax_.choice(choices);
  }

  NodeId sequence(int depth) {
    const bool nested = depth > 0;
    std::vector<NodeId> parts;
    bool repeatable = false;  // whether the last part may be followed by a quantifier
    for (; !at_end(); skip(nested)) {
      const char c = peek();
      if (c == '"') {
        parts.push_back(literal());
      } else if (c == '[') {
        parts.push_back(char_class());
      } else if (c == '.') {
        ++at_;
        parts.push_back(syntax_.characters(CodePoints::all()));
      } else if (c == '(') {
        ++at_;
        skip(true);
        parts.push_back(alternatives(depth + 1));
        if (!take(")")) malformed("a ( without its )");
      } else if (is_name(c)) {
        const size_t begin = at_;
        parts.push_back(syntax_.call(rule_named(name(), begin)));
      } else if (c == '*' || c == '+' || c == '?' || c == '{') {
        if (!repeatable) malformed(fmt::format("{} with nothing before it", c));
        parts.back() = repeat(parts.back());
      } else if (c == '<' || c == '!') {
        unsupported("a token <...>");
      } else {
        break;
      }
      repeatable = true;
    }
    return syntax_.sequence(parts);
  }

  NodeId repeat(NodeId node) {
    const char c = source_[at_++];
    if (c != '{') return syntax_.repeat(node, c == '+' ? 1 : 0, c == '?' ? 1 : kUnbounded);
    skip(true);
    const auto min = number();
    std::optional<uint32_t> max = min;
    skip(true);
    if (take(",")) {
      skip(true);
      max = number();
      if (!min && !max) malformed("a count {,} without numbers");
      if (!max) max = kUnbounded;
    }
    skip(true);
    if (!max) malformed("expected a count behind {");
    if (!take("}")) malformed("a count without its }");
    if (*max < min.value_or(0)) malformed("a count whose end is below its start");
    return syntax_.repeat(node, min.value_or(0), *max);
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

  // One character of a literal or class, escaped or not.
  char32_t character() {
    char32_t c = 0;
    if (peek() != '\\') {
      if (!read_utf8(source_, at_, c)) malformed("bytes that are not UTF-8");
      return c;
    }
    ++at_;
    const char kind = peek();
    switch (kind) {
      case 'n': ++at_; return '\n';
      case 'r': ++at_; return '\r';
      case 't': ++at_; return '\t';
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^': ++at_; return static_cast<char32_t>(kind);
      case 'x': return hexadecimal(2);
      case 'u': return hexadecimal(4);
      case 'U': return hexadecimal(8);
      default: malformed("an unknown escape");
    }
  }

  char32_t hexadecimal(size_t digits) {
    ++at_;
    char32_t value = 0;
    for (size_t i = 0; i < digits; ++i, ++at_) {
      const char c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) malformed(fmt::format("an escape without its {} hexadecimal digits", digits));
      value = value << 4 | static_cast<char32_t>(digit);
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
      malformed("an escape of no character");
    return value;
  }

  NodeId literal() {
    ++at_;
    std::string text;
    while (peek() != '"') {
      if (at_end()) malformed("a literal without its closing \"");
      append_utf8(character(), text);
    }
    ++at_;
    return syntax_.literal(text);
  }

  NodeId char_class() {
    ++at_;
    const bool negated = take("^");
    CodePoints set;
    for (int items = 0; peek() != ']'; ++items) {
      if (at_end()) malformed("a [ without its ]");
      if (items > 10'000) unsupported("a class of more than 10000 parts");
      const char32_t first = character();
      char32_t last = first;
      if (peek() == '-' && source_.substr(at_ + 1, 1) != "]") {
        ++at_;
        if (at_end()) malformed("a [ without its ]");
        last = character();
        if (last < first) malformed("a range whose end is below its start");
      }
      set.add(first, last);
    }
    ++at_;
    return syntax_.characters(negated ? set.complement() : set);
  }

  std::string_view source_;
  size_t at_ = 0;
  Syntax syntax_;
  std::string_view rule_;  // that is being read
  std::map<std::string, Use, std::less<>> names_;
};

}  // namespace

Syntax parse_gbnf(std::string_view source) { return Parser(source).run(); }

}  // namespace linnet::text::grammar
