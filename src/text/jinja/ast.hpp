// The syntax tree of a template. Variables are numbered, so that scopes hold numbers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/jinja/value.hpp"

namespace linnet::text::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// The arguments of a call, a filter or a test.
struct CallArguments {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr more_positional;  ///< *expr
  ExprPtr more_named;       ///< **expr
};

struct Expr {
  enum class Kind {
    constant,   ///< value
    variable,   ///< text, number
    list,       ///< children
    tuple,      ///< children
    dict,       ///< children: key, value, key, value, ...
    attribute,  ///< children[0] . text, which is value too
    subscript,  ///< children[0] [ children[1] ]
    slice,  ///< children[0] [ children[1] : children[2] : children[3] ], any of the last three null
    call,   ///< children[0] ( arguments )
    filter,       ///< children[0] | text ( arguments ); children[0] null: the text of a block
    test,         ///< children[0] is text ( arguments )
    negate,       ///< - children[0]
    plus,         ///< + children[0]
    logical_not,  ///< not children[0]
    logical_and,  ///< children[0] and children[1]
    logical_or,   ///< children[0] or children[1]
    binary,       ///< children[0] text children[1], for + - * / // % **
    concat,       ///< children[0] ~ children[1] ~ ...
    compare,      ///< children[0] operators[0] children[1] operators[1] children[2] ...
    condition,    ///< children[0] if children[1] else children[2], which may be null
    namespace_attribute,  ///< as a target: variable `number`, attribute text
  };
  Kind kind = Kind::constant;
  int line = 1;
  int depth = 1;  ///< of the tree below
  int number = -1;
  std::string text;
  Value value;
  std::vector<ExprPtr> children;
  std::vector<std::string> operators;
  std::unique_ptr<CallArguments> arguments;
};

struct Statement;
using StatementPtr = std::unique_ptr<Statement>;
using Block = std::vector<StatementPtr>;

/// Parameters of a macro or of a call block.
struct Signature {
  struct Parameter {
    std::string name;
    int number = -1;
    ExprPtr fallback;  ///< or null
  };
  std::string name;  ///< of the macro; of a call block empty
  std::vector<Parameter> parameters;
  bool uses_caller = false;  ///< the body names `caller`, `varargs`, `kwargs`
  bool uses_varargs = false;
  bool uses_kwargs = false;
};

struct Statement {
  enum class Kind {
    text,          ///< text
    print,         ///< expressions
    conditional,   ///< branches: expressions[i] -> blocks[i]; one more block is the else
    loop,          ///< for target in expressions[0] if expressions[1] (or null); blocks: body, else
    assign,        ///< set target = expressions[0]
    assign_block,  ///< set target | expressions[0] (or null): blocks[0]
    with,          ///< targets = expressions; blocks[0]
    macro,         ///< number, signature, blocks[0]
    call_block,    ///< expressions[0] is the call; signature, blocks[0] of the caller
    filter_block,  ///< expressions[0] is the filter, blocks[0]
    scope,         ///< blocks[0] with variables of its own
    template_block,  ///< {% block %}: blocks[0]; flag: scoped
    break_loop,
    continue_loop,
  };
  Kind kind = Kind::text;
  int line = 1;
  int number = -1;
  bool flag = false;  ///< of a loop: recursive; of a template block: scoped
  std::string text;
  std::vector<ExprPtr> targets;
  std::vector<ExprPtr> expressions;
  std::vector<Block> blocks;
  Signature signature;
};

/// Names of variables as numbers.
struct Names {
  std::vector<std::string> names;
  std::unordered_map<std::string, int> numbers;
  int number(const std::string& name) {
    const auto [found, added] = numbers.emplace(name, static_cast<int>(names.size()));
    if (added) names.push_back(name);
    return found->second;
  }
};

struct Tree {
  Block body;
  Names names;
};

/// Parses a template. Errors: malformed_file, naming the line; unsupported for what would need
/// other templates (include, import, extends).
Tree parse(std::string_view source);

}  // namespace linnet::text::jinja
