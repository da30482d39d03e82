#include "text/grammar/grammar.hpp"

#include "base/error.hpp"
#include "text/grammar/gbnf.hpp"
#include "text/grammar/json_rules.hpp"
#include "text/grammar/json_schema.hpp"
#include "text/grammar/program.hpp"
#include "text/grammar/regex_parser.hpp"

namespace linnet::text {
namespace {

constexpr size_t kMaxSource = size_t{1} << 20;

void check_size(std::string_view source, const char* what) {
  if (source.size() > kMaxSource)
    fail(ErrorCode::unsupported, "{}: {} bytes, at most {} are supported", what, source.size(),
         kMaxSource);
}

}  // namespace

Grammar::Grammar(const grammar::Syntax& syntax)
    : program_(std::make_shared<const grammar::Program>(grammar::compile(syntax))) {}

Grammar Grammar::regex(std::string_view pattern) {
  check_size(pattern, "regex");
  grammar::Syntax syntax;
  syntax.root = syntax.rule("root");
  syntax.define(syntax.root, grammar::parse_regex(syntax, pattern, "regex"));
  return Grammar(syntax);
}

Grammar Grammar::gbnf(std::string_view rules) {
  check_size(rules, "GBNF");
  return Grammar(grammar::parse_gbnf(rules));
}

Grammar Grammar::json_schema(std::string_view schema, JsonWhitespace whitespace,
                             std::string_view before, std::string_view after) {
  check_size(schema, "JSON schema");
  grammar::Syntax syntax = grammar::parse_json_schema(schema, whitespace);
  if (!before.empty() || !after.empty()) {
    const grammar::NodeId json = syntax.call(syntax.root);
    syntax.root = syntax.rule("enclosed");
    syntax.define(syntax.root,
                  syntax.sequence({syntax.literal(before), json, syntax.literal(after)}));
  }
  return Grammar(syntax);
}

Grammar Grammar::json_object(JsonWhitespace whitespace) {
  grammar::Syntax syntax;
  syntax.root = syntax.rule("root");
  grammar::JsonRules rules(syntax, whitespace);
  syntax.define(syntax.root, rules.object());
  return Grammar(syntax);
}

}  // namespace linnet::text
