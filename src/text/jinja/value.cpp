#include "text/jinja/value.hpp"

#include <algorithm>

#include "text/jinja/runtime.hpp"

namespace linnet::text::jinja {
namespace {

constexpr size_t kIndexed = 16;  // from so many members on a dict has an index

bool equal_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return a.integral() == b.integral();
  return a.number() == b.number();
}

bool equal_sequences(const Sequence& a, const Sequence& b, Budget* budget) {
  if (&a == &b) return true;
  if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
  if (a.kind == SequenceKind::values) return false;  // Python compares these views by identity
  for (size_t i = 0; i < a.items.size(); ++i)
    if (!equal(a.items[i], b.items[i], budget)) return false;
  return true;
}

bool equal_dicts(const Dict& a, const Dict& b, Budget* budget) {
  if (&a == &b) return true;
  if (a.members.size() != b.members.size()) return false;
  for (const auto& [key, value] : a.members) {
    const Value* other = b.find(key);
    if (other == nullptr || !equal(value, *other, budget)) return false;
  }
  return true;
}

}  // namespace

const Value* Dict::find(std::string_view key) const {
  if (!index.empty()) {
    const auto found = index.find(key);
    return found != index.end() ? &members[found->second].second : nullptr;
  }
  for (const auto& [name, value] : members)
    if (name.is_string() && name.view() == key) return &value;
  return nullptr;
}

const Value* Dict::find(const Value& key) const {
  if (key.is_string()) return find(key.view());
  for (const auto& [name, value] : members)
    if (equal(name, key)) return &value;
  return nullptr;
}

void Dict::set(Value key, Value value) {
  depth = std::max({depth, value.depth() + 1, key.depth() + 1});
  if (const Value* found = find(key)) {
    for (auto& member : members)
      if (&member.second == found) member.second = std::move(value);
    return;
  }
  members.emplace_back(std::move(key), std::move(value));
  if (members.size() < kIndexed) return;
  // Views into the strings, which keep their place: they are shared, not copied.
  for (size_t i = members.size() == kIndexed ? 0 : members.size() - 1; i < members.size(); ++i)
    if (members[i].first.is_string()) index.emplace(members[i].first.view(), i);
}

std::optional<Value> Object::attribute(Runtime&, std::string_view) { return std::nullopt; }

Value Object::call(Runtime&, Arguments&) { return {}; }

void Object::show(Runtime&, Text& out) const {
  out.append("<");
  out.append(type_name());
  out.append(">");
}

Value Value::undefined(std::string message) {
  Value value;
  value.data_ = Undefined{std::make_shared<const std::string>(std::move(message))};
  return value;
}

Value Value::text(std::string text) {
  auto string = std::make_shared<String>();
  string->text = std::move(text);
  return {std::shared_ptr<const String>(std::move(string))};
}

Value Value::list(std::vector<Value> items) {
  auto list = std::make_shared<Sequence>();
  for (const Value& item : items) list->depth = std::max(list->depth, item.depth() + 1);
  list->items = std::move(items);
  return {std::shared_ptr<const Sequence>(std::move(list))};
}

Value Value::dict(Dict members) {
  return {std::shared_ptr<const Dict>(std::make_shared<Dict>(std::move(members)))};
}

Value Value::from_json(const simdjson::dom::element& element) {
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::NULL_VALUE: return None{};
    case Type::BOOL: return element.get_bool().value_unsafe();
    case Type::INT64: return element.get_int64().value_unsafe();
    case Type::DOUBLE: return element.get_double().value_unsafe();
    case Type::UINT64:
      fail(ErrorCode::invalid_argument, "the integer {} does not fit 64 bits with a sign",
           element.get_uint64().value_unsafe());
    case Type::STRING: return text(std::string(element.get_string().value_unsafe()));
    case Type::ARRAY: {
      std::vector<Value> items;
      const simdjson::dom::array array = element.get_array().value_unsafe();
      for (auto item : array) items.push_back(from_json(item));
      return list(std::move(items));
    }
    case Type::OBJECT: {
      Dict members;
      const simdjson::dom::object object = element.get_object().value_unsafe();
      for (auto [key, value] : object) members.set(text(std::string(key)), from_json(value));
      return dict(std::move(members));
    }
  }
  return None{};
}

std::string Value::undefined_message() const {
  const auto* found = std::get_if<Undefined>(&data_);
  return found != nullptr && found->message ? *found->message : "a value is undefined";
}

int Value::depth() const {
  if (const Sequence* found = sequence()) return found->depth;
  if (const Dict* found = dict()) return found->depth;
  if (const Generator* found = generator()) return found->depth;
  if (const Method* found = method()) return found->self->depth() + 1;
  return 0;
}

bool Value::same(const Value& other) const {
  if (data_.index() != other.data_.index()) return false;
  if (is_none() || is_undefined()) return true;
  if (is_bool()) return boolean() == other.boolean();
  if (is_int()) return integral() == other.integral();
  if (is_float()) return number() == other.number();
  if (is_string()) return string() == other.string() || view() == other.view();
  if (object() != nullptr) return object() == other.object();
  return sequence() == other.sequence() && dict() == other.dict() &&
         generator() == other.generator() && method() == other.method();
}

std::string_view Value::type_name() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "NoneType";
  if (is_bool()) return "bool";
  if (is_int()) return "int";
  if (is_float()) return "float";
  if (const String* found = string()) return found->safe ? "Markup" : "str";
  if (const Sequence* found = sequence()) {
    switch (found->kind) {
      case SequenceKind::list: return "list";
      case SequenceKind::tuple: return "tuple";
      case SequenceKind::range: return "range";
      case SequenceKind::keys: return "dict_keys";
      case SequenceKind::values: return "dict_values";
      case SequenceKind::items: return "dict_items";
    }
  }
  if (dict() != nullptr) return "dict";
  if (generator() != nullptr) return "generator";
  if (method() != nullptr) return "method";
  return object()->type_name();
}

bool equal(const Value& a, const Value& b, Budget* budget) {
  if (budget != nullptr) budget->step();
  if (a.is_number() && b.is_number()) return equal_numbers(a, b);
  if (a.is_string() && b.is_string()) {
    if (budget != nullptr) budget->work(a.view().size());
    return a.view() == b.view();
  }
  if (a.sequence() != nullptr && b.sequence() != nullptr)
    return equal_sequences(*a.sequence(), *b.sequence(), budget);
  if (a.dict() != nullptr && b.dict() != nullptr) return equal_dicts(*a.dict(), *b.dict(), budget);
  if (a.method() != nullptr && b.method() != nullptr)
    return a.method()->name == b.method()->name &&
           equal(*a.method()->self, *b.method()->self, budget);
  return a.same(b);
}

}  // namespace linnet::text::jinja
