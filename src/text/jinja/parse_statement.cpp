#include <algorithm>
#include <span>

#include "base/error.hpp"
#include "text/jinja/parser.hpp"
#include "text/unicode.hpp"

namespace linnet::text::jinja {
namespace {

constexpr size_t kMaxSource = size_t{1} << 20;

using EndNames = std::initializer_list<std::string_view>;

class StatementParser {
 public:
  explicit StatementParser(std::string_view source)
      : tokens_(tokenize(source)), expressions_(tokens_, tree_.names) {}

  Tree run() {
    tree_.body = block({});
    if (!expressions_.unknown.empty())
      syntax_error(expressions_.unknown.front().first, expressions_.unknown.front().second);
    return std::move(tree_);
  }

 private:
  using Kind = Statement::Kind;

  static StatementPtr make(Kind kind, int line) {
    auto statement = std::make_unique<Statement>();
    statement->kind = kind;
    statement->line = line;
    return statement;
  }

  // Statements up to one of the names, which is then the current token, or up to the end.
  Block block(EndNames ends) {
    Block result;
    ends_.emplace_back(ends.begin(), ends.end());
    while (tokens_.current().type != TokenType::end) {
      const Token& token = tokens_.next();
      if (token.type == TokenType::data) {
        result.push_back(make(Kind::text, token.line));
        result.back()->text = token.text;
      } else if (token.type == TokenType::variable_begin) {
        result.push_back(make(Kind::print, token.line));
        result.back()->expressions.push_back(expressions_.tuple());
        tokens_.expect(TokenType::variable_end, "end of print statement");
      } else {
        const Token& name = tokens_.current();
        const auto is_end = [&](std::string_view end) { return name.is_name(end); };
        if (std::any_of(ends.begin(), ends.end(), is_end)) {
          ends_.pop_back();
          return result;
        }
        if (name.type != TokenType::name) syntax_error(name.line, "tag name expected");
        result.push_back(statement());
        tokens_.expect(TokenType::block_end, "end of statement block");
      }
    }
    if (ends.size() > 0) unexpected(tokens_.current().line, std::nullopt);
    ends_.pop_back();
    return result;
  }

  // The body behind a tag, up to one of the names.
  Block body(EndNames ends) {
    tokens_.skip_symbol(":");
    tokens_.expect(TokenType::block_end, "end of statement block");
    return block(ends);
  }
  Block body_up_to(std::string_view end) {
    Block result = body({end});
    tokens_.next();
    return result;
  }

  [[noreturn]] void unexpected(int line, std::optional<std::string_view> tag) const {
    std::string message = tag ? fmt::format("Encountered unknown tag '{}'.", tag->substr(0, 60))
                              : "Unexpected end of template.";
    std::string looking;
    for (const std::string& end : ends_.back())
      looking += (looking.empty() ? "'" : " or '") + end + "'";
    if (!looking.empty())
      message += fmt::format(" Jinja was looking for the following tags: {}.", looking);
    if (!open_.empty())
      message += fmt::format(" The innermost block that needs to be closed is '{}'.", open_.back());
    syntax_error(line, message);
  }

  StatementPtr statement() {
    const Token& token = tokens_.current();
    const ExpressionParser::Nested nested(expressions_, token.line);
    struct Entry {
      std::string_view name;
      StatementPtr (StatementParser::*parse)(int line);
    };
    static constexpr Entry kEntries[] = {
        {"if", &StatementParser::conditional},
        {"for", &StatementParser::loop},
        {"set", &StatementParser::assign},
        {"macro", &StatementParser::macro},
        {"call", &StatementParser::call},
        {"filter", &StatementParser::filter},
        {"with", &StatementParser::with},
        {"print", &StatementParser::print},
        {"block", &StatementParser::template_block},
        {"break", &StatementParser::leave},
        {"continue", &StatementParser::leave},
        {"generation", &StatementParser::generation},
    };
    for (const std::string_view other : {"include", "import", "from", "extends", "autoescape"})
      if (token.text == other)
        fail(ErrorCode::unsupported, "template line {}: the tag '{}' is not supported", token.line,
             other);
    for (const Entry& entry : kEntries) {
      if (token.text != entry.name) continue;
      open_.emplace_back(entry.name);
      StatementPtr result = (this->*entry.parse)(token.line);
      open_.pop_back();
      return result;
    }
    unexpected(token.line, token.text);
  }

  StatementPtr conditional(int line) {
    StatementPtr result = make(Kind::conditional, line);
    const bool outer = std::exchange(expressions_.soft, true);
    tokens_.next();
    while (true) {
      result->expressions.push_back(expressions_.tuple(false));
      result->blocks.push_back(body({"elif", "else", "endif"}));
      const std::string end = tokens_.next().text;
      if (end == "elif") continue;
      if (end == "else") result->blocks.push_back(body_up_to("endif"));
      break;
    }
    expressions_.soft = outer;
    return result;
  }

  StatementPtr loop(int line) {
    StatementPtr result = make(Kind::loop, line);
    const bool outer = std::exchange(expressions_.soft, false);
    tokens_.next();
    ++expressions_.loops;
    result->targets.push_back(expressions_.target(false, "in"));
    tokens_.expect_name("in");
    result->expressions.push_back(expressions_.tuple(false, "recursive"));
    result->expressions.push_back(tokens_.skip_name("if") ? expressions_.expression() : nullptr);
    result->flag = tokens_.skip_name("recursive");
    ++breakable_;
    result->blocks.push_back(body({"endfor", "else"}));
    --breakable_;
    if (tokens_.next().text == "else") result->blocks.push_back(body_up_to("endfor"));
    --expressions_.loops;
    expressions_.soft = outer;
    return result;
  }

  StatementPtr leave(int line) {
    const std::string name = tokens_.next().text;
    if (breakable_ == 0) syntax_error(line, fmt::format("'{}' outside loop", name));
    return make(name == "break" ? Kind::break_loop : Kind::continue_loop, line);
  }

  StatementPtr assign(int line) {
    tokens_.next();
    ExprPtr target = expressions_.target(true);
    const bool inline_value = tokens_.skip_symbol("=");
    StatementPtr result = make(inline_value ? Kind::assign : Kind::assign_block, line);
    result->targets.push_back(std::move(target));
    if (inline_value) {
      result->expressions.push_back(expressions_.tuple());
    } else {
      result->expressions.push_back(expressions_.filters(nullptr, false));
      result->blocks.push_back(body_up_to("endset"));
    }
    return result;
  }

  StatementPtr with(int line) {
    StatementPtr result = make(Kind::with, line);
    tokens_.next();
    while (tokens_.current().type != TokenType::block_end) {
      if (!result->targets.empty()) tokens_.expect_symbol(",");
      result->targets.push_back(expressions_.target(false));
      tokens_.expect_symbol("=");
      result->expressions.push_back(expressions_.expression());
    }
    result->blocks.push_back(body_up_to("endwith"));
    return result;
  }

  StatementPtr print(int line) {
    StatementPtr result = make(Kind::print, line);
    tokens_.next();
    while (tokens_.current().type != TokenType::block_end) {
      if (!result->expressions.empty()) tokens_.expect_symbol(",");
      result->expressions.push_back(expressions_.expression());
    }
    return result;
  }

  void parameters(Signature& signature) {
    tokens_.expect_symbol("(");
    while (!tokens_.current().is_symbol(")")) {
      if (!signature.parameters.empty()) tokens_.expect_symbol(",");
      const Token& name = tokens_.expect(TokenType::name, "name");
      Signature::Parameter parameter{.name = name.text, .number = tree_.names.number(name.text)};
      for (const auto& other : signature.parameters)
        if (other.name == parameter.name)
          syntax_error(name.line, fmt::format("duplicate argument '{}'", other.name));
      if (tokens_.skip_symbol("="))
        parameter.fallback = expressions_.expression();
      else if (!signature.parameters.empty() && signature.parameters.back().fallback)
        syntax_error(name.line, "non-default argument follows default argument");
      signature.parameters.push_back(std::move(parameter));
    }
    tokens_.expect_symbol(")");
  }

  // The body of a macro or a call block, in which no loop outside can be left.
  void callable_body(Statement& result, std::string_view end) {
    const int breakable = std::exchange(breakable_, 0);
    const bool soft = std::exchange(expressions_.soft, false);
    expressions_.macros.push_back(&result.signature);
    result.blocks.push_back(body_up_to(end));
    expressions_.macros.pop_back();
    expressions_.soft = soft;
    breakable_ = breakable;
    Signature& signature = result.signature;
    for (const auto& parameter : signature.parameters) {
      if (parameter.name == "varargs") signature.uses_varargs = false;
      if (parameter.name == "kwargs") signature.uses_kwargs = false;
      if (parameter.name != "caller") continue;
      if (signature.uses_caller && !parameter.fallback)
        syntax_error(result.line,
                     "When defining macros or call blocks the special \"caller\" argument must be "
                     "omitted or be given a default.");
      signature.uses_caller = false;
    }
  }

  StatementPtr macro(int line) {
    StatementPtr result = make(Kind::macro, line);
    tokens_.next();
    result->signature.name = tokens_.expect(TokenType::name, "name").text;
    result->number = tree_.names.number(result->signature.name);
    parameters(result->signature);
    callable_body(*result, "endmacro");
    return result;
  }

  StatementPtr call(int line) {
    StatementPtr result = make(Kind::call_block, line);
    tokens_.next();
    if (tokens_.current().is_symbol("(")) parameters(result->signature);
    result->expressions.push_back(expressions_.expression());
    if (result->expressions[0]->kind != Expr::Kind::call) syntax_error(line, "expected call");
    callable_body(*result, "endcall");
    return result;
  }

  StatementPtr filter(int line) {
    StatementPtr result = make(Kind::filter_block, line);
    tokens_.next();
    result->expressions.push_back(expressions_.filters(nullptr, true));
    result->blocks.push_back(body_up_to("endfilter"));
    return result;
  }

  StatementPtr generation(int line) {
    StatementPtr result = make(Kind::scope, line);
    tokens_.next();
    const int breakable = std::exchange(breakable_, 0);  // a call block of transformers
    result->blocks.push_back(body_up_to("endgeneration"));
    breakable_ = breakable;
    return result;
  }

  StatementPtr template_block(int line) {
    StatementPtr result = make(Kind::template_block, line);
    tokens_.next();
    const std::string name = tokens_.expect(TokenType::name, "name").text;
    result->flag = tokens_.skip_name("scoped");
    if (tokens_.current().is_name("required"))
      fail(ErrorCode::unsupported, "template line {}: required blocks are not supported", line);
    const int breakable = std::exchange(breakable_, 0);
    result->blocks.push_back(body_up_to("endblock"));
    breakable_ = breakable;
    tokens_.skip_name(name);
    return result;
  }

  Tree tree_;
  TokenReader tokens_;
  ExpressionParser expressions_;
  std::vector<std::vector<std::string>> ends_;  // what the blocks round this point wait for
  std::vector<std::string> open_;               // their tags
  int breakable_ = 0;                           // loops that a break can leave
};

}  // namespace

Tree parse(std::string_view source) {
  if (source.size() > kMaxSource)
    fail(ErrorCode::malformed_file, "a template of {} bytes, the limit is {}", source.size(),
         kMaxSource);
  if (!is_valid_utf8(source)) fail(ErrorCode::malformed_file, "a template is not UTF-8");
  return StatementParser(source).run();
}

}  // namespace linnet::text::jinja
