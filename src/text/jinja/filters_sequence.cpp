// Filters that take things with elements.
#include <algorithm>
#include <array>

#include "text/jinja/arguments.hpp"
#include "text/jinja/filters.hpp"
#include "text/jinja/operators.hpp"
#include "text/jinja/python_text.hpp"

namespace linnet::text::jinja {
namespace {

using Call = const Arguments&;

Value length(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "length", call, {});
  if (input.is_string()) runtime.budget().work(input.view().size());
  return runtime.length(input);
}

Value list(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "list", call, {});
  return runtime.list(runtime.iterate(input));
}

Value first(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "first", call, {});
  const auto nothing = [] { return Value::undefined("No first item, sequence was empty."); };
  if (Generator* generator = input.generator())
    return generator->next < generator->items.size() ? generator->items[generator->next++]
                                                     : nothing();
  if (input.is_string()) {
    if (input.view().empty()) return nothing();
    return runtime.string(input.view().substr(0, character_offset(input.view(), 1)));
  }
  const auto items = runtime.iterate(input);
  return items.empty() ? nothing() : items.front();
}

Value last(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "last", call, {});
  if (input.generator() != nullptr || input.is_undefined())
    runtime.fail("'{}' object is not reversible", input.type_name());
  const auto items = runtime.iterate(input);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value join(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "join", call, {"d", "attribute"});
  const AttributePath path(runtime, bound.get(1, Value::None{}));
  const std::string separator = bound.has(0) ? runtime.str(bound.at(0)) : "";
  Text text(runtime.budget());
  bool is_first = true;
  for (const Value& item : runtime.iterate(input)) {
    if (!std::exchange(is_first, false)) text.append(separator);
    runtime.append_str(text, path.get(runtime, item));
  }
  return std::move(text).finish();
}

Value reverse(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "reverse", call, {});
  if (input.is_string()) {
    std::string text;
    const Charge room(&runtime.budget(), input.view().size() * sizeof(std::string_view));
    auto pieces = characters(input.view());
    std::reverse(pieces.begin(), pieces.end());
    for (const std::string_view piece : pieces) text += piece;
    return runtime.string(std::move(text));
  }
  const bool generator = input.generator() != nullptr;
  auto items = runtime.iterate(input);
  std::reverse(items.begin(), items.end());
  return generator || input.is_undefined() ? runtime.list(std::move(items))
                                           : runtime.generator(std::move(items));
}

Value items(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "items", call, {});
  std::vector<Value> pairs;
  if (!input.is_undefined()) {
    if (input.dict() == nullptr) runtime.fail("Can only get item pairs from a mapping.");
    for (const auto& [key, value] : input.dict()->members)
      pairs.push_back(runtime.tuple({key, value}));
  }
  return runtime.generator(std::move(pairs));
}

Value map(Runtime& runtime, const Value& input, Call call) {
  std::vector<Value> results;
  if (!Runtime::truth(input)) return runtime.generator({});
  if (call.positional.empty()) {
    Value attribute;
    Value otherwise = Value::None{};
    for (const auto& [name, value] : call.named) {
      if (name == "attribute")
        attribute = value;
      else if (name == "default")
        otherwise = value;
      else
        runtime.fail("Unexpected keyword argument '{}'", name);
    }
    if (attribute.is_undefined()) runtime.fail("map requires a filter argument");
    const AttributePath path(runtime, attribute);
    for (const Value& item : runtime.iterate(input))
      results.push_back(path.get(runtime, item, otherwise));
    return runtime.generator(std::move(results));
  }
  if (!call.positional[0].is_string()) runtime.fail("map requires the name of a filter");
  const Filter filter = require_filter(runtime, call.positional[0].view());
  Arguments arguments{.positional = {call.positional.begin() + 1, call.positional.end()},
                      .named = call.named};
  for (const Value& item : runtime.iterate(input))
    results.push_back(filter(runtime, item, arguments));
  return runtime.generator(std::move(results));
}

template <bool keep, bool by_attribute>
Value select(Runtime& runtime, const Value& input, Call call) {
  if (!Runtime::truth(input)) return runtime.generator({});
  size_t used = 0;
  Value attribute = Value::None{};
  if (by_attribute) {
    if (call.positional.empty()) runtime.fail("Missing parameter for attribute name");
    attribute = call.positional[used++];
  }
  const AttributePath path(runtime, attribute);
  Test test = nullptr;
  if (used < call.positional.size()) {
    if (!call.positional[used].is_string()) runtime.fail("the name of a test must be a str");
    test = require_test(runtime, call.positional[used++].view());
  }
  Arguments arguments{.positional = {call.positional.begin() + static_cast<std::ptrdiff_t>(used),
                                     call.positional.end()},
                      .named = call.named};
  std::vector<Value> results;
  for (const Value& item : runtime.iterate(input)) {
    const Value value = path.get(runtime, item);
    const bool passes = test != nullptr ? test(runtime, value, arguments) : Runtime::truth(value);
    if (passes == keep) results.push_back(item);
  }
  return runtime.generator(std::move(results));
}

Value sum(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "sum", call, {"attribute", "start"});
  const AttributePath path(runtime, bound.get(0, Value::None{}));
  Value total = bound.get(1, int64_t{0});
  if (total.is_string()) runtime.fail("sum() can't sum strings [use ''.join(seq) instead]");
  for (const Value& item : runtime.iterate(input))
    total = binary(runtime, "+", total, path.get(runtime, item));
  return total;
}

Value batch(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "batch", call, {"linecount", "fill_with"});
  const int64_t size = bound.integer(0);
  std::vector<Value> rows;
  std::vector<Value> row;
  for (const Value& item : runtime.iterate(input)) {
    if (static_cast<int64_t>(row.size()) == size)
      rows.push_back(runtime.list(std::exchange(row, {})));
    row.push_back(item);
  }
  if (!row.empty()) {
    if (bound.is_some(1))
      for (auto i = static_cast<int64_t>(row.size()); i < size; ++i) {
        runtime.budget().work(sizeof(Value));
        row.push_back(bound.at(1));
      }
    rows.push_back(runtime.list(std::move(row)));
  }
  return runtime.generator(std::move(rows));
}

Value slices(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "slice", call, {"slices", "fill_with"});
  const auto all = runtime.iterate(input);
  const int64_t count = bound.integer(0);
  if (count == 0) runtime.fail("integer division or modulo by zero");
  const auto size = static_cast<int64_t>(all.size());
  std::vector<Value> rows;
  int64_t start = 0;
  for (int64_t i = 0; i < count; ++i) {
    const bool longer = i < size % count;
    const int64_t end = start + size / count + (longer ? 1 : 0);
    std::vector<Value> row(all.begin() + start, all.begin() + end);
    if (bound.is_some(1) && !longer) row.push_back(bound.at(1));
    rows.push_back(runtime.list(std::move(row)));
    start = end;
  }
  return runtime.generator(std::move(rows));
}

constexpr auto kFilters = std::to_array<NamedFilter>({
    {"batch", batch},
    {"count", length},
    {"first", first},
    {"items", items},
    {"join", join},
    {"last", last},
    {"length", length},
    {"list", list},
    {"map", map},
    {"reject", select<false, false>},
    {"rejectattr", select<false, true>},
    {"reverse", reverse},
    {"select", select<true, false>},
    {"selectattr", select<true, true>},
    {"slice", slices},
    {"sum", sum},
});

}  // namespace

std::span<const NamedFilter> sequence_filters() { return kFilters; }

}  // namespace linnet::text::jinja
