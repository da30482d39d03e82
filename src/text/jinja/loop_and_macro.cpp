// For loops with their variable `loop`, and macros.
#include <algorithm>

#include "text/jinja/evaluator.hpp"
#include "text/jinja/operators.hpp"

namespace linnet::text::jinja {

Evaluator::Flow Evaluator::run_loop(const Statement& statement, const Value& iterable,
                                    const ScopePtr& outer, int depth) {
  // Sequences are shared; what else has elements is taken out once.
  const Value items = iterable.sequence() != nullptr ? iterable : list(iterate(iterable));
  const Value loop = own(std::make_unique<Loop>(*this, statement, items, outer, depth));
  auto& state = static_cast<Loop&>(*loop.object());
  struct End {
    Loop& loop;
    ~End() { loop.end(); }
  } const end{state};
  // As in Jinja, a turn that is left early does not count against the else branch.
  bool completed = false;
  while (const auto item = state.advance()) {
    const Scoped scoped(*this, new_scope(outer));
    if (loop_number_ >= 0) set_variable(loop_number_, loop);
    budget().line = statement.line;
    assign(*statement.targets[0], *item);
    const Flow flow = execute(statement.blocks[0]);
    if (flow == Flow::broken) break;
    if (flow == Flow::normal) completed = true;
  }
  if (completed || statement.blocks.size() < 2) return Flow::normal;
  const Scoped scoped(*this, new_scope(outer));
  return execute(statement.blocks[1]);
}

Value Evaluator::capture_loop(const Statement& statement, const Value& iterable,
                              const ScopePtr& outer, int depth) {
  Text text(budget());
  Text* const before = std::exchange(out_, &text);
  struct Restore {
    Text*& out;
    Text* before;
    ~Restore() { out = before; }
  } const restore{out_, before};
  run_loop(statement, iterable, outer, depth);
  return std::move(text).finish();
}

Loop::Loop(Evaluator& evaluator, const Statement& statement, Value items, ScopePtr outer, int depth)
    : evaluator_(evaluator),
      statement_(statement),
      items_(std::move(items)),
      outer_(std::move(outer)),
      depth_(depth) {
  if (!statement.expressions[1]) length_ = static_cast<int64_t>(this->items().size());
}

// The next of the items that the condition takes.
std::optional<Value> Loop::pull() {
  const ExprPtr& condition = statement_.expressions[1];
  while (items_.sequence() != nullptr && at_ < items().size()) {
    const Value item = items()[at_++];
    if (!condition) return item;
    const Evaluator::Scoped scoped(evaluator_, evaluator_.new_scope(outer_));
    evaluator_.assign(*statement_.targets[0], item);
    if (Runtime::truth(evaluator_.eval(*condition))) return item;
  }
  return std::nullopt;
}

const std::optional<Value>& Loop::peek() {
  if (!after_) after_ = taken_at_ < taken_.size() ? std::optional(taken_[taken_at_++]) : pull();
  return after_;
}

int64_t Loop::length() {
  if (!length_) {
    // All that is left, at once: Jinja does so too.
    taken_.erase(taken_.begin(), taken_.begin() + static_cast<std::ptrdiff_t>(taken_at_));
    taken_at_ = 0;
    while (auto item = pull()) taken_.push_back(*std::move(item));
    length_ = index0_ + 1 + (after_ ? 1 : 0) + static_cast<int64_t>(taken_.size());
  }
  return *length_;
}

std::optional<Value> Loop::advance() {
  std::optional<Value> item = peek();
  after_.reset();
  if (!item) return std::nullopt;
  ++index0_;
  before_ = std::move(current_);
  current_ = item;
  return item;
}

void Loop::end() {
  if (!length_) length_ = index0_ + 1;
  items_ = Value::None{};
  taken_.clear();
  taken_at_ = 0;
  outer_.reset();
}

// loop.cycle and loop.changed.
class Loop::Function final : public Object {
 public:
  Function(Loop& loop, bool cycles) : loop_(loop), cycles_(cycles) {}
  [[nodiscard]] std::string_view type_name() const override { return "method"; }
  [[nodiscard]] bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments& arguments) override {
    if (!arguments.named.empty()) runtime.fail("loop's methods take no keyword arguments");
    if (cycles_) {
      if (arguments.positional.empty()) runtime.fail("no items for cycling given");
      const auto turn = static_cast<size_t>(std::max<int64_t>(loop_.index0_, 0));
      return arguments.positional[turn % arguments.positional.size()];
    }
    const Value value = runtime.tuple(arguments.positional);
    if (loop_.changed_ && equal(*loop_.changed_, value, &runtime.budget())) return false;
    loop_.changed_ = value;
    return true;
  }

 private:
  Loop& loop_;
  bool cycles_;
};

std::optional<Value> Loop::attribute(Runtime& runtime, std::string_view name) {
  if (name == "index0") return index0_;
  if (name == "index") return index0_ + 1;
  if (name == "first") return index0_ == 0;
  if (name == "last") return !peek();
  if (name == "length") return length();
  if (name == "revindex0") return length() - index0_ - 1;
  if (name == "revindex") return length() - index0_;
  if (name == "depth0") return static_cast<int64_t>(depth_);
  if (name == "depth") return static_cast<int64_t>(depth_) + 1;
  if (name == "previtem")
    return before_ && index0_ > 0 ? *before_ : Value::undefined("there is no previous item");
  if (name == "nextitem") return peek() ? *peek() : Value::undefined("there is no next item");
  if (name == "cycle" || name == "changed")
    return runtime.own(std::make_unique<Function>(*this, name == "cycle"));
  return std::nullopt;
}

Value Loop::call(Runtime& runtime, Arguments& arguments) {
  if (!statement_.flag)
    runtime.fail("The loop must have the 'recursive' marker to be called recursively.");
  if (arguments.positional.size() != 1 || !arguments.named.empty())
    runtime.fail("loop() takes one argument");
  return evaluator_.capture_loop(statement_, arguments.positional[0], outer_, depth_ + 1);
}

void Loop::show(Runtime&, Text& out) const {
  out.append(fmt::format("<LoopContext {}/{}>", index0_ + 1, length_.value_or(index0_ + 1)));
}

Macro::Macro(Evaluator& evaluator, const Signature& signature, const Block& body, ScopePtr scope,
             const Names& names)
    : evaluator_(evaluator), signature_(signature), body_(body), scope_(std::move(scope)) {
  const auto number = [&](bool used, const char* name) {
    return used ? names.numbers.at(name) : -1;
  };
  caller_ = number(signature.uses_caller, "caller");
  varargs_ = number(signature.uses_varargs, "varargs");
  kwargs_ = number(signature.uses_kwargs, "kwargs");
}

std::optional<Value> Macro::attribute(Runtime& runtime, std::string_view name) {
  if (name == "name")
    return signature_.name.empty() ? Value(Value::None{}) : runtime.string(signature_.name);
  if (name == "arguments") {
    std::vector<Value> names;
    for (const auto& parameter : signature_.parameters)
      names.push_back(runtime.string(parameter.name));
    return runtime.tuple(std::move(names));
  }
  if (name == "caller") return caller_ >= 0;
  if (name == "catch_varargs") return varargs_ >= 0;
  if (name == "catch_kwargs") return kwargs_ >= 0;
  return std::nullopt;
}

void Macro::show(Runtime& runtime, Text& out) const {
  out.append("<Macro ");
  out.append(signature_.name.empty() ? "anonymous" : runtime.repr(runtime.string(signature_.name)));
  out.append(">");
}

Value Macro::call(Runtime& runtime, Arguments& arguments) {
  const auto& parameters = signature_.parameters;
  const size_t positional = std::min(arguments.positional.size(), parameters.size());
  std::vector<bool> taken(arguments.named.size());
  const auto take = [&](std::string_view name) -> std::optional<Value> {
    for (size_t i = 0; i < taken.size(); ++i) {
      if (taken[i] || arguments.named[i].first != name) continue;
      taken[i] = true;
      return arguments.named[i].second;
    }
    return std::nullopt;
  };
  std::vector<std::optional<Value>> given(parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i)
    given[i] = i < positional ? std::optional(arguments.positional[i]) : take(parameters[i].name);
  std::optional<Value> caller;
  if (caller_ >= 0) {
    caller = take("caller");
    if (!caller) caller = Value::undefined("No caller defined");
  }
  Dict rest;
  for (size_t i = 0; i < taken.size(); ++i) {
    if (taken[i]) continue;
    const auto& [name, value] = arguments.named[i];
    if (kwargs_ < 0 && name == "caller")
      runtime.fail("macro '{}' takes no caller, but is used in a call block", signature_.name);
    if (kwargs_ < 0)
      runtime.fail("macro '{}' takes no keyword argument '{}'", signature_.name, name);
    rest.set(runtime.string(name), value);
  }
  if (varargs_ < 0 && arguments.positional.size() > parameters.size())
    runtime.fail("macro '{}' takes not more than {} argument(s)", signature_.name,
                 parameters.size());

  const Evaluator::Scoped scoped(evaluator_, evaluator_.new_scope(scope_));
  if (caller) evaluator_.set_variable(caller_, *std::move(caller));
  if (kwargs_ >= 0) evaluator_.set_variable(kwargs_, runtime.dict(std::move(rest)));
  if (varargs_ >= 0)
    evaluator_.set_variable(varargs_, runtime.tuple({arguments.positional.begin() +
                                                         static_cast<std::ptrdiff_t>(positional),
                                                     arguments.positional.end()}));
  const auto value_of = [&](size_t i) -> Value {
    if (given[i]) return *given[i];
    if (parameters[i].fallback) return evaluator_.eval(*parameters[i].fallback);
    return Value::undefined(fmt::format("parameter '{}' was not provided", parameters[i].name));
  };
  for (size_t i = 0; i < parameters.size(); ++i)
    evaluator_.set_variable(parameters[i].number, value_of(i));
  return evaluator_.capture(body_, evaluator_.scope()).first;
}

}  // namespace linnet::text::jinja
