#include "text/jinja/parser.hpp"

namespace linnet::text::jinja {

bool TokenReader::skip_symbol(std::string_view symbol) {
  if (!current().is_symbol(symbol)) return false;
  next();
  return true;
}

bool TokenReader::skip_name(std::string_view name) {
  if (!current().is_name(name)) return false;
  next();
  return true;
}

void TokenReader::unexpected(std::string_view expected) const {
  if (current().type == TokenType::end)
    syntax_error(current().line,
                 fmt::format("unexpected end of template, expected '{}'", expected));
  syntax_error(current().line,
               fmt::format("expected token '{}', got '{}'", expected, current().describe()));
}

const Token& TokenReader::expect_symbol(std::string_view symbol) {
  if (!current().is_symbol(symbol)) unexpected(symbol);
  return next();
}

const Token& TokenReader::expect_name(std::string_view name) {
  if (!current().is_name(name)) unexpected(name);
  return next();
}

const Token& TokenReader::expect(TokenType type, std::string_view description) {
  if (current().type != type) unexpected(description);
  return next();
}

}  // namespace linnet::text::jinja
