// translate_regex(): from Oniguruma's syntax (as Rust's onig crate sets it up) to PCRE2's.
#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "text/regex.hpp"

namespace linnet::text {
namespace {

// White_Space, and everything else. PCRE2's own \s has U+180E besides.
constexpr std::string_view kSpace =
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{"
    "205f}"
    "\\x{3000}";
constexpr std::string_view kNotSpace =
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}"
    "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{"
    "10ffff}";
// PCRE2's own \w has neither marks nor connectors, and numbers of every kind.
constexpr std::string_view kWord = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
constexpr std::string_view kHex = "0-9A-Fa-f";

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kPropertyNames = {{
    {"Letter", "L"},
    {"Mark", "M"},
    {"Number", "N"},
    {"Punctuation", "P"},
    {"Symbol", "S"},
    {"Separator", "Z"},
    {"Other", "C"},
    {"Alpha", "Alphabetic"},
    {"Upper", "Uppercase"},
    {"Lower", "Lowercase"},
}};

class Translator {
 public:
  Translator(std::string_view pattern, std::string_view where) : in_(pattern), where_(where) {}

  std::string run() {
    while (at_ < in_.size()) {
      const char c = in_[at_];
      if (c == '\\') {
        escape();
      } else if (in_class_) {
        inside_class(c);
      } else if (c == '[') {
        open_class();
      } else if (c == '(') {
        open_group();
      } else if (c == '{' && starts("{,") && at_ + 2 < in_.size() && is_digit(in_[at_ + 2])) {
        out_ += "{0,";
        at_ += 2;
      } else {
        copy(1);
      }
    }
    return std::move(out_);
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  [[nodiscard]] bool starts(std::string_view what) const {
    return in_.substr(at_).substr(0, what.size()) == what;
  }
  void copy(size_t count) {
    out_ += in_.substr(at_, count);
    at_ += count;
  }
  [[noreturn]] void refuse(std::string_view what) const {
    fail(ErrorCode::unsupported, "{}: {} in the regex {} is not implemented", where_, what,
         printable(in_));
  }
  void put_class(std::string_view members, bool negated) {
    at_ += 2;
    if (!in_class_) out_ += negated ? "[^" : "[";
    out_ += members;
    if (!in_class_) out_ += ']';
  }

  void escape() {
    const char c = at_ + 1 < in_.size() ? in_[at_ + 1] : '\0';
    switch (c) {
      case 's': return put_class(kSpace, false);
      case 'S': return in_class_ ? put_class(kNotSpace, false) : put_class(kSpace, true);
      case 'w': return put_class(kWord, false);
      case 'h': return put_class(kHex, false);
      case 'W':
      case 'H':
        if (in_class_) refuse("a negated class inside a set");
        return put_class(c == 'W' ? kWord : kHex, true);
      case 'd':
      case 'D':
        at_ += 2;
        out_ += c == 'd' ? "\\p{Nd}" : "\\P{Nd}";
        return;
      case 'v':
        at_ += 2;
        out_ += "\\x{b}";
        return;
      case 'u': {
        const std::string_view digits = in_.substr(at_ + 2).substr(0, 4);
        out_ += "\\x{";
        out_ += digits;
        out_ += '}';
        at_ += 2 + digits.size();
        return;
      }
      case 'p':
      case 'P': return property();
      case 'Q':
      case 'E':
      case 'C':
      case 'K':
      case 'N': refuse(in_.substr(at_, 2));
      default: copy(2);
    }
  }

  void property() {
    copy(2);
    if (at_ >= in_.size() || in_[at_] != '{') return;
    copy(1);
    if (at_ < in_.size() && in_[at_] == '^') copy(1);
    for (const auto& [name, pcre] : kPropertyNames) {
      if (!starts(name) || in_.substr(at_ + name.size()).substr(0, 1) != "}") continue;
      out_ += pcre;
      at_ += name.size();
      return;
    }
  }

  void open_class() {
    in_class_ = true;
    copy(1);
    if (starts("^")) copy(1);
    if (starts("]")) copy(1);  // a literal bracket
  }

  void inside_class(char c) {
    if (c == ']') {
      in_class_ = false;
    } else if (starts("&&")) {
      refuse("an intersection of sets");
    } else if (c == '[') {
      const size_t end = in_.find(":]", at_);
      if (!starts("[:") || end == std::string_view::npos) refuse("a set inside a set");
      return copy(end + 2 - at_);
    }
    copy(1);
  }

  void open_group() {
    if (starts("(*")) refuse("a verb");
    copy(1);
    if (!starts("?")) return;
    copy(1);
    if (starts("#")) {  // a comment
      const size_t end = in_.find(')', at_);
      return copy((end == std::string_view::npos ? in_.size() : end) - at_);
    }
    const size_t end = in_.find_first_not_of("imx-", at_);
    if (end == std::string_view::npos || (in_[end] != ':' && in_[end] != ')')) return;
    // Oniguruma's m lets the dot match a newline, which PCRE2 calls s.
    for (; at_ < end; ++at_) out_ += in_[at_] == 'm' ? 's' : in_[at_];
  }

  std::string_view in_;
  std::string_view where_;
  size_t at_ = 0;
  bool in_class_ = false;
  std::string out_;
};

}  // namespace

std::string translate_regex(std::string_view pattern, std::string_view where) {
  return Translator(pattern, where).run();
}

}  // namespace linnet::text
