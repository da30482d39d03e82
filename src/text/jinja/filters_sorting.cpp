// Filters that compare elements.
#include <algorithm>
#include <array>
#include <unordered_set>

#include "text/jinja/arguments.hpp"
#include "text/jinja/filters.hpp"
#include "text/jinja/operators.hpp"
#include "text/jinja/python_text.hpp"

namespace linnet::text::jinja {
namespace {

using Call = const Arguments&;

// Strings compare without case unless it is asked for.
Value folded(Runtime& runtime, Value value, bool case_sensitive) {
  if (case_sensitive || !value.is_string()) return value;
  runtime.budget().work(4 * value.view().size());
  return runtime.string(to_lower(value.view()));
}

struct Keyed {
  Value key;
  Value item;
};

void sort_keyed(Runtime& runtime, std::vector<Keyed>& entries, bool descending) {
  std::stable_sort(entries.begin(), entries.end(), [&](const Keyed& a, const Keyed& b) {
    return descending ? less(runtime, b.key, a.key) : less(runtime, a.key, b.key);
  });
}

Value items_of(Runtime& runtime, std::vector<Keyed>& entries) {
  std::vector<Value> items;
  items.reserve(entries.size());
  for (Keyed& entry : entries) items.push_back(std::move(entry.item));
  return runtime.list(std::move(items));
}

Value sort(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "sort", call, {"reverse", "case_sensitive", "attribute"});
  const bool case_sensitive = bound.truth(1, false);
  // "age,name" sorts by several attributes.
  std::vector<AttributePath> paths;
  if (bound.has(2) && bound.at(2).is_string()) {
    std::string_view rest = bound.string(2);
    while (true) {
      const size_t comma = std::min(rest.find(','), rest.size());
      paths.emplace_back(runtime, runtime.string(rest.substr(0, comma)));
      if (comma == rest.size()) break;
      rest.remove_prefix(comma + 1);
    }
  } else {
    paths.emplace_back(runtime, bound.get(2, Value::None{}));
  }
  std::vector<Keyed> entries;
  for (const Value& item : runtime.iterate(input)) {
    std::vector<Value> keys;
    keys.reserve(paths.size());
    for (const AttributePath& path : paths)
      keys.push_back(folded(runtime, path.get(runtime, item), case_sensitive));
    Value key = keys.size() == 1 ? std::move(keys[0]) : runtime.list(std::move(keys));
    entries.push_back({.key = std::move(key), .item = item});
  }
  sort_keyed(runtime, entries, bound.truth(0, false));
  return items_of(runtime, entries);
}

Value dictsort(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "dictsort", call, {"case_sensitive", "by", "reverse"});
  if (input.is_undefined()) runtime.raise(input.undefined_message());
  if (input.dict() == nullptr)
    runtime.fail("'{}' object has no attribute 'items'", input.type_name());
  const std::string_view by = bound.has(1) ? bound.string(1) : "key";
  if (by != "key" && by != "value")
    runtime.fail("You can only sort by either \"key\" or \"value\"");
  std::vector<Keyed> entries;
  for (const auto& [key, value] : input.dict()->members)
    entries.push_back({.key = folded(runtime, by == "key" ? key : value, bound.truth(0, false)),
                       .item = runtime.tuple({key, value})});
  sort_keyed(runtime, entries, bound.truth(2, false));
  return items_of(runtime, entries);
}

Value groupby(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "groupby", call, {"attribute", "default", "case_sensitive"});
  const AttributePath path(runtime, bound.at(0));
  const Value otherwise = bound.get(1, Value::None{});
  std::vector<Keyed> entries;
  for (const Value& item : runtime.iterate(input))
    entries.push_back(
        {.key = folded(runtime, path.get(runtime, item, otherwise), bound.truth(2, false)),
         .item = item});
  sort_keyed(runtime, entries, false);
  std::vector<Value> groups;
  for (size_t i = 0; i < entries.size();) {
    std::vector<Value> members;
    const Value key = path.get(runtime, entries[i].item, otherwise);
    const size_t start = i;
    while (i < entries.size() && equal(entries[i].key, entries[start].key, &runtime.budget()))
      members.push_back(entries[i++].item);
    groups.push_back(runtime.sequence(Sequence{.kind = SequenceKind::tuple,
                                               .items = {key, runtime.list(std::move(members))},
                                               .group = true}));
  }
  return runtime.list(std::move(groups));
}

Value unique(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "unique", call, {"case_sensitive", "attribute"});
  const AttributePath path(runtime, bound.get(1, Value::None{}));
  std::vector<Value> items;
  std::vector<Value> others;  // keys that are no strings
  std::unordered_set<std::string> texts;
  for (const Value& item : runtime.iterate(input)) {
    const Value key = folded(runtime, path.get(runtime, item), bound.truth(0, false));
    check_hashable(runtime, key);
    if (key.is_string()) {
      if (!texts.emplace(key.view()).second) continue;
      runtime.budget().work(key.view().size());
    } else {
      const auto same = [&](const Value& other) { return equal(other, key, &runtime.budget()); };
      if (std::any_of(others.begin(), others.end(), same)) continue;
      others.push_back(key);
    }
    items.push_back(item);
  }
  return runtime.generator(std::move(items));
}

template <bool largest>
Value extreme(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, largest ? "max" : "min", call, {"case_sensitive", "attribute"});
  const AttributePath path(runtime, bound.get(1, Value::None{}));
  const auto items = runtime.iterate(input);
  if (items.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const bool case_sensitive = bound.truth(0, false);
  const Value* best = nullptr;
  Value best_key;
  for (const Value& item : items) {
    Value key = folded(runtime, path.get(runtime, item), case_sensitive);
    if (best != nullptr && !(largest ? less(runtime, best_key, key) : less(runtime, key, best_key)))
      continue;
    best = &item;
    best_key = std::move(key);
  }
  return *best;
}

constexpr auto kFilters = std::to_array<NamedFilter>({
    {"dictsort", dictsort},
    {"groupby", groupby},
    {"max", extreme<true>},
    {"min", extreme<false>},
    {"sort", sort},
    {"unique", unique},
});

}  // namespace

std::span<const NamedFilter> sorting_filters() { return kFilters; }

}  // namespace linnet::text::jinja
