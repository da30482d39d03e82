#include <algorithm>
#include <array>

#include "text/jinja/arguments.hpp"
#include "text/jinja/methods.hpp"
#include "text/jinja/operators.hpp"

namespace linnet::text::jinja {
namespace {

constexpr std::array<std::string_view, 5> kDictMethods{"get", "items", "keys", "values", "copy"};
constexpr std::array<std::string_view, 5> kUnsafeDict{"clear", "pop", "popitem", "setdefault",
                                                      "update"};
constexpr std::array<std::string_view, 3> kListMethods{"index", "count", "copy"};
constexpr std::array<std::string_view, 8> kUnsafeList{"append", "clear", "pop",    "reverse",
                                                      "insert", "sort",  "extend", "remove"};

template <size_t N>
bool has(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Value call_dict(Runtime& runtime, const Value& self, std::string_view name,
                const Arguments& arguments) {
  const Dict& dict = *self.dict();
  if (name == "get") {
    const Bound bound(runtime, "get", arguments, {"key", "default"});
    check_hashable(runtime, bound.at(0));
    const Value* found = dict.find(bound.at(0));
    return found != nullptr ? *found : bound.get(1, Value::None{});
  }
  const Bound bound(runtime, name, arguments, {});
  if (name == "copy") return self;
  std::vector<Value> items;
  items.reserve(dict.members.size());
  for (const auto& [key, value] : dict.members) {
    if (name == "keys")
      items.push_back(key);
    else if (name == "values")
      items.push_back(value);
    else
      items.push_back(runtime.tuple({key, value}));
  }
  return runtime.list(std::move(items), name == "keys"     ? SequenceKind::keys
                                        : name == "values" ? SequenceKind::values
                                                           : SequenceKind::items);
}

Value call_sequence(Runtime& runtime, const Value& self, std::string_view name,
                    const Arguments& arguments) {
  const auto& items = self.sequence()->items;
  if (name == "copy") {
    const Bound bound(runtime, name, arguments, {});
    return self;
  }
  const Bound bound(runtime, name, arguments, {"value", "start", "stop"});
  const Value& wanted = bound.at(0);
  if (name == "count")
    return static_cast<int64_t>(std::count_if(items.begin(), items.end(), [&](const Value& item) {
      return equal(item, wanted, &runtime.budget());
    }));
  const auto size = static_cast<int64_t>(items.size());
  const auto place = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size);
  };
  const int64_t stop = place(bound.integer(2, size));
  for (int64_t i = place(bound.integer(1, 0)); i < stop; ++i)
    if (equal(items[static_cast<size_t>(i)], wanted, &runtime.budget())) return i;
  runtime.fail("{} is not in {}", runtime.repr(wanted).substr(0, 200), self.type_name());
}

}  // namespace

MethodAccess find_method(const Value& self, std::string_view name) {
  if (name.starts_with("__") && name.ends_with("__")) return MethodAccess::unsafe;
  if (self.is_string())
    return find_string_method(name) != nullptr ? MethodAccess::safe : MethodAccess::none;
  if (self.dict() != nullptr) {
    if (has(kUnsafeDict, name)) return MethodAccess::unsafe;
    return has(kDictMethods, name) ? MethodAccess::safe : MethodAccess::none;
  }
  if (const Sequence* sequence = self.sequence()) {
    const bool list = sequence->kind == SequenceKind::list;
    if (list && has(kUnsafeList, name)) return MethodAccess::unsafe;
    const bool counted =
        list || sequence->kind == SequenceKind::tuple || sequence->kind == SequenceKind::range;
    if (counted && has(kListMethods, name) && (list || name != "copy")) return MethodAccess::safe;
  }
  return MethodAccess::none;
}

Value call_method(Runtime& runtime, const Value& self, std::string_view name,
                  Arguments& arguments) {
  if (self.is_string()) return find_string_method(name)(runtime, self, arguments);
  if (self.dict() != nullptr) return call_dict(runtime, self, name, arguments);
  return call_sequence(runtime, self, name, arguments);
}

}  // namespace linnet::text::jinja
