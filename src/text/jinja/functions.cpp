#include "text/jinja/functions.hpp"

#include <algorithm>
#include <array>

#include "text/jinja/arguments.hpp"
#include "text/jinja/format.hpp"
#include "text/jinja/operators.hpp"

namespace linnet::text::jinja {
namespace {

constexpr int64_t kMaxRange = 100'000;  // as Jinja's sandbox

using Call = Value (*)(Runtime& runtime, const Arguments& arguments);

class Function final : public Object {
 public:
  Function(std::string_view name, Call call) : name_(name), call_(call) {}
  [[nodiscard]] std::string_view type_name() const override { return "function"; }
  [[nodiscard]] bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments& arguments) override { return call_(runtime, arguments); }
  void show(Runtime&, Text& out) const override {
    out.append("<function ");
    out.append(name_);
    out.append(">");
  }

 private:
  std::string_view name_;
  Call call_;
};

Value range(Runtime& runtime, const Arguments& arguments) {
  const Bound bound(runtime, "range", arguments, {"start", "stop", "step"});
  const bool one = !bound.has(1);
  const int64_t start = one ? 0 : bound.integer(0);
  const int64_t stop = bound.integer(one ? 0 : 1);
  const int64_t step = bound.integer(2, 1);
  if (step == 0) runtime.fail("range() arg 3 must not be zero");
  std::vector<Value> items;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<int64_t>(items.size()) == kMaxRange)
      runtime.fail("Range too big. The sandbox blocks ranges larger than MAX_RANGE ({}).",
                   kMaxRange);
    items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  std::string label = step == 1 ? fmt::format("range({}, {})", start, stop)
                                : fmt::format("range({}, {}, {})", start, stop, step);
  return runtime.sequence(
      Sequence{.kind = SequenceKind::range, .items = std::move(items), .label = std::move(label)});
}

// What dict(...) and namespace(...) take: a dict or pairs, and names.
Dict members_of(Runtime& runtime, std::string_view callee, const Arguments& arguments) {
  Dict members;
  if (arguments.positional.size() > 1)
    runtime.fail("{} expected at most 1 argument, got {}", callee, arguments.positional.size());
  if (!arguments.positional.empty()) {
    const Value& from = arguments.positional[0];
    if (const Dict* dict = from.dict()) {
      for (const auto& [key, value] : dict->members) members.set(key, value);
    } else {
      for (const Value& pair : runtime.iterate(from)) {
        auto parts = runtime.iterate(pair);
        if (parts.size() != 2)
          runtime.fail("a pair for {}() has {} elements; 2 are required", callee, parts.size());
        check_hashable(runtime, parts[0]);
        runtime.budget().work(members.members.size() * sizeof(Value));
        members.set(std::move(parts[0]), std::move(parts[1]));
      }
    }
  }
  for (const auto& [name, value] : arguments.named) members.set(runtime.string(name), value);
  return members;
}

Value dict(Runtime& runtime, const Arguments& arguments) {
  return runtime.dict(members_of(runtime, "dict", arguments));
}

Value make_namespace(Runtime& runtime, const Arguments& arguments) {
  auto made = std::make_unique<Namespace>();
  for (auto& [key, value] : members_of(runtime, "namespace", arguments).members)
    made->set(runtime, key.is_string() ? key.view() : runtime.str(key), value);
  return runtime.own(std::move(made));
}

Value raise_exception(Runtime& runtime, const Arguments& arguments) {
  const Bound bound(runtime, "raise_exception", arguments, {"message"});
  runtime.raise(runtime.str(bound.at(0)));
}

Value strftime_now(Runtime& runtime, const Arguments& arguments) {
  const Bound bound(runtime, "strftime_now", arguments, {"format"});
  return runtime.string(strftime(runtime, bound.string(0)));
}

class Joiner final : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  [[nodiscard]] std::string_view type_name() const override { return "jinja2.utils.Joiner"; }
  [[nodiscard]] bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments& arguments) override {
    const Bound bound(runtime, "joiner", arguments, {});
    return std::exchange(used_, true) ? separator_ : runtime.string("");
  }

 private:
  Value separator_;
  bool used_ = false;
};

Value joiner(Runtime& runtime, const Arguments& arguments) {
  const Bound bound(runtime, "joiner", arguments, {"sep"});
  return runtime.own(std::make_unique<Joiner>(bound.has(0) ? bound.at(0) : runtime.string(", ")));
}

// cycler(a, b).next(): a, b, a, b, ... Its methods are objects of their own.
class Cycler final : public Object {
 public:
  explicit Cycler(std::vector<Value> items) : items_(std::move(items)) {}
  [[nodiscard]] std::string_view type_name() const override { return "jinja2.utils.Cycler"; }
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) override {
    if (name == "current") return items_[at_];
    if (name == "items") return runtime.tuple(items_);
    if (name == "next") return Value(&next_);
    if (name == "reset") return Value(&reset_);
    return std::nullopt;
  }

 private:
  class Step final : public Object {
   public:
    Step(Cycler& cycler, bool reset) : cycler_(cycler), reset_(reset) {}
    [[nodiscard]] std::string_view type_name() const override { return "method"; }
    [[nodiscard]] bool callable() const override { return true; }
    Value call(Runtime& runtime, Arguments& arguments) override {
      const Bound bound(runtime, "cycler's method", arguments, {});
      if (reset_) {
        cycler_.at_ = 0;
        return Value::None{};
      }
      Value item = cycler_.items_[cycler_.at_];
      cycler_.at_ = (cycler_.at_ + 1) % cycler_.items_.size();
      return item;
    }

   private:
    Cycler& cycler_;
    bool reset_;
  };
  std::vector<Value> items_;
  size_t at_ = 0;
  Step next_{*this, false};
  Step reset_{*this, true};
};

Value cycler(Runtime& runtime, const Arguments& arguments) {
  if (arguments.positional.empty() || !arguments.named.empty())
    runtime.fail("cycler() needs at least one item, and none by name");
  return runtime.own(std::make_unique<Cycler>(arguments.positional));
}

struct Entry {
  std::string_view name;
  Call call;
};

constexpr auto kFunctions = std::to_array<Entry>({
    {"cycler", cycler},
    {"dict", dict},
    {"joiner", joiner},
    {"namespace", make_namespace},
    {"raise_exception", raise_exception},
    {"range", range},
    {"strftime_now", strftime_now},
});

}  // namespace

std::optional<Value> global_function(Runtime& runtime, std::string_view name) {
  for (const Entry& entry : kFunctions)
    if (entry.name == name) return runtime.own(std::make_unique<Function>(entry.name, entry.call));
  return std::nullopt;
}

std::optional<Value> Namespace::attribute(Runtime&, std::string_view name) {
  const Value* found = members_.find(name);
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

void Namespace::show(Runtime& runtime, Text& out) const {
  out.append("<Namespace {");
  bool first = true;
  for (const auto& [key, value] : members_.members) {
    if (!std::exchange(first, false)) out.append(", ");
    runtime.append_repr(out, key);
    out.append(": ");
    // Not deeper: a namespace may hold itself.
    runtime.append_repr(out, value, kMaxValueDepth + 1);
  }
  out.append("}>");
}

void Namespace::set(Runtime& runtime, std::string_view name, Value value) {
  if (members_.find(name) == nullptr) runtime.budget().take(4 * sizeof(Value));
  members_.set(runtime.string(name), std::move(value));
}

}  // namespace linnet::text::jinja
