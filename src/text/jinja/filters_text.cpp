// Filters on text: what goes in is str() of the value.
#include <algorithm>
#include <array>

#include "text/jinja/arguments.hpp"
#include "text/jinja/filters.hpp"
#include "text/jinja/format.hpp"
#include "text/jinja/methods.hpp"
#include "text/jinja/operators.hpp"
#include "text/jinja/python_text.hpp"
#include "text/unicode.hpp"

namespace linnet::text::jinja {
namespace {

using Call = const Arguments&;

bool is_safe(const Value& value) { return value.is_string() && value.string()->safe; }

// Jinja's soft_str(): a text stays what it is.
Value soft_text(Runtime& runtime, const Value& value) {
  return value.is_string() ? value : runtime.string(runtime.str(value));
}

template <std::string (*change)(std::string_view)>
Value changed(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "the filter", call, {});
  const Value text = soft_text(runtime, input);
  runtime.budget().work(4 * text.view().size());
  return runtime.string(change(text.view()), is_safe(input));
}

// Unlike str.title: words begin behind white space and opening brackets, not behind every mark.
std::string title(std::string_view text) {
  std::string out;
  size_t start = 0;
  const auto word = [&](size_t end) {
    if (end == start) return;
    const std::string_view all = text.substr(start, end - start);
    const size_t first = sequence_length(static_cast<unsigned char>(all[0]));
    out += to_upper(all.substr(0, first));
    out += to_lower(all.substr(first));
  };
  for (size_t i = 0; i < text.size();) {
    const char32_t c = code_point_at(text, i);
    const size_t size = sequence_length(static_cast<unsigned char>(text[i]));
    if (is_space(c) || c == U'-' || c == U'(' || c == U'{' || c == U'[' || c == U'<') {
      word(i);
      out += text.substr(i, size);
      start = i + size;
    }
    i += size;
  }
  word(text.size());
  return out;
}

Value trim(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "trim", call, {"chars"});
  const Value text = soft_text(runtime, input);
  std::optional<std::string_view> chars;
  if (bound.is_some(0)) chars = bound.string(0);
  runtime.budget().work(text.view().size());
  return runtime.string(std::string(strip(text.view(), Side::both, chars)), is_safe(input));
}

Value replace_filter(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "replace", call, {"old", "new", "count"});
  const int64_t count = bound.is_some(2) ? bound.integer(2) : -1;
  return replace(runtime, runtime.str(input), runtime.str(bound.at(0)), runtime.str(bound.at(1)),
                 count);
}

Value string_filter(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "string", call, {});
  return soft_text(runtime, input);
}

Value safe(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "safe", call, {});
  return runtime.string(runtime.str(input), true);
}

Value escape(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "escape", call, {});
  if (is_safe(input)) return input;
  const std::string text = runtime.str(input);
  const Charge room(&runtime.budget(), 5 * text.size());
  return runtime.string(escape_html(text), true);
}

Value force_escape(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "forceescape", call, {});
  const std::string text = runtime.str(input);
  const Charge room(&runtime.budget(), 5 * text.size());
  return runtime.string(escape_html(text), true);
}

Value indent(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "indent", call, {"width", "first", "blank"});
  if (!input.is_string()) {
    if (input.is_undefined()) runtime.raise(input.undefined_message());
    runtime.fail("indent() takes a str, not {}", input.type_name());
  }
  const bool by_text = bound.has(0) && bound.at(0).is_string();
  const int64_t width = by_text ? 0 : bound.integer(0, 4);
  Text indention(runtime.budget());
  if (by_text)
    indention.append(bound.string(0));
  else
    indention.append(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
  const bool blank = bound.truth(2, false);
  const std::string text = std::string(input.view()) + "\n";
  runtime.budget().work(text.size());
  Text out(runtime.budget());
  bool is_first = true;
  for (const std::string_view line : split_lines(text)) {
    if (!is_first) out.append("\n");
    if (is_first ? bound.truth(1, false) : blank || !line.empty()) out.append(indention.view());
    out.append(line);
    is_first = false;
  }
  return std::move(out).finish();
}

Value center(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "center", call, {"width"});
  Arguments arguments;
  arguments.positional.emplace_back(bound.integer(0, 80));
  const Value text = soft_text(runtime, input);
  return call_method(runtime, text, "center", arguments);
}

Value truncate(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "truncate", call, {"length", "killwords", "end", "leeway"});
  Value text = soft_text(runtime, input);
  const int64_t length = bound.integer(0, 255);
  const std::string_view end = bound.has(2) ? bound.string(2) : "...";
  const int64_t leeway = bound.is_some(3) ? bound.integer(3) : 5;
  const int64_t end_length = count_characters(end);
  if (length < end_length) runtime.fail("expected length >= {}, got {}", end_length, length);
  if (leeway < 0) runtime.fail("expected leeway >= 0, got {}", leeway);
  runtime.budget().work(text.view().size());
  if (count_characters(text.view()) <= length + std::min<int64_t>(leeway, INT32_MAX)) return text;
  std::string_view kept = text.view().substr(0, character_offset(text.view(), length - end_length));
  if (!bound.truth(1, false)) kept = kept.substr(0, std::min(kept.rfind(' '), kept.size()));
  return runtime.string(std::string(kept) + std::string(end));
}

Value wordcount(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "wordcount", call, {});
  const std::string text = runtime.str(input);
  runtime.budget().work(text.size());
  int64_t words = 0;
  bool in_word = false;
  for (size_t i = 0; i < text.size(); i += sequence_length(static_cast<unsigned char>(text[i]))) {
    const char32_t c = code_point_at(text, i);
    const bool word = is_alphabetic(c) || is_numeric_char(c) || c == U'_';
    words += word && !in_word ? 1 : 0;
    in_word = word;
  }
  return words;
}

Value format(Runtime& runtime, const Value& input, Call call) {
  const Value text = soft_text(runtime, input);
  if (call.named.empty())
    return percent_format(runtime, text.view(), runtime.tuple(call.positional));
  if (!call.positional.empty())
    runtime.fail("can't handle positional and keyword arguments at the same time");
  Dict named;
  for (const auto& [name, value] : call.named) named.set(runtime.string(name), value);
  return percent_format(runtime, text.view(), runtime.dict(std::move(named)));
}

Value urlencode(Runtime& runtime, const Value& input, Call call) {
  const Bound bound(runtime, "urlencode", call, {});
  Text out(runtime.budget());
  const auto quote = [&](const Value& value, bool in_query) {
    for (const char c : runtime.str(value)) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' || c == '~' ||
                         (c == '/' && !in_query);
      if (plain)
        out.append(std::string_view(&c, 1));
      else if (c == ' ' && in_query)
        out.append("+");
      else
        out.append(fmt::format("%{:02X}", static_cast<unsigned char>(c)));
    }
  };
  if (input.dict() == nullptr) {
    quote(input, false);
    return std::move(out).finish();
  }
  for (const auto& [key, value] : input.dict()->members) {
    if (out.size() > 0) out.append("&");
    quote(key, true);
    out.append("=");
    quote(value, true);
  }
  return std::move(out).finish();
}

constexpr auto kFilters = std::to_array<NamedFilter>({
    {"capitalize", changed<to_capitalized>},
    {"center", center},
    {"e", escape},
    {"escape", escape},
    {"forceescape", force_escape},
    {"format", format},
    {"indent", indent},
    {"lower", changed<to_lower>},
    {"replace", replace_filter},
    {"safe", safe},
    {"string", string_filter},
    {"title", changed<title>},
    {"trim", trim},
    {"truncate", truncate},
    {"upper", changed<to_upper>},
    {"urlencode", urlencode},
    {"wordcount", wordcount},
});

}  // namespace

std::span<const NamedFilter> text_filters() { return kFilters; }

}  // namespace linnet::text::jinja
