#include <algorithm>

#include "base/error.hpp"
#include "text/jinja/filters.hpp"
#include "text/jinja/parser.hpp"

namespace linnet::text::jinja {
namespace {

constexpr int kMaxNesting = 120;  // brackets in brackets, blocks in blocks
constexpr int kMaxTree = 400;     // a + b + c + ... is a tree as deep as it is long

template <class... Children>
std::vector<ExprPtr> children_of(Children... children) {
  std::vector<ExprPtr> result;
  (result.push_back(std::move(children)), ...);
  return result;
}

}  // namespace

ExpressionParser::Nested::Nested(ExpressionParser& parser, int line) : parser_(parser) {
  if (++parser_.depth_ > kMaxNesting)
    syntax_error(line, fmt::format("expressions or blocks are nested deeper than {}", kMaxNesting));
}

void ExpressionParser::settle(Expr& expr) const {
  const auto count = [&](const ExprPtr& child) {
    if (child) expr.depth = std::max(expr.depth, child->depth + 1);
  };
  for (const ExprPtr& child : expr.children) count(child);
  if (expr.arguments) {
    for (const ExprPtr& argument : expr.arguments->positional) count(argument);
    for (const auto& [name, argument] : expr.arguments->named) count(argument);
    count(expr.arguments->more_positional);
    count(expr.arguments->more_named);
  }
  if (expr.depth > kMaxTree)
    syntax_error(expr.line, fmt::format("an expression has more than {} levels", kMaxTree));
}

ExprPtr ExpressionParser::make(Expr::Kind kind, int line, std::vector<ExprPtr> children,
                               std::string text) {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->line = line;
  expr->children = std::move(children);
  expr->text = std::move(text);
  settle(*expr);
  return expr;
}

ExprPtr ExpressionParser::constant(Value value, int line) {
  ExprPtr expr = make(Expr::Kind::constant, line);
  expr->value = std::move(value);
  return expr;
}

ExprPtr ExpressionParser::variable(const std::string& name, int line) {
  ExprPtr expr = make(Expr::Kind::variable, line, {}, name);
  expr->number = names_.number(name);
  return expr;
}

ExprPtr ExpressionParser::expression(bool with_condition) {
  return with_condition ? condition() : logical_or();
}

ExprPtr ExpressionParser::condition() {
  const int line = tokens_.current().line;
  const Nested nested(*this, line);
  const size_t known = unknown.size();
  ExprPtr expr = logical_or();
  while (tokens_.skip_name("if")) {
    ExprPtr test = logical_or();
    ExprPtr otherwise = tokens_.skip_name("else") ? condition() : nullptr;
    unknown.resize(known);
    expr = make(Expr::Kind::condition, line,
                children_of(std::move(expr), std::move(test), std::move(otherwise)));
  }
  return expr;
}

ExprPtr ExpressionParser::logical_or() {
  ExprPtr expr = logical_and();
  while (tokens_.current().is_name("or")) {
    const int line = tokens_.next().line;
    expr = make(Expr::Kind::logical_or, line, children_of(std::move(expr), logical_and()));
  }
  return expr;
}

ExprPtr ExpressionParser::logical_and() {
  ExprPtr expr = logical_not();
  while (tokens_.current().is_name("and")) {
    const int line = tokens_.next().line;
    expr = make(Expr::Kind::logical_and, line, children_of(std::move(expr), logical_not()));
  }
  return expr;
}

ExprPtr ExpressionParser::logical_not() {
  if (!tokens_.current().is_name("not")) return compare();
  const int line = tokens_.next().line;
  const Nested nested(*this, line);
  return make(Expr::Kind::logical_not, line, children_of(logical_not()));
}

ExprPtr ExpressionParser::compare() {
  const int line = tokens_.current().line;
  std::vector<ExprPtr> children = children_of(sum());
  std::vector<std::string> operators;
  while (true) {
    const Token& token = tokens_.current();
    if (token.type == TokenType::symbol &&
        (token.text == "==" || token.text == "!=" || token.text == "<" || token.text == "<=" ||
         token.text == ">" || token.text == ">=")) {
      operators.push_back(tokens_.next().text);
    } else if (tokens_.skip_name("in")) {
      operators.emplace_back("in");
    } else if (token.is_name("not") && tokens_.following().is_name("in")) {
      tokens_.next();
      tokens_.next();
      operators.emplace_back("not in");
    } else {
      break;
    }
    children.push_back(sum());
  }
  if (operators.empty()) return std::move(children[0]);
  ExprPtr expr = make(Expr::Kind::compare, line, std::move(children));
  expr->operators = std::move(operators);
  return expr;
}

ExprPtr ExpressionParser::sum() {
  ExprPtr expr = concat();
  while (tokens_.current().is_symbol("+") || tokens_.current().is_symbol("-")) {
    const Token& token = tokens_.next();
    const int line = token.line;
    std::string symbol = token.text;
    expr =
        make(Expr::Kind::binary, line, children_of(std::move(expr), concat()), std::move(symbol));
  }
  return expr;
}

ExprPtr ExpressionParser::concat() {
  const int line = tokens_.current().line;
  std::vector<ExprPtr> parts = children_of(product());
  while (tokens_.skip_symbol("~")) parts.push_back(product());
  if (parts.size() == 1) return std::move(parts[0]);
  return make(Expr::Kind::concat, line, std::move(parts));
}

ExprPtr ExpressionParser::product() {
  ExprPtr expr = power();
  const auto is_operator = [](const Token& token) {
    return token.type == TokenType::symbol &&
           (token.text == "*" || token.text == "/" || token.text == "//" || token.text == "%");
  };
  while (is_operator(tokens_.current())) {
    const Token& token = tokens_.next();
    const int line = token.line;
    std::string symbol = token.text;
    expr = make(Expr::Kind::binary, line, children_of(std::move(expr), power()), std::move(symbol));
  }
  return expr;
}

ExprPtr ExpressionParser::power() {
  ExprPtr expr = unary();
  while (tokens_.current().is_symbol("**")) {
    const int line = tokens_.next().line;
    expr = make(Expr::Kind::binary, line, children_of(std::move(expr), unary()), "**");
  }
  return expr;
}

ExprPtr ExpressionParser::unary(bool with_filter) {
  const Token& token = tokens_.current();
  const int line = token.line;
  ExprPtr expr;
  if (token.is_symbol("-") || token.is_symbol("+")) {
    const Nested nested(*this, line);
    const auto kind = token.is_symbol("-") ? Expr::Kind::negate : Expr::Kind::plus;
    tokens_.next();
    expr = make(kind, line, children_of(unary(false)));
  } else {
    expr = primary();
  }
  expr = postfix(std::move(expr));
  return with_filter ? filters_and_tests(std::move(expr)) : std::move(expr);
}

ExprPtr ExpressionParser::primary(bool as_target, bool with_namespace) {
  const Token& token = tokens_.current();
  const int line = token.line;
  const Nested nested(*this, line);
  switch (token.type) {
    case TokenType::name: {
      const std::string name = tokens_.next().text;
      if (name == "true" || name == "True") return constant(true, line);
      if (name == "false" || name == "False") return constant(false, line);
      if (name == "none" || name == "None") return constant(Value::None{}, line);
      if (as_target && with_namespace && tokens_.skip_symbol(".")) {
        ExprPtr expr = make(Expr::Kind::namespace_attribute, line, {},
                            tokens_.expect(TokenType::name, "name").text);
        expr->number = names_.number(name);
        return expr;
      }
      if (as_target && name == "loop" && loops > 0)
        syntax_error(line, "Can't assign to special loop variable in for-loop target");
      if (!as_target) {
        for (Signature* macro : macros) {
          macro->uses_caller |= name == "caller";
          macro->uses_varargs |= name == "varargs";
          macro->uses_kwargs |= name == "kwargs";
        }
      }
      return variable(name, line);
    }
    case TokenType::string: {
      std::string text = tokens_.next().text;
      while (tokens_.current().type == TokenType::string) text += tokens_.next().text;
      return constant(Value::text(text), line);
    }
    case TokenType::integer: return constant(tokens_.next().integer, line);
    case TokenType::floating: return constant(tokens_.next().floating, line);
    case TokenType::symbol:
      if (token.text == "(") {
        tokens_.next();
        ExprPtr expr = tuple_of(false, false, true, "", true);
        tokens_.expect_symbol(")");
        return expr;
      }
      if (token.text == "[") return list();
      if (token.text == "{") return dict();
      break;
    default: break;
  }
  syntax_error(line, fmt::format("unexpected '{}'", token.describe()));
}

ExprPtr ExpressionParser::tuple(bool with_condition, std::string_view end_name) {
  return tuple_of(false, false, with_condition, end_name, false);
}

ExprPtr ExpressionParser::target(bool with_namespace, std::string_view end_name) {
  ExprPtr expr = tuple_of(true, with_namespace, true, end_name, false);
  const auto check = [](const auto& self, const Expr& part) -> void {
    if (part.kind == Expr::Kind::variable || part.kind == Expr::Kind::namespace_attribute) return;
    if (part.kind != Expr::Kind::tuple) syntax_error(part.line, "can't assign to what is no name");
    for (const ExprPtr& child : part.children) self(self, *child);
  };
  check(check, *expr);
  return expr;
}

ExprPtr ExpressionParser::tuple_of(bool as_target, bool with_namespace, bool with_condition,
                                   std::string_view end_name, bool parentheses) {
  const int line = tokens_.current().line;
  std::vector<ExprPtr> parts;
  bool is_tuple = false;
  while (true) {
    if (!parts.empty()) tokens_.expect_symbol(",");
    const Token& token = tokens_.current();
    if (token.type == TokenType::variable_end || token.type == TokenType::block_end ||
        token.is_symbol(")") || (!end_name.empty() && token.is_name(end_name)))
      break;
    parts.push_back(as_target ? primary(true, with_namespace) : expression(with_condition));
    if (!tokens_.current().is_symbol(",")) break;
    is_tuple = true;
  }
  if (!is_tuple) {
    if (!parts.empty()) return std::move(parts[0]);
    if (!parentheses)
      syntax_error(line,
                   fmt::format("Expected an expression, got '{}'", tokens_.current().describe()));
  }
  return make(Expr::Kind::tuple, line, std::move(parts));
}

ExprPtr ExpressionParser::list() {
  const int line = tokens_.expect_symbol("[").line;
  std::vector<ExprPtr> items;
  while (!tokens_.current().is_symbol("]")) {
    if (!items.empty()) tokens_.expect_symbol(",");
    if (tokens_.current().is_symbol("]")) break;
    items.push_back(expression());
  }
  tokens_.expect_symbol("]");
  return make(Expr::Kind::list, line, std::move(items));
}

ExprPtr ExpressionParser::dict() {
  const int line = tokens_.expect_symbol("{").line;
  std::vector<ExprPtr> items;
  while (!tokens_.current().is_symbol("}")) {
    if (!items.empty()) tokens_.expect_symbol(",");
    if (tokens_.current().is_symbol("}")) break;
    items.push_back(expression());
    tokens_.expect_symbol(":");
    items.push_back(expression());
  }
  tokens_.expect_symbol("}");
  return make(Expr::Kind::dict, line, std::move(items));
}

ExprPtr ExpressionParser::postfix(ExprPtr expr) {
  while (true) {
    if (tokens_.current().is_symbol("."))
      expr = attribute(std::move(expr));
    else if (tokens_.current().is_symbol("["))
      expr = subscript(std::move(expr));
    else if (tokens_.current().is_symbol("("))
      expr = call(std::move(expr));
    else
      return expr;
  }
}

ExprPtr ExpressionParser::filters_and_tests(ExprPtr expr) {
  while (true) {
    if (tokens_.current().is_symbol("|"))
      expr = filters(std::move(expr), false);
    else if (tokens_.current().is_name("is"))
      expr = test(std::move(expr));
    else if (tokens_.current().is_symbol("("))
      expr = call(std::move(expr));
    else
      return expr;
  }
}

ExprPtr ExpressionParser::attribute(ExprPtr expr) {
  const int line = tokens_.expect_symbol(".").line;
  const Token& name = tokens_.next();
  if (name.type == TokenType::name) {
    ExprPtr result = make(Expr::Kind::attribute, line, children_of(std::move(expr)), name.text);
    result->value = Value::text(name.text);
    return result;
  }
  if (name.type != TokenType::integer) syntax_error(name.line, "expected name or number");
  return make(Expr::Kind::subscript, line,
              children_of(std::move(expr), constant(name.integer, line)));
}

ExprPtr ExpressionParser::subscript(ExprPtr expr) {
  const int line = tokens_.expect_symbol("[").line;
  if (tokens_.current().is_symbol("]")) syntax_error(line, "Expected an expression, got ']'");
  ExprPtr result = subscript_part(std::move(expr), line);
  if (!tokens_.current().is_symbol(",")) {
    tokens_.expect_symbol("]");
    return result;
  }
  // a[1, 2] is a[(1, 2)].
  if (result->kind == Expr::Kind::slice) syntax_error(line, "slices in tuples are not supported");
  std::vector<ExprPtr> parts = children_of(std::move(result->children[1]));
  while (tokens_.skip_symbol(",")) {
    if (tokens_.current().is_symbol("]")) break;
    parts.push_back(expression());
  }
  tokens_.expect_symbol("]");
  result->children[1] = make(Expr::Kind::tuple, line, std::move(parts));
  settle(*result);
  return result;
}

ExprPtr ExpressionParser::subscript_part(ExprPtr object, int line) {
  const auto at_end = [&] {
    return tokens_.current().is_symbol("]") || tokens_.current().is_symbol(",") ||
           tokens_.current().is_symbol(":");
  };
  ExprPtr start = at_end() ? nullptr : expression();
  if (!tokens_.skip_symbol(":")) {
    if (!start) syntax_error(line, "Expected an expression in the brackets");
    return make(Expr::Kind::subscript, line, children_of(std::move(object), std::move(start)));
  }
  ExprPtr stop = at_end() ? nullptr : expression();
  ExprPtr step;
  if (tokens_.skip_symbol(":") && !at_end()) step = expression();
  return make(Expr::Kind::slice, line,
              children_of(std::move(object), std::move(start), std::move(stop), std::move(step)));
}

std::unique_ptr<CallArguments> ExpressionParser::call_arguments() {
  const int line = tokens_.expect_symbol("(").line;
  auto arguments = std::make_unique<CallArguments>();
  const auto check = [line](bool right) {
    if (!right) syntax_error(line, "invalid syntax for function call expression");
  };
  bool first = true;
  while (!tokens_.current().is_symbol(")")) {
    if (!std::exchange(first, false)) {
      tokens_.expect_symbol(",");
      if (tokens_.current().is_symbol(")")) break;
    }
    if (tokens_.skip_symbol("*")) {
      check(!arguments->more_positional && !arguments->more_named);
      arguments->more_positional = expression();
    } else if (tokens_.skip_symbol("**")) {
      check(!arguments->more_named);
      arguments->more_named = expression();
    } else if (tokens_.current().type == TokenType::name && tokens_.following().is_symbol("=")) {
      check(!arguments->more_named);
      std::string name = tokens_.next().text;
      tokens_.next();
      for (const auto& [other, value] : arguments->named)
        if (other == name) syntax_error(line, fmt::format("keyword argument repeated: {}", name));
      arguments->named.emplace_back(std::move(name), expression());
    } else {
      check(!arguments->more_positional && !arguments->more_named && arguments->named.empty());
      arguments->positional.push_back(expression());
    }
  }
  tokens_.expect_symbol(")");
  return arguments;
}

ExprPtr ExpressionParser::call(ExprPtr expr) {
  const int line = tokens_.current().line;
  ExprPtr result = make(Expr::Kind::call, line, children_of(std::move(expr)));
  result->arguments = call_arguments();
  settle(*result);
  return result;
}

ExprPtr ExpressionParser::filters(ExprPtr input, bool begin) {
  while (begin || tokens_.current().is_symbol("|")) {
    if (!begin) tokens_.next();
    begin = false;
    const Token& token = tokens_.expect(TokenType::name, "name");
    const int line = token.line;
    std::string name = token.text;
    while (tokens_.skip_symbol(".")) name += "." + tokens_.expect(TokenType::name, "name").text;
    if (!soft && find_filter(name) == nullptr)
      unknown.emplace_back(line, fmt::format("No filter named '{}'.", name));
    ExprPtr expr = make(Expr::Kind::filter, line, children_of(std::move(input)), std::move(name));
    if (tokens_.current().is_symbol("(")) expr->arguments = call_arguments();
    settle(*expr);
    input = std::move(expr);
  }
  return input;
}

ExprPtr ExpressionParser::test(ExprPtr expr) {
  const int line = tokens_.next().line;
  const bool negated = tokens_.skip_name("not");
  std::string name = tokens_.expect(TokenType::name, "name").text;
  while (tokens_.skip_symbol(".")) name += "." + tokens_.expect(TokenType::name, "name").text;
  if (!soft && find_test(name) == nullptr)
    unknown.emplace_back(line, fmt::format("No test named '{}'.", name));
  ExprPtr result = make(Expr::Kind::test, line, children_of(std::move(expr)), std::move(name));
  const Token& token = tokens_.current();
  const bool argument = (token.type == TokenType::name || token.type == TokenType::string ||
                         token.type == TokenType::integer || token.type == TokenType::floating ||
                         token.is_symbol("[") || token.is_symbol("{")) &&
                        !token.is_name("else") && !token.is_name("or") && !token.is_name("and");
  if (token.is_symbol("(")) {
    result->arguments = call_arguments();
  } else if (argument) {
    if (token.is_name("is")) syntax_error(token.line, "You cannot chain multiple tests with is");
    result->arguments = std::make_unique<CallArguments>();
    result->arguments->positional.push_back(postfix(primary()));
  }
  settle(*result);
  if (!negated) return result;
  return make(Expr::Kind::logical_not, line, children_of(std::move(result)));
}

}  // namespace linnet::text::jinja
