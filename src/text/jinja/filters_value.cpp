// Filters on numbers, on anything, and the finding of filters.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "text/jinja/arguments.hpp"
#include "text/jinja/filters.hpp"
#include "text/jinja/format.hpp"
#include "text/jinja/operators.hpp"
#include "text/jinja/python_text.hpp"

namespace linnet::text::jinja {
namespace {

using Call = const Arguments&;

bool fits_int(double value) { return value > -0x1p63 && value < 0x1p63; }

Value absolute(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "abs", call, {});
  if (input.is_undefined()) runtime.raise(input.undefined_message());
  if (input.is_float()) return std::fabs(input.number());
  if (!input.is_integral()) runtime.fail("bad operand type for abs(): '{}'", input.type_name());
  return input.integral() < 0 ? negate(runtime, input) : Value(input.integral());
}

Value attr(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "attr", call, {"name"});
  const Value name = runtime.string(bound.string(0));
  // Attributes only: the members of a dict are none.
  if (input.dict() != nullptr) {
    const Value empty = runtime.dict({});
    return get_attribute(runtime, empty, name);
  }
  return get_attribute(runtime, input, name);
}

Value fallback(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "default", call, {"default_value", "boolean"});
  if (!input.is_undefined() && !(bound.truth(1, false) && !Runtime::truth(input))) return input;
  return bound.has(0) ? bound.at(0) : runtime.string("");
}

Value to_int(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "int", call, {"default", "base"});
  if (input.is_undefined()) runtime.raise(input.undefined_message());
  Value otherwise = bound.get(0, int64_t{0});
  if (input.is_integral()) return input.integral();
  std::optional<double> number;
  if (input.is_float()) {
    number = input.number();
    if (!std::isnan(*number) && !fits_int(*number))
      runtime.fail("the float {} does not fit an integer of 64 bits", float_text(*number));
  } else if (input.is_string()) {
    const int64_t base = bound.integer(1, 10);
    if (base != 0 && (base < 2 || base > 36)) return otherwise;
    if (const auto value = parse_int(input.view(), static_cast<int>(base))) return *value;
    number = parse_float(input.view());
  }
  if (!number || std::isnan(*number) || !fits_int(*number)) return otherwise;
  return static_cast<int64_t>(*number);
}

Value to_float(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "float", call, {"default"});
  if (input.is_undefined()) runtime.raise(input.undefined_message());
  if (input.is_number()) return input.number();
  if (input.is_string())
    if (const auto value = parse_float(input.view())) return *value;
  return bound.get(0, 0.0);
}

// Python's round(): to even, of the exact binary value.
double rounded(double value, int64_t digits) {
  if (!std::isfinite(value) || digits > 300) return value;
  if (digits < -300) return 0;
  if (digits < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-digits));
    return std::nearbyint(value / scale) * scale;
  }
  return std::strtod(fmt::format("{:.{}f}", value, digits).c_str(), nullptr);
}

Value round(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "round", call, {"precision", "method"});
  if (input.is_undefined()) runtime.raise(input.undefined_message());
  if (!input.is_number())
    runtime.fail("type {} doesn't define __round__ method", input.type_name());
  const int64_t digits = bound.integer(0, 0);
  const std::string_view method = bound.has(1) ? bound.string(1) : "common";
  if (method != "common" && method != "ceil" && method != "floor")
    runtime.fail("method must be common, ceil or floor");
  if (method == "common") {
    if (!input.is_integral()) return rounded(input.number(), digits);
    if (digits >= 0) return input.integral();
    const double result = rounded(input.number(), digits);
    if (!fits_int(result)) runtime.fail("a rounded integer does not fit 64 bits");
    return static_cast<int64_t>(result);
  }
  const double scale = std::pow(10.0, static_cast<double>(digits));
  const double scaled = input.number() * scale;
  return (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale;
}

Value tojson(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "tojson", call, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style{.ensure_ascii = bound.truth(0, false), .sort_keys = bound.truth(3, false)};
  if (bound.is_some(1)) {
    if (bound.at(1).is_string()) {
      style.indent = bound.string(1);
    } else {
      const int64_t width = bound.integer(1);
      if (width > 1000) runtime.fail("an indent of {}, at most 1000 are supported", width);
      style.indent = std::string(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
    }
  }
  if (bound.is_some(2)) {
    const Sequence* pair = bound.at(2).sequence();
    if (pair == nullptr || pair->items.size() != 2 || !pair->items[0].is_string() ||
        !pair->items[1].is_string())
      runtime.fail("tojson(): separators must be a pair of strings");
    style.item_separator = pair->items[0].view();
    style.key_separator = pair->items[1].view();
  }
  return to_json(runtime, input, style);
}

constexpr auto kFilters = std::to_array<NamedFilter>({
    {"abs", absolute},
    {"attr", attr},
    {"d", fallback},
    {"default", fallback},
    {"float", to_float},
    {"int", to_int},
    {"round", round},
    {"tojson", tojson},
});

}  // namespace

std::span<const NamedFilter> value_filters() { return kFilters; }

Filter find_filter(std::string_view name) {
  for (const auto& filters :
       {text_filters(), value_filters(), sequence_filters(), sorting_filters()})
    for (const NamedFilter& entry : filters)
      if (entry.name == name) return entry.filter;
  return nullptr;
}

Filter require_filter(Runtime& runtime, std::string_view name) {
  const Filter filter = find_filter(name);
  if (filter == nullptr) runtime.fail("No filter named '{}'.", name.substr(0, 60));
  return filter;
}

AttributePath::AttributePath(Runtime& runtime, const Value& path) {
  if (path.is_none()) return;
  if (!path.is_string()) {
    parts_.push_back(path);
    return;
  }
  std::string_view rest = path.view();
  while (true) {
    const size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    const bool digits = !part.empty() && std::all_of(part.begin(), part.end(),
                                                     [](char c) { return c >= '0' && c <= '9'; });
    const auto index = digits ? parse_int(part) : std::nullopt;
    parts_.push_back(index ? Value(*index) : runtime.string(part));
    if (dot == rest.size()) return;
    rest.remove_prefix(dot + 1);
  }
}

Value AttributePath::get(Runtime& runtime, Value item, const Value& fallback) const {
  for (const Value& part : parts_) {
    runtime.budget().step();
    item = get_item(runtime, item, part);
    if (item.is_undefined() && !fallback.is_none()) item = fallback;
  }
  return item;
}

}  // namespace linnet::text::jinja
