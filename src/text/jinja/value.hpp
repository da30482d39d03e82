// Values of a template: what Python has, as far as a sandboxed template can see it. Strings are
// UTF-8 whose positions count code points. All values but namespaces are immutable, as in Jinja's
// immutable sandbox, so they are shared freely and hold no cycles; what can change is an Object,
// which the rendering owns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "text/jinja/budget.hpp"

namespace linnet::text::jinja {

class Value;
struct Arguments;
class Runtime;
class Text;

/// Containers hold containers to this depth at most, so that walking them needs little stack.
inline constexpr int kMaxValueDepth = 100;

struct String {
  std::string text;
  bool safe = false;  ///< markupsafe's Markup: the other side of a + is escaped
  Charge charge;
};

/// The kinds of things that have elements in an order; they differ in what else they can do.
enum class SequenceKind { list, tuple, range, keys, values, items };

struct Sequence {
  SequenceKind kind = SequenceKind::list;
  std::vector<Value> items;
  std::string label;   ///< of a range: "range(0, 3)"
  bool group = false;  ///< a tuple of the filter groupby, with .grouper and .list
  int depth = 1;
  Charge charge;
};

/// Members in the order of their insertion. Keys are strings, numbers, booleans, none or tuples.
struct Dict {
  std::vector<std::pair<Value, Value>> members;
  std::unordered_map<std::string_view, size_t> index;  ///< of string keys, where there are many
  int depth = 1;
  Charge charge;

  [[nodiscard]] const Value* find(const Value& key) const;
  [[nodiscard]] const Value* find(std::string_view key) const;
  /// Adds a member or replaces its value.
  void set(Value key, Value value);
};

/// What `map` and the like return: its elements can be taken once.
struct Generator {
  std::vector<Value> items;
  size_t next = 0;
  int depth = 1;
  Charge charge;
};

/// A method of a value, such as "text".upper.
struct Method {
  std::shared_ptr<const Value> self;
  std::string name;
};

/// A thing with identity: a namespace, macro, function or loop. Owned by the rendering.
class Object {
 public:
  virtual ~Object() = default;
  [[nodiscard]] virtual std::string_view type_name() const = 0;
  /// The attribute; nothing if there is none.
  virtual std::optional<Value> attribute(Runtime& runtime, std::string_view name);
  [[nodiscard]] virtual bool callable() const { return false; }
  virtual Value call(Runtime& runtime, Arguments& arguments);
  virtual void show(Runtime& runtime, Text& out) const;
};

class Value {
 public:
  struct None {};
  /// Why something is undefined: the message that its use gives.
  struct Undefined {
    std::shared_ptr<const std::string> message;
  };

  Value() = default;  ///< undefined
  Value(None) : data_(None{}) {}
  Value(bool value) : data_(value) {}
  Value(int64_t value) : data_(value) {}
  Value(int) = delete;
  Value(double value) : data_(value) {}
  Value(const char*) = delete;
  Value(std::shared_ptr<const String> value) : data_(std::move(value)) {}
  Value(std::shared_ptr<const Sequence> value) : data_(std::move(value)) {}
  Value(std::shared_ptr<const Dict> value) : data_(std::move(value)) {}
  Value(std::shared_ptr<Generator> value) : data_(std::move(value)) {}
  Value(std::shared_ptr<const Method> value) : data_(std::move(value)) {}
  Value(Object* value) : data_(value) {}
  static Value undefined(std::string message);
  /// A string, list or dict that no budget counts.
  static Value text(std::string text);
  static Value list(std::vector<Value> items);
  static Value dict(Dict members);
  /// Errors: invalid_argument for an integer past 64 bits.
  static Value from_json(const simdjson::dom::element& element);

  [[nodiscard]] bool is_undefined() const { return holds<Undefined>(); }
  [[nodiscard]] bool is_none() const { return holds<None>(); }
  [[nodiscard]] bool is_bool() const { return holds<bool>(); }
  [[nodiscard]] bool is_float() const { return holds<double>(); }
  /// An int, not a boolean.
  [[nodiscard]] bool is_int() const { return holds<int64_t>(); }
  /// What Python's isinstance(x, int) accepts, and its value.
  [[nodiscard]] bool is_integral() const { return is_int() || is_bool(); }
  [[nodiscard]] int64_t integral() const {
    return is_bool() ? static_cast<int64_t>(std::get<bool>(data_)) : std::get<int64_t>(data_);
  }
  [[nodiscard]] bool is_number() const { return is_integral() || is_float(); }
  [[nodiscard]] double number() const {
    return is_float() ? std::get<double>(data_) : static_cast<double>(integral());
  }
  [[nodiscard]] bool boolean() const { return std::get<bool>(data_); }

  /// The thing, or null if it is another.
  [[nodiscard]] const String* string() const { return pointer<const String>(); }
  [[nodiscard]] const Sequence* sequence() const { return pointer<const Sequence>(); }
  [[nodiscard]] const Dict* dict() const { return pointer<const Dict>(); }
  [[nodiscard]] Generator* generator() const { return pointer<Generator>(); }
  [[nodiscard]] const Method* method() const { return pointer<const Method>(); }
  [[nodiscard]] Object* object() const {
    const auto* found = std::get_if<Object*>(&data_);
    return found != nullptr ? *found : nullptr;
  }
  /// Of an undefined value.
  [[nodiscard]] std::string undefined_message() const;

  /// The text of a string; it must be one.
  [[nodiscard]] std::string_view view() const { return string()->text; }
  [[nodiscard]] bool is_string() const { return string() != nullptr; }
  /// 0, or of a container its depth.
  [[nodiscard]] int depth() const;
  /// Whether both are one and the same (Python's `is`).
  [[nodiscard]] bool same(const Value& other) const;
  /// Python's name of the type: "str", "dict", "NoneType".
  [[nodiscard]] std::string_view type_name() const;

 private:
  template <class T>
  [[nodiscard]] bool holds() const {
    return std::holds_alternative<T>(data_);
  }
  template <class T>
  [[nodiscard]] T* pointer() const {
    const auto* found = std::get_if<std::shared_ptr<T>>(&data_);
    return found != nullptr ? found->get() : nullptr;
  }

  std::variant<Undefined, None, bool, int64_t, double, std::shared_ptr<const String>,
               std::shared_ptr<const Sequence>, std::shared_ptr<const Dict>,
               std::shared_ptr<Generator>, std::shared_ptr<const Method>, Object*>
      data_;
};

/// Arguments of a call.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

/// Equality as Python has it: 1 == 1.0 == true, [1] != (1,). Counts steps where there is a budget.
bool equal(const Value& a, const Value& b, Budget* budget = nullptr);

}  // namespace linnet::text::jinja
