// Runs a syntax tree: a walk over it with a chain of scopes.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "text/jinja/ast.hpp"
#include "text/jinja/runtime.hpp"

namespace linnet::text::jinja {

/// Variables of a loop's turn, a macro's call, a block. Macros keep the scope that they were made
/// in; scopes hold macros by pointers that do not own, so there are no cycles.
struct Scope {
  std::shared_ptr<Scope> parent;  ///< null: the template's own variables
  std::vector<std::pair<int, Value>> variables;
};
using ScopePtr = std::shared_ptr<Scope>;

class Evaluator final : public Runtime {
 public:
  Evaluator(const Tree& tree, const Dict& variables, const Limits& limits,
            std::optional<std::chrono::local_seconds> now);

  /// The rendered text. Once.
  std::string run();

  Value eval(const Expr& expr);
  enum class Flow { normal, broken, continued };
  Flow execute(const Block& block);

  /// Runs the block with its own scope and output, and returns that. `scope` is the parent.
  std::pair<Value, Flow> capture(const Block& block, ScopePtr scope);

  void assign(const Expr& target, const Value& value);
  void set_variable(int number, Value value);

  /// Runs a loop over `iterable` in the scope `outer`, writing to the current output.
  Flow run_loop(const Statement& loop, const Value& iterable, const ScopePtr& outer, int depth);
  /// The same, its output as a value.
  Value capture_loop(const Statement& loop, const Value& iterable, const ScopePtr& outer,
                     int depth);

  /// Puts another scope in place of the current one until it ends.
  class Scoped {
   public:
    Scoped(Evaluator& evaluator, ScopePtr scope)
        : evaluator_(evaluator), outer_(std::exchange(evaluator.scope_, std::move(scope))) {}
    ~Scoped() { evaluator_.scope_ = std::move(outer_); }
    Scoped(const Scoped&) = delete;
    Scoped& operator=(const Scoped&) = delete;

   private:
    Evaluator& evaluator_;
    ScopePtr outer_;
  };
  [[nodiscard]] const ScopePtr& scope() const { return scope_; }
  ScopePtr new_scope(ScopePtr parent);

 private:
  class Deeper;
  Value variable(int number) const;
  Value eval_binary(const Expr& expr);
  Value eval_compare(const Expr& expr);
  Value eval_collection(const Expr& expr);
  Value eval_slice(const Expr& expr);
  Value eval_call(const Expr& expr, const Value* caller = nullptr);
  Value eval_filter(const Expr& expr, const Value* input = nullptr);
  bool eval_test(const Expr& expr);
  Arguments arguments_of(const Expr& expr);

  Flow execute(const Statement& statement);
  Flow conditional(const Statement& statement);
  Flow assign_block(const Statement& statement);
  Flow with(const Statement& statement);
  Flow filter_block(const Statement& statement);
  void call_block(const Statement& statement);
  Value make_macro(const Statement& statement);
  void write(std::string_view text);

  const Tree& tree_;
  std::vector<std::optional<Value>> globals_;  // by number
  ScopePtr scope_;
  Text output_;
  Text* out_ = &output_;
  int depth_ = 0;
  int loop_number_ = -1;
};

/// A macro, or the body of a call block.
class Macro final : public Object {
 public:
  Macro(Evaluator& evaluator, const Signature& signature, const Block& body, ScopePtr scope,
        const Names& names);
  [[nodiscard]] std::string_view type_name() const override { return "jinja2.runtime.Macro"; }
  [[nodiscard]] bool callable() const override { return true; }
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) override;
  Value call(Runtime& runtime, Arguments& arguments) override;
  void show(Runtime& runtime, Text& out) const override;

 private:
  Evaluator& evaluator_;
  const Signature& signature_;
  const Block& body_;
  ScopePtr scope_;
  int caller_ = -1;  // numbers of the special variables, where the body names them
  int varargs_ = -1;
  int kwargs_ = -1;
};

/// The variable `loop`.
class Loop final : public Object {
 public:
  Loop(Evaluator& evaluator, const Statement& statement, Value items, ScopePtr outer, int depth);
  [[nodiscard]] std::string_view type_name() const override { return "jinja2.runtime.LoopContext"; }
  [[nodiscard]] bool callable() const override { return true; }
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) override;
  Value call(Runtime& runtime, Arguments& arguments) override;
  void show(Runtime& runtime, Text& out) const override;

  /// Goes to the next item that the loop's condition takes; nothing at the end. The condition is
  /// asked when an item is wanted, not before.
  std::optional<Value> advance();
  /// Lets go of the items.
  void end();

 private:
  class Function;
  std::optional<Value> pull();
  const std::optional<Value>& peek();
  int64_t length();
  [[nodiscard]] const std::vector<Value>& items() const { return items_.sequence()->items; }

  Evaluator& evaluator_;
  const Statement& statement_;
  Value items_;
  ScopePtr outer_;
  int depth_;
  size_t at_ = 0;  // of items_
  int64_t index0_ = -1;
  std::optional<int64_t> length_;
  std::vector<Value> taken_;  // looked at ahead, in order
  size_t taken_at_ = 0;
  std::optional<Value> after_;
  std::optional<Value> before_;
  std::optional<Value> current_;
  std::optional<Value> changed_;
};

}  // namespace linnet::text::jinja
