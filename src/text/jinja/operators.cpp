#include "text/jinja/operators.hpp"

#include <algorithm>
#include <cmath>

#include "text/jinja/format.hpp"
#include "text/jinja/methods.hpp"
#include "text/jinja/python_text.hpp"

namespace linnet::text::jinja {
namespace {

[[noreturn]] void overflow(Runtime& runtime, std::string_view symbol) {
  runtime.fail("the result of {} does not fit 64 bits", symbol);
}

[[noreturn]] void wrong_types(Runtime& runtime, std::string_view symbol, const Value& a,
                              const Value& b) {
  if (a.is_undefined()) runtime.raise(a.undefined_message());
  if (b.is_undefined()) runtime.raise(b.undefined_message());
  const Sequence* sequence = a.sequence();
  const bool concatenates =
      a.is_string() || (sequence != nullptr && (sequence->kind == SequenceKind::list ||
                                                sequence->kind == SequenceKind::tuple));
  if (symbol == "+" && concatenates) {
    const std::string_view type = a.is_string() ? "str" : a.type_name();
    runtime.fail("can only concatenate {} (not \"{}\") to {}", type, b.type_name(), type);
  }
  runtime.fail("unsupported operand type(s) for {}: '{}' and '{}'", symbol, a.type_name(),
               b.type_name());
}

int64_t floor_divide(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

int64_t floor_modulo(int64_t a, int64_t b) {
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double floor_modulo(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
  return rest == 0 ? std::copysign(0.0, b) : rest;
}

Value power(Runtime& runtime, int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result))
      overflow(runtime, "**");
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) overflow(runtime, "**");
  }
  return result;
}

Value integers(Runtime& runtime, std::string_view symbol, int64_t a, int64_t b) {
  int64_t result = 0;
  if (symbol == "+") {
    if (__builtin_add_overflow(a, b, &result)) overflow(runtime, symbol);
    return result;
  }
  if (symbol == "-") {
    if (__builtin_sub_overflow(a, b, &result)) overflow(runtime, symbol);
    return result;
  }
  if (symbol == "*") {
    if (__builtin_mul_overflow(a, b, &result)) overflow(runtime, symbol);
    return result;
  }
  if (symbol == "**") {
    if (b >= 0) return power(runtime, a, b);
    if (a == 0) runtime.fail("0.0 cannot be raised to a negative power");
    return std::pow(static_cast<double>(a), static_cast<double>(b));
  }
  if (b == 0)
    runtime.raise(symbol == "/" ? "division by zero" : "integer division or modulo by zero");
  if (symbol == "/") return static_cast<double>(a) / static_cast<double>(b);
  if (a == INT64_MIN && b == -1) {
    if (symbol == "%") return int64_t{0};
    overflow(runtime, symbol);
  }
  return symbol == "//" ? floor_divide(a, b) : floor_modulo(a, b);
}

Value floats(Runtime& runtime, std::string_view symbol, double a, double b) {
  if (symbol == "+") return a + b;
  if (symbol == "-") return a - b;
  if (symbol == "*") return a * b;
  if (symbol == "**") {
    if (a == 0 && b < 0) runtime.fail("0.0 cannot be raised to a negative power");
    return std::pow(a, b);
  }
  if (b == 0) runtime.raise(symbol == "%" ? "float modulo" : "float division by zero");
  if (symbol == "/") return a / b;
  return symbol == "//" ? std::floor((a - floor_modulo(a, b)) / b + 0.5) : floor_modulo(a, b);
}

Value repeat(Runtime& runtime, const Value& what, int64_t count) {
  const auto times = static_cast<size_t>(std::max<int64_t>(count, 0));
  const size_t size = what.is_string() ? what.view().size() : what.sequence()->items.size();
  const size_t unit = what.is_string() ? 1 : sizeof(Value);
  if (size == 0 || times == 0)
    return what.is_string() ? runtime.string("") : runtime.list({}, what.sequence()->kind);
  if (times > SIZE_MAX / size / unit) overflow(runtime, "*");
  const Charge room(&runtime.budget(), times * size * unit);  // before it is made
  runtime.budget().work(times * size * unit);
  if (what.is_string()) {
    std::string text;
    text.reserve(times * size);
    for (size_t i = 0; i < times; ++i) text += what.view();
    return runtime.string(std::move(text), what.string()->safe);
  }
  std::vector<Value> items;
  items.reserve(times * size);
  for (size_t i = 0; i < times; ++i)
    items.insert(items.end(), what.sequence()->items.begin(), what.sequence()->items.end());
  return runtime.list(std::move(items), what.sequence()->kind);
}

bool is_list(const Value& value, SequenceKind kind) {
  return value.sequence() != nullptr && value.sequence()->kind == kind;
}

Value add_strings(Runtime& runtime, const String& a, const String& b) {
  Text text(runtime.budget());
  const bool safe = a.safe || b.safe;
  text.append(safe && !a.safe ? escape_html(a.text) : std::string_view(a.text));
  text.append(safe && !b.safe ? escape_html(b.text) : std::string_view(b.text));
  return std::move(text).finish(safe);
}

Value add_sequences(Runtime& runtime, const Sequence& a, const Sequence& b) {
  runtime.budget().work((a.items.size() + b.items.size()) * sizeof(Value));
  std::vector<Value> items = a.items;
  items.insert(items.end(), b.items.begin(), b.items.end());
  return runtime.list(std::move(items), a.kind);
}

// -1, 0 or 1.
int order(Runtime& runtime, std::string_view symbol, const Value& a, const Value& b) {
  runtime.budget().step();
  if (a.is_undefined()) runtime.raise(a.undefined_message());
  if (b.is_undefined()) runtime.raise(b.undefined_message());
  if (a.is_integral() && b.is_integral())
    return a.integral() < b.integral() ? -1 : a.integral() > b.integral() ? 1 : 0;
  if (a.is_number() && b.is_number())
    return a.number() < b.number() ? -1 : a.number() > b.number() ? 1 : 0;
  if (a.is_string() && b.is_string()) {
    // Byte order of UTF-8 is the order of code points.
    const int result = a.view().compare(b.view());
    return result < 0 ? -1 : result > 0 ? 1 : 0;
  }
  const bool lists = (is_list(a, SequenceKind::list) && is_list(b, SequenceKind::list)) ||
                     (is_list(a, SequenceKind::tuple) && is_list(b, SequenceKind::tuple));
  if (!lists)
    runtime.fail("'{}' not supported between instances of '{}' and '{}'", symbol, a.type_name(),
                 b.type_name());
  const auto& left = a.sequence()->items;
  const auto& right = b.sequence()->items;
  for (size_t i = 0; i < std::min(left.size(), right.size()); ++i)
    if (!equal(left[i], right[i], &runtime.budget()))
      return order(runtime, symbol, left[i], right[i]);
  return left.size() < right.size() ? -1 : left.size() > right.size() ? 1 : 0;
}

bool has_nan(const Value& a, const Value& b) {
  return (a.is_float() && std::isnan(a.number())) || (b.is_float() && std::isnan(b.number()));
}

// The element at an index from either end, or nothing.
std::optional<Value> element(Runtime& runtime, const Value& object, int64_t index) {
  if (object.is_string()) {
    const std::string_view text = object.view();
    runtime.budget().work(text.size());
    const int64_t size = count_characters(text);
    if (index < 0) index += size;
    if (index < 0 || index >= size) return std::nullopt;
    const size_t at = character_offset(text, index);
    const size_t end = at + character_offset(text.substr(at), 1);
    return runtime.string(text.substr(at, end - at));
  }
  const auto& items = object.sequence()->items;
  const auto size = static_cast<int64_t>(items.size());
  if (index < 0) index += size;
  if (index < 0 || index >= size) return std::nullopt;
  return items[static_cast<size_t>(index)];
}

bool is_indexed(const Value& object) {
  if (object.is_string()) return true;
  const Sequence* sequence = object.sequence();
  return sequence != nullptr &&
         (sequence->kind == SequenceKind::list || sequence->kind == SequenceKind::tuple ||
          sequence->kind == SequenceKind::range);
}

std::optional<Value> attribute_of(Runtime& runtime, const Value& object, const Value& name) {
  if (Object* thing = object.object()) {
    auto found = thing->attribute(runtime, name.view());
    if (found && name.view().starts_with('_'))
      return Value::undefined(fmt::format("access to attribute '{}' of '{}' object is unsafe.",
                                          name.view(), object.type_name()));
    return found;
  }
  if (object.sequence() != nullptr && object.sequence()->group) {
    if (name.view() == "grouper") return object.sequence()->items[0];
    if (name.view() == "list") return object.sequence()->items[1];
  }
  switch (find_method(object, name.view())) {
    case MethodAccess::none: return std::nullopt;
    case MethodAccess::unsafe:
      return Value::undefined(fmt::format("access to attribute '{}' of '{}' object is unsafe.",
                                          name.view(), object.type_name()));
    case MethodAccess::safe: break;
  }
  return Value(std::make_shared<const Method>(
      Method{.self = std::make_shared<const Value>(object), .name = std::string(name.view())}));
}

std::optional<Value> item_of(Runtime& runtime, const Value& object, const Value& key) {
  if (const Dict* dict = object.dict()) {
    const Value* found = dict->find(key);
    return found != nullptr ? std::optional(*found) : std::nullopt;
  }
  if (is_indexed(object) && key.is_integral()) return element(runtime, object, key.integral());
  return std::nullopt;
}

}  // namespace

Value binary(Runtime& runtime, std::string_view symbol, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral())
    return integers(runtime, symbol, a.integral(), b.integral());
  if (a.is_number() && b.is_number()) return floats(runtime, symbol, a.number(), b.number());
  if (symbol == "+") {
    if (a.is_string() && b.is_string()) return add_strings(runtime, *a.string(), *b.string());
    for (const SequenceKind kind : {SequenceKind::list, SequenceKind::tuple})
      if (is_list(a, kind) && is_list(b, kind))
        return add_sequences(runtime, *a.sequence(), *b.sequence());
  }
  if (symbol == "*") {
    const auto repeats = [](const Value& what) {
      return what.is_string() || is_list(what, SequenceKind::list) ||
             is_list(what, SequenceKind::tuple);
    };
    if (repeats(a) && b.is_integral()) return repeat(runtime, a, b.integral());
    if (repeats(b) && a.is_integral()) return repeat(runtime, b, a.integral());
  }
  if (symbol == "%" && a.is_string()) return percent_format(runtime, a.view(), b);
  wrong_types(runtime, symbol, a, b);
}

Value negate(Runtime& runtime, const Value& value) {
  if (value.is_undefined()) runtime.raise(value.undefined_message());
  if (value.is_float()) return -value.number();
  if (!value.is_integral()) runtime.fail("bad operand type for unary -: '{}'", value.type_name());
  return integers(runtime, "-", 0, value.integral());
}

Value plus(Runtime& runtime, const Value& value) {
  if (value.is_undefined()) runtime.raise(value.undefined_message());
  if (value.is_float()) return value;
  if (!value.is_integral()) runtime.fail("bad operand type for unary +: '{}'", value.type_name());
  return value.integral();
}

bool less(Runtime& runtime, const Value& a, const Value& b) {
  return order(runtime, "<", a, b) < 0;
}

bool compare(Runtime& runtime, std::string_view symbol, const Value& a, const Value& b) {
  if (symbol == "==") return equal(a, b, &runtime.budget());
  if (symbol == "!=") return !equal(a, b, &runtime.budget());
  if (symbol == "in") return contains(runtime, a, b);
  if (symbol == "not in") return !contains(runtime, a, b);
  const int result = order(runtime, symbol, a, b);
  if (has_nan(a, b)) return false;
  if (symbol == "<") return result < 0;
  if (symbol == "<=") return result <= 0;
  return symbol == ">" ? result > 0 : result >= 0;
}

bool contains(Runtime& runtime, const Value& item, const Value& container) {
  if (container.is_undefined()) return false;
  if (container.is_string()) {
    if (!item.is_string()) {
      if (item.is_undefined())
        runtime.fail("'in <string>' requires string as left operand, not Undefined");
      runtime.fail("'in <string>' requires string as left operand, not {}", item.type_name());
    }
    return find_text(runtime, container.view(), item.view()) != std::string_view::npos;
  }
  if (const Dict* dict = container.dict()) {
    check_hashable(runtime, item);
    return dict->find(item) != nullptr;
  }
  const auto is_item = [&](const Value& other) { return equal(other, item, &runtime.budget()); };
  if (const Sequence* sequence = container.sequence())
    return std::any_of(sequence->items.begin(), sequence->items.end(), is_item);
  if (Generator* generator = container.generator()) {
    while (generator->next < generator->items.size())
      if (is_item(generator->items[generator->next++])) return true;
    return false;
  }
  runtime.fail("argument of type '{}' is not iterable", container.type_name());
}

Value get_attribute(Runtime& runtime, const Value& object, const Value& name) {
  if (object.is_undefined()) runtime.raise(object.undefined_message());
  if (auto found = attribute_of(runtime, object, name)) return *std::move(found);
  if (auto found = item_of(runtime, object, name)) return *std::move(found);
  return missing(object, name, runtime);
}

Value get_item(Runtime& runtime, const Value& object, const Value& key) {
  if (object.is_undefined()) runtime.raise(object.undefined_message());
  if (auto found = item_of(runtime, object, key)) return *std::move(found);
  if (key.is_string())
    if (auto found = attribute_of(runtime, object, key)) return *std::move(found);
  return missing(object, key, runtime);
}

Value slice(Runtime& runtime, const Value& object, const Value& start, const Value& stop,
            const Value& step) {
  if (object.is_undefined()) runtime.raise(object.undefined_message());
  if (object.dict() != nullptr) runtime.fail("unhashable type: 'slice'");
  if (!is_indexed(object)) runtime.fail("'{}' object is not subscriptable", object.type_name());
  const auto index = [&](const Value& value, int64_t fallback) {
    if (value.is_none()) return fallback;
    if (!value.is_integral())
      runtime.fail("slice indices must be integers or None or have an __index__ method");
    return value.integral();
  };
  const int64_t by = index(step, 1);
  if (by == 0) runtime.fail("slice step cannot be zero");
  const int64_t size = runtime.length(object);
  const auto bound = [&](const Value& value, int64_t fallback) {
    if (value.is_none()) return fallback;
    int64_t at = index(value, 0);
    if (at < 0) at = at < -size ? -1 : at + size;
    return by > 0 ? std::clamp<int64_t>(at, 0, size) : std::clamp<int64_t>(at, -1, size - 1);
  };
  const int64_t first = bound(start, by > 0 ? 0 : size - 1);
  const int64_t last = bound(stop, by > 0 ? size : -1);
  if (object.is_string() && by == 1) {
    runtime.budget().work(object.view().size());
    const size_t from = character_offset(object.view(), first);
    const std::string_view rest = object.view().substr(from);
    return runtime.string(
        rest.substr(0, character_offset(rest, std::max<int64_t>(last - first, 0))));
  }
  std::vector<std::string_view> pieces;
  Charge charge(&runtime.budget(), 0);
  if (object.is_string()) {
    charge.grow(object.view().size() * sizeof(std::string_view));
    pieces = characters(object.view());
  }
  std::string text;
  std::vector<Value> items;
  for (int64_t i = first; by > 0 ? i < last : i > last;) {
    runtime.budget().step();
    if (object.is_string())
      text += pieces[static_cast<size_t>(i)];
    else
      items.push_back(object.sequence()->items[static_cast<size_t>(i)]);
    if (__builtin_add_overflow(i, by, &i)) break;
  }
  if (object.is_string()) return runtime.string(std::move(text));
  const bool tuple = object.sequence()->kind == SequenceKind::tuple;
  return runtime.list(std::move(items), tuple ? SequenceKind::tuple : SequenceKind::list);
}

size_t find_text(Runtime& runtime, std::string_view text, std::string_view needle, size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (needle.empty()) return from;
  while (from + needle.size() <= text.size()) {
    const size_t at = text.find(needle[0], from);
    runtime.budget().work(std::min(at, text.size()) - from);
    if (at == std::string_view::npos || at + needle.size() > text.size()) break;
    runtime.budget().work(needle.size());
    if (text.compare(at, needle.size(), needle) == 0) return at;
    from = at + 1;
  }
  return std::string_view::npos;
}

size_t rfind_text(Runtime& runtime, std::string_view text, std::string_view needle, size_t end) {
  end = std::min(end, text.size());
  if (needle.size() > end) return std::string_view::npos;
  if (needle.empty()) return end;
  for (size_t from = end - needle.size() + 1; from > 0;) {
    const size_t at = text.rfind(needle[0], from - 1);
    runtime.budget().work(at == std::string_view::npos ? from : from - at);
    if (at == std::string_view::npos) break;
    runtime.budget().work(needle.size());
    if (text.compare(at, needle.size(), needle) == 0) return at;
    from = at;
  }
  return std::string_view::npos;
}

void check_hashable(Runtime& runtime, const Value& key) {
  if (key.dict() != nullptr || is_list(key, SequenceKind::list))
    runtime.fail("unhashable type: '{}'", key.type_name());
  if (is_list(key, SequenceKind::tuple))
    for (const Value& item : key.sequence()->items) check_hashable(runtime, item);
}

}  // namespace linnet::text::jinja
