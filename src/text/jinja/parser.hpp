// The parser's state and its two halves: expressions and statements, after Jinja's own grammar.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/ast.hpp"
#include "text/jinja/lexer.hpp"

namespace linnet::text::jinja {

/// Reads tokens one after the other.
class TokenReader {
 public:
  explicit TokenReader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  [[nodiscard]] const Token& current() const { return tokens_[at_]; }
  [[nodiscard]] const Token& following() const {
    return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_];
  }
  const Token& next() {
    const Token& token = tokens_[at_];
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool skip_symbol(std::string_view symbol);
  bool skip_name(std::string_view name);
  /// Errors: malformed_file if another token is there.
  const Token& expect_symbol(std::string_view symbol);
  const Token& expect_name(std::string_view name);
  const Token& expect(TokenType type, std::string_view description);

 private:
  [[noreturn]] void unexpected(std::string_view expected) const;
  std::vector<Token> tokens_;
  size_t at_ = 0;
};

class ExpressionParser {
 public:
  ExpressionParser(TokenReader& tokens, Names& names) : tokens_(tokens), names_(names) {}

  ExprPtr expression(bool with_condition = true);
  /// An expression, or several with commas, which make a tuple. `end_name` ends it ("in").
  ExprPtr tuple(bool with_condition = true, std::string_view end_name = "");
  /// What can be assigned to: names, tuples of them, and with `with_namespace` a.b.
  ExprPtr target(bool with_namespace, std::string_view end_name = "");
  /// The filters at this point, applied to `input`; null if there is none. `begin` if the first
  /// stands there without its bar.
  ExprPtr filters(ExprPtr input, bool begin);

  /// Counts nesting, so that a hostile template cannot exhaust the stack.
  class Nested {
   public:
    Nested(ExpressionParser& parser, int line);
    ~Nested() { --parser_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    ExpressionParser& parser_;
  };

  /// Lines and messages of filters and tests that do not exist. In an `if`, as in Jinja, they are
  /// errors only when they are used.
  std::vector<std::pair<int, std::string>> unknown;
  bool soft = false;
  /// The macros round this point, whose use of `caller` and the like is noted.
  std::vector<Signature*> macros;
  int loops = 0;  ///< for statements round this point

 private:
  ExprPtr make(Expr::Kind kind, int line, std::vector<ExprPtr> children = {},
               std::string text = {});
  ExprPtr constant(Value value, int line);
  ExprPtr variable(const std::string& name, int line);
  void settle(Expr& expr) const;

  ExprPtr condition();
  ExprPtr logical_or();
  ExprPtr logical_and();
  ExprPtr logical_not();
  ExprPtr compare();
  ExprPtr sum();
  ExprPtr concat();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filter = true);
  ExprPtr primary(bool as_target = false, bool with_namespace = false);
  ExprPtr list();
  ExprPtr dict();
  ExprPtr postfix(ExprPtr expr);
  ExprPtr filters_and_tests(ExprPtr expr);
  ExprPtr attribute(ExprPtr expr);
  ExprPtr subscript(ExprPtr expr);
  ExprPtr subscript_part(ExprPtr object, int line);
  ExprPtr call(ExprPtr expr);
  ExprPtr test(ExprPtr expr);
  std::unique_ptr<CallArguments> call_arguments();
  ExprPtr tuple_of(bool as_target, bool with_namespace, bool with_condition,
                   std::string_view end_name, bool parentheses);

  TokenReader& tokens_;
  Names& names_;
  int depth_ = 0;
};

}  // namespace linnet::text::jinja
