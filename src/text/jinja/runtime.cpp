#include "text/jinja/runtime.hpp"

#include <algorithm>

#include "text/jinja/methods.hpp"
#include "text/jinja/python_text.hpp"
#include "text/unicode.hpp"

namespace linnet::text::jinja {
namespace {

constexpr size_t kObjectBytes = 64;  // about what a shared object costs beside its contents
constexpr int kMaxShownDepth = 2 * kMaxValueDepth;

int depth_of(const std::vector<Value>& items) {
  int depth = 1;
  for (const Value& item : items) depth = std::max(depth, item.depth() + 1);
  return depth;
}

}  // namespace

Value Text::finish(bool safe) && {
  auto string = std::make_shared<String>(
      String{.text = std::move(text_), .safe = safe, .charge = std::move(charge_)});
  string->charge.grow(kObjectBytes);
  return {std::shared_ptr<const String>(std::move(string))};
}

void Runtime::raise(const std::string& message) const {
  // A message may quote a part of a text that ends inside a character.
  linnet::fail(ErrorCode::invalid_argument, "template line {}: {}", budget_.line,
               repair_utf8(message));
}

void Runtime::check_depth(int depth) const {
  if (depth > kMaxValueDepth)
    linnet::fail(ErrorCode::unsupported, "template line {}: values are nested deeper than {}",
                 budget_.line, kMaxValueDepth);
}

Value Runtime::string(std::string text, bool safe) {
  budget_.work(text.size());
  Charge charge(&budget_, text.size() + kObjectBytes);
  return {std::shared_ptr<const String>(std::make_shared<String>(
      String{.text = std::move(text), .safe = safe, .charge = std::move(charge)}))};
}

Value Runtime::list(std::vector<Value> items, SequenceKind kind) {
  return sequence(Sequence{.kind = kind, .items = std::move(items)});
}

Value Runtime::sequence(Sequence made) {
  made.depth = depth_of(made.items);
  check_depth(made.depth);
  const size_t bytes = made.items.size() * sizeof(Value);
  budget_.work(bytes);
  Sequence counted{.kind = made.kind,
                   .items = std::move(made.items),
                   .label = std::move(made.label),
                   .group = made.group,
                   .depth = made.depth,
                   .charge = Charge(&budget_, bytes + kObjectBytes)};
  return {std::shared_ptr<const Sequence>(std::make_shared<Sequence>(std::move(counted)))};
}

Value Runtime::generator(std::vector<Value> items) {
  const int depth = depth_of(items);
  check_depth(depth);
  const size_t bytes = items.size() * sizeof(Value);
  budget_.work(bytes);
  return {std::make_shared<Generator>(Generator{.items = std::move(items),
                                                .depth = depth,
                                                .charge = Charge(&budget_, bytes + kObjectBytes)})};
}

Value Runtime::dict(Dict made) {
  check_depth(made.depth);
  const size_t bytes = made.members.size() * 3 * sizeof(Value);
  budget_.work(bytes);
  Dict counted{.members = std::move(made.members),
               .index = std::move(made.index),
               .depth = made.depth,
               .charge = Charge(&budget_, bytes + kObjectBytes)};
  return {std::shared_ptr<const Dict>(std::make_shared<Dict>(std::move(counted)))};
}

Value Runtime::own(std::unique_ptr<Object> object) {
  budget_.take(4 * kObjectBytes);  // never given back: it lives as long as the budget
  objects_.push_back(std::move(object));
  return {objects_.back().get()};
}

void Runtime::append_str(Text& out, const Value& value) {
  if (value.is_string())
    out.append(value.view());
  else if (!value.is_undefined())
    append_repr(out, value);
}

void Runtime::append_repr(Text& out, const Value& value, int depth) {
  budget_.step();
  if (depth > kMaxShownDepth) fail("maximum recursion depth exceeded while getting the repr");
  const auto append_all = [&](const std::vector<Value>& items) {
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out.append(", ");
      append_repr(out, items[i], depth + 1);
    }
  };
  if (value.is_undefined()) return out.append("Undefined");
  if (value.is_none()) return out.append("None");
  if (value.is_bool()) return out.append(value.boolean() ? "True" : "False");
  if (value.is_int()) return out.append(std::to_string(value.integral()));
  if (value.is_float()) return out.append(float_text(value.number()));
  if (const String* string = value.string()) {
    budget_.work(string->text.size());
    if (string->safe) out.append("Markup(");
    out.append(quoted_text(string->text));
    if (string->safe) out.append(")");
    return;
  }
  if (const Sequence* sequence = value.sequence()) {
    switch (sequence->kind) {
      case SequenceKind::range: return out.append(sequence->label);
      case SequenceKind::list:
        out.append("[");
        append_all(sequence->items);
        return out.append("]");
      case SequenceKind::tuple:
        out.append("(");
        append_all(sequence->items);
        return out.append(sequence->items.size() == 1 ? ",)" : ")");
      case SequenceKind::keys:
      case SequenceKind::values:
      case SequenceKind::items:
        out.append(value.type_name());
        out.append("([");
        append_all(sequence->items);
        return out.append("])");
    }
  }
  if (const Dict* dict = value.dict()) {
    out.append("{");
    bool first = true;
    for (const auto& [key, member] : dict->members) {
      if (!std::exchange(first, false)) out.append(", ");
      append_repr(out, key, depth + 1);
      out.append(": ");
      append_repr(out, member, depth + 1);
    }
    return out.append("}");
  }
  if (value.generator() != nullptr) return out.append("<generator object>");
  if (const Method* method = value.method()) {
    out.append("<built-in method ");
    out.append(method->name);
    return out.append(">");
  }
  if (depth > kMaxValueDepth) fail("maximum recursion depth exceeded while getting the repr");
  value.object()->show(*this, out);
}

std::string Runtime::str(const Value& value) {
  Text text(budget_);
  append_str(text, value);
  return std::move(text).take();
}

std::string Runtime::repr(const Value& value) {
  Text text(budget_);
  append_repr(text, value);
  return std::move(text).take();
}

Value Runtime::call(const Value& callee, Arguments& arguments) {
  if (callee.is_undefined()) raise(callee.undefined_message());
  if (const Method* method = callee.method())
    return call_method(*this, *method->self, method->name, arguments);
  Object* object = callee.object();
  if (object == nullptr || !object->callable())
    fail("'{}' object is not callable", callee.type_name());
  return object->call(*this, arguments);
}

std::vector<Value> Runtime::iterate(const Value& value) {
  if (value.is_undefined()) return {};
  std::vector<Value> items;
  if (const Sequence* sequence = value.sequence()) {
    items = sequence->items;
  } else if (Generator* generator = value.generator()) {
    items.assign(generator->items.begin() + static_cast<std::ptrdiff_t>(generator->next),
                 generator->items.end());
    generator->next = generator->items.size();
  } else if (const Dict* dict = value.dict()) {
    for (const auto& member : dict->members) items.push_back(member.first);
  } else if (value.is_string()) {
    const auto count = static_cast<size_t>(count_characters(value.view()));
    const Charge room(&budget_, count * 2 * sizeof(std::string_view));  // before it is taken
    const auto pieces = characters(value.view());
    for (const std::string_view piece : pieces) items.push_back(string(piece));
  } else {
    fail("'{}' object is not iterable", value.type_name());
  }
  budget_.work(items.size() * sizeof(Value));
  return items;
}

int64_t Runtime::length(const Value& value) const {
  if (value.is_undefined()) return 0;
  if (value.is_string()) return count_characters(value.view());
  if (const Sequence* sequence = value.sequence())
    return static_cast<int64_t>(sequence->items.size());
  if (const Dict* dict = value.dict()) return static_cast<int64_t>(dict->members.size());
  fail("object of type '{}' has no len()", value.type_name());
}

bool Runtime::truth(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (value.is_bool()) return value.boolean();
  if (value.is_int()) return value.integral() != 0;
  if (value.is_float()) return value.number() != 0;
  if (value.is_string()) return !value.view().empty();
  if (const Sequence* sequence = value.sequence()) return !sequence->items.empty();
  if (const Dict* dict = value.dict()) return !dict->members.empty();
  return true;
}

Value missing(const Value& of, const Value& key, Runtime& runtime) {
  const std::string type = of.is_none() ? "None" : std::string(of.type_name()) + " object";
  if (key.is_string()) {
    const std::string name(key.view().substr(0, 200));
    return Value::undefined(
        fmt::format("'{}' has no attribute {}", type,
                    is_valid_utf8(name) ? quoted_text(name) : "of a long name"));
  }
  return Value::undefined(
      fmt::format("{} has no element {}", type,
                  key.is_number() ? runtime.repr(key) : std::string(key.type_name())));
}

}  // namespace linnet::text::jinja
