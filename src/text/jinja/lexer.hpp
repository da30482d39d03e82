// A template's source as tokens: text, and what stands inside {{ }} and {% %}. White space is
// controlled as Jinja does with trim_blocks and lstrip_blocks, which transformers sets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::text::jinja {

enum class TokenType {
  data,            ///< text between tags
  variable_begin,  ///< {{
  variable_end,    ///< }}
  block_begin,     ///< {%
  block_end,       ///< %}
  name,
  string,
  integer,
  floating,
  symbol,  ///< an operator, bracket or comma
  end,     ///< of the template
};

struct Token {
  TokenType type = TokenType::end;
  int line = 1;
  std::string text;  ///< of data and strings unescaped; of a symbol as written
  int64_t integer = 0;
  double floating = 0;

  [[nodiscard]] bool is_symbol(std::string_view symbol) const {
    return type == TokenType::symbol && text == symbol;
  }
  [[nodiscard]] bool is_name(std::string_view name) const {
    return type == TokenType::name && text == name;
  }
  /// For messages: "'endif'", "end of print statement".
  [[nodiscard]] std::string describe() const;
};

/// The tokens of `source`, the last of them `end`.
/// Errors: malformed_file, naming the line, for what cannot be read.
std::vector<Token> tokenize(std::string_view source);

/// Throws Error{malformed_file, "template line LINE: MESSAGE"}.
[[noreturn]] void syntax_error(int line, const std::string& message);

}  // namespace linnet::text::jinja
