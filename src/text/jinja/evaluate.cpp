#include <utility>

#include "text/jinja/evaluator.hpp"
#include "text/jinja/filters.hpp"
#include "text/jinja/functions.hpp"
#include "text/jinja/operators.hpp"

namespace linnet::text::jinja {

// Counts nested evaluations, so that no template can exhaust the stack.
class Evaluator::Deeper {
 public:
  explicit Deeper(Evaluator& evaluator) : evaluator_(evaluator) {
    evaluator_.budget().step();
    if (++evaluator_.depth_ > evaluator_.budget().max_depth()) {
      --evaluator_.depth_;  // no destructor will
      evaluator_.fail("evaluations are nested deeper than {}", evaluator_.budget().max_depth());
    }
  }
  ~Deeper() { --evaluator_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Evaluator& evaluator_;
};

Evaluator::Evaluator(const Tree& tree, const Dict& variables, const Limits& limits,
                     std::optional<std::chrono::local_seconds> now)
    : Runtime(limits, now), tree_(tree), globals_(tree.names.names.size()), output_(budget()) {
  for (size_t i = 0; i < globals_.size(); ++i) {
    const std::string& name = tree.names.names[i];
    if (name == "loop") loop_number_ = static_cast<int>(i);
    if (const Value* value = variables.find(name))
      globals_[i] = *value;
    else
      globals_[i] = global_function(*this, name);
  }
}

std::string Evaluator::run() {
  execute(tree_.body);
  return std::move(output_).take();
}

Value Evaluator::variable(int number) const {
  for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get())
    for (const auto& [other, value] : scope->variables)
      if (other == number) return value;
  const auto& global = globals_[static_cast<size_t>(number)];
  if (global) return *global;
  return Value::undefined(
      fmt::format("'{}' is undefined", tree_.names.names[static_cast<size_t>(number)]));
}

void Evaluator::set_variable(int number, Value value) {
  if (!scope_) {
    globals_[static_cast<size_t>(number)] = std::move(value);
    return;
  }
  for (auto& [other, old] : scope_->variables) {
    if (other != number) continue;
    old = std::move(value);
    return;
  }
  scope_->variables.emplace_back(number, std::move(value));
}

ScopePtr Evaluator::new_scope(ScopePtr parent) {
  return std::make_shared<Scope>(Scope{.parent = std::move(parent)});
}

void Evaluator::assign(const Expr& target, const Value& value) {
  if (target.kind == Expr::Kind::variable) return set_variable(target.number, value);
  if (target.kind == Expr::Kind::namespace_attribute) {
    const Value found = variable(target.number);
    auto* const space = dynamic_cast<Namespace*>(found.object());
    if (space == nullptr) fail("cannot assign attribute on non-namespace object");
    return space->set(*this, target.text, value);
  }
  const std::vector<Value> items = iterate(value);
  if (items.size() > target.children.size())
    fail("too many values to unpack (expected {})", target.children.size());
  if (items.size() < target.children.size())
    fail("not enough values to unpack (expected {}, got {})", target.children.size(), items.size());
  for (size_t i = 0; i < items.size(); ++i) assign(*target.children[i], items[i]);
}

Value Evaluator::eval(const Expr& expr) {
  const Deeper deeper(*this);
  using Kind = Expr::Kind;
  const auto child = [&](size_t i) { return eval(*expr.children[i]); };
  budget().line = expr.line;
  switch (expr.kind) {
    case Kind::constant: return expr.value;
    case Kind::variable: return variable(expr.number);
    case Kind::list:
    case Kind::tuple:
    case Kind::dict: return eval_collection(expr);
    case Kind::attribute: {
      const Value object = child(0);
      budget().line = expr.line;
      return get_attribute(*this, object, expr.value);
    }
    case Kind::subscript: {
      const Value object = child(0);
      const Value key = child(1);
      budget().line = expr.line;
      return get_item(*this, object, key);
    }
    case Kind::slice: return eval_slice(expr);
    case Kind::call: return eval_call(expr);
    case Kind::filter: return eval_filter(expr);
    case Kind::test: return eval_test(expr);
    case Kind::negate: return negate(*this, child(0));
    case Kind::plus: return plus(*this, child(0));
    case Kind::logical_not: return !truth(child(0));
    case Kind::logical_and: {
      Value left = child(0);
      return truth(left) ? child(1) : left;
    }
    case Kind::logical_or: {
      Value left = child(0);
      return truth(left) ? left : child(1);
    }
    case Kind::binary: return eval_binary(expr);
    case Kind::concat: {
      Text text(budget());
      for (size_t i = 0; i < expr.children.size(); ++i) append_str(text, child(i));
      return std::move(text).finish();
    }
    case Kind::compare: return eval_compare(expr);
    case Kind::condition:
      if (truth(child(1))) return child(0);
      if (expr.children[2]) return child(2);
      return Value::undefined(fmt::format(
          "the inline if-expression on line {} evaluated to false and no else section was defined.",
          expr.line));
    case Kind::namespace_attribute: break;  // a target only
  }
  return {};
}

Value Evaluator::eval_binary(const Expr& expr) {
  const Value left = eval(*expr.children[0]);
  const Value right = eval(*expr.children[1]);
  budget().line = expr.line;
  return binary(*this, expr.text, left, right);
}

Value Evaluator::eval_compare(const Expr& expr) {
  Value left = eval(*expr.children[0]);
  for (size_t i = 0; i < expr.operators.size(); ++i) {
    Value right = eval(*expr.children[i + 1]);
    budget().line = expr.line;
    if (!compare(*this, expr.operators[i], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value Evaluator::eval_collection(const Expr& expr) {
  if (expr.kind == Expr::Kind::dict) {
    Dict members;
    for (size_t i = 0; i < expr.children.size(); i += 2) {
      Value key = eval(*expr.children[i]);
      check_hashable(*this, key);
      members.set(std::move(key), eval(*expr.children[i + 1]));
    }
    return dict(std::move(members));
  }
  std::vector<Value> items;
  items.reserve(expr.children.size());
  for (const ExprPtr& item : expr.children) items.push_back(eval(*item));
  return list(std::move(items),
              expr.kind == Expr::Kind::tuple ? SequenceKind::tuple : SequenceKind::list);
}

Value Evaluator::eval_slice(const Expr& expr) {
  const auto optional = [&](size_t i) -> Value {
    return expr.children[i] ? eval(*expr.children[i]) : Value(Value::None{});
  };
  const Value object = eval(*expr.children[0]);
  const Value start = optional(1);
  const Value stop = optional(2);
  const Value step = optional(3);
  budget().line = expr.line;
  return slice(*this, object, start, stop, step);
}

Arguments Evaluator::arguments_of(const Expr& expr) {
  Arguments result;
  if (!expr.arguments) return result;
  const CallArguments& written = *expr.arguments;
  for (const ExprPtr& argument : written.positional) result.positional.push_back(eval(*argument));
  for (const auto& [name, argument] : written.named)
    result.named.emplace_back(name, eval(*argument));
  if (written.more_positional)
    for (const Value& value : iterate(eval(*written.more_positional)))
      result.positional.push_back(value);
  if (written.more_named) {
    const Value more = eval(*written.more_named);
    if (more.dict() == nullptr)
      fail("argument after ** must be a mapping, not {}", more.type_name());
    for (const auto& [key, value] : more.dict()->members) {
      if (!key.is_string()) fail("keywords must be strings");
      for (const auto& [name, other] : result.named)
        if (name == key.view()) fail("got multiple values for keyword argument '{}'", name);
      budget().work(result.named.size() * sizeof(Value));
      result.named.emplace_back(key.view(), value);
    }
  }
  return result;
}

Value Evaluator::eval_call(const Expr& expr, const Value* caller) {
  const Value callee = eval(*expr.children[0]);
  Arguments arguments = arguments_of(expr);
  if (caller != nullptr) arguments.named.emplace_back("caller", *caller);
  budget().line = expr.line;
  return call(callee, arguments);
}

Value Evaluator::eval_filter(const Expr& expr, const Value* input) {
  // The innermost of a chain may have no input of its own: that of a block.
  const Value value = expr.children[0] == nullptr ? *input
                      : input != nullptr && expr.children[0]->kind == Expr::Kind::filter
                          ? eval_filter(*expr.children[0], input)
                          : eval(*expr.children[0]);
  const Arguments arguments = arguments_of(expr);
  budget().line = expr.line;
  return require_filter(*this, expr.text)(*this, value, arguments);
}

bool Evaluator::eval_test(const Expr& expr) {
  const Value value = eval(*expr.children[0]);
  const Arguments arguments = arguments_of(expr);
  budget().line = expr.line;
  return require_test(*this, expr.text)(*this, value, arguments);
}

void Evaluator::write(std::string_view text) {
  out_->append(text);
  if (out_ == &output_) budget().check_output(out_->size());
}

Evaluator::Flow Evaluator::execute(const Block& block) {
  const Deeper deeper(*this);
  for (const StatementPtr& statement : block) {
    budget().step();
    budget().line = statement->line;
    const Flow flow = execute(*statement);
    if (flow != Flow::normal) return flow;
  }
  return Flow::normal;
}

std::pair<Value, Evaluator::Flow> Evaluator::capture(const Block& block, ScopePtr scope) {
  Text text(budget());
  const Scoped scoped(*this, new_scope(std::move(scope)));
  Text* const outer = std::exchange(out_, &text);
  struct Restore {
    Text*& out;
    Text* outer;
    ~Restore() { out = outer; }
  } const restore{out_, outer};
  const Flow flow = execute(block);
  return {std::move(text).finish(), flow};
}

Evaluator::Flow Evaluator::execute(const Statement& statement) {
  using Kind = Statement::Kind;
  switch (statement.kind) {
    case Kind::text: write(statement.text); break;
    case Kind::print:
      for (const ExprPtr& expr : statement.expressions) {
        const Value value = eval(*expr);
        if (value.is_string()) {
          write(value.view());
        } else {
          append_str(*out_, value);
          write("");
        }
      }
      break;
    case Kind::conditional: return conditional(statement);
    case Kind::loop: {
      const Value iterable = eval(*statement.expressions[0]);
      budget().line = statement.line;
      return run_loop(statement, iterable, scope_, 0);
    }
    case Kind::assign: {
      const Value value = eval(*statement.expressions[0]);
      budget().line = statement.line;
      assign(*statement.targets[0], value);
      break;
    }
    case Kind::assign_block: return assign_block(statement);
    case Kind::with: return with(statement);
    case Kind::macro: set_variable(statement.number, make_macro(statement)); break;
    case Kind::call_block: call_block(statement); break;
    case Kind::filter_block: return filter_block(statement);
    case Kind::scope:
    case Kind::template_block: {
      // A block of a template sees the template's own variables only, unless it is scoped.
      const bool bare = statement.kind == Kind::template_block && !statement.flag;
      const Scoped scoped(*this, new_scope(bare ? nullptr : scope_));
      return execute(statement.blocks[0]);
    }
    case Kind::break_loop: return Flow::broken;
    case Kind::continue_loop: return Flow::continued;
  }
  return Flow::normal;
}

Evaluator::Flow Evaluator::conditional(const Statement& statement) {
  for (size_t i = 0; i < statement.expressions.size(); ++i)
    if (truth(eval(*statement.expressions[i]))) return execute(statement.blocks[i]);
  return statement.blocks.size() > statement.expressions.size() ? execute(statement.blocks.back())
                                                                : Flow::normal;
}

Evaluator::Flow Evaluator::assign_block(const Statement& statement) {
  auto [text, flow] = capture(statement.blocks[0], scope_);
  if (flow != Flow::normal) return flow;
  const ExprPtr& filter = statement.expressions[0];
  assign(*statement.targets[0], filter ? eval_filter(*filter, &text) : text);
  return Flow::normal;
}

Evaluator::Flow Evaluator::with(const Statement& statement) {
  const ScopePtr inner = new_scope(scope_);
  for (size_t i = 0; i < statement.targets.size(); ++i) {
    const Value value = eval(*statement.expressions[i]);  // in the outer scope
    const Scoped scoped(*this, inner);
    assign(*statement.targets[i], value);
  }
  const Scoped scoped(*this, inner);
  return execute(statement.blocks[0]);
}

Evaluator::Flow Evaluator::filter_block(const Statement& statement) {
  auto [text, flow] = capture(statement.blocks[0], scope_);
  if (flow != Flow::normal) return flow;
  const Value result = eval_filter(*statement.expressions[0], &text);
  append_str(*out_, result);
  write("");
  return Flow::normal;
}

Value Evaluator::make_macro(const Statement& statement) {
  return own(std::make_unique<Macro>(*this, statement.signature, statement.blocks[0], scope_,
                                     tree_.names));
}

void Evaluator::call_block(const Statement& statement) {
  const Value caller = make_macro(statement);
  const Value result = eval_call(*statement.expressions[0], &caller);
  append_str(*out_, result);
  write("");
}

}  // namespace linnet::text::jinja
