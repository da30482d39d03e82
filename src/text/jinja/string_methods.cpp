// str's methods. Positions count code points outside and bytes inside.
#include <algorithm>
#include <array>

#include "text/jinja/arguments.hpp"
#include "text/jinja/format.hpp"
#include "text/jinja/methods.hpp"
#include "text/jinja/operators.hpp"
#include "text/jinja/python_text.hpp"
#include "text/unicode.hpp"

namespace linnet::text::jinja {
namespace {

using Call = const Arguments&;

constexpr size_t kNotFound = std::string_view::npos;

Value strings(Runtime& runtime, const std::vector<std::string_view>& pieces) {
  const Charge charge(&runtime.budget(), pieces.size() * sizeof(std::string_view));
  std::vector<Value> items;
  for (const std::string_view piece : pieces) items.push_back(runtime.string(piece));
  return runtime.list(std::move(items));
}

template <std::string (*change)(std::string_view)>
Value changed(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "a string's method", call, {});
  runtime.budget().work(4 * self.view().size());
  return runtime.string(change(self.view()));
}

template <Side side>
Value stripped(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "strip", call, {"chars"});
  std::optional<std::string_view> chars;
  if (bound.is_some(0)) chars = bound.string(0);
  runtime.budget().work(self.view().size() + (chars ? chars->size() : 0));
  return runtime.string(strip(self.view(), side, chars));
}

Value split(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "split", call, {"sep", "maxsplit"});
  const std::string_view text = self.view();
  const int64_t most = bound.integer(1, -1);
  runtime.budget().work(text.size());
  if (!bound.is_some(0)) return strings(runtime, split_words(text, most));
  const std::string_view separator = bound.string(0);
  if (separator.empty()) runtime.fail("empty separator");
  std::vector<std::string_view> pieces;
  size_t start = 0;
  while (most < 0 || static_cast<int64_t>(pieces.size()) < most) {
    const size_t at = find_text(runtime, text, separator, start);
    if (at == kNotFound) break;
    pieces.push_back(text.substr(start, at - start));
    start = at + separator.size();
  }
  pieces.push_back(text.substr(start));
  return strings(runtime, pieces);
}

Value rsplit(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "rsplit", call, {"sep", "maxsplit"});
  const std::string_view text = self.view();
  const int64_t most = bound.integer(1, -1);
  runtime.budget().work(text.size());
  if (!bound.is_some(0)) return strings(runtime, rsplit_words(text, most));
  const std::string_view separator = bound.string(0);
  if (separator.empty()) runtime.fail("empty separator");
  std::vector<std::string_view> pieces;
  size_t end = text.size();
  while (most < 0 || static_cast<int64_t>(pieces.size()) < most) {
    const size_t at = rfind_text(runtime, text, separator, end);
    if (at == kNotFound) break;
    pieces.push_back(text.substr(at + separator.size(), end - at - separator.size()));
    end = at;
  }
  pieces.push_back(text.substr(0, end));
  std::reverse(pieces.begin(), pieces.end());
  return strings(runtime, pieces);
}

Value splitlines(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "splitlines", call, {"keepends"});
  runtime.budget().work(self.view().size());
  return strings(runtime, split_lines(self.view(), bound.truth(0, false)));
}

template <bool from_left>
Value partition(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "partition", call, {"sep"});
  const std::string_view text = self.view();
  const std::string_view separator = bound.string(0);
  if (separator.empty()) runtime.fail("empty separator");
  const size_t at =
      from_left ? find_text(runtime, text, separator) : rfind_text(runtime, text, separator);
  if (at == kNotFound) {
    if (from_left) return runtime.tuple({self, runtime.string(""), runtime.string("")});
    return runtime.tuple({runtime.string(""), runtime.string(""), self});
  }
  return runtime.tuple({runtime.string(text.substr(0, at)), runtime.string(separator),
                        runtime.string(text.substr(at + separator.size()))});
}

// The part of the string that optional start and end positions leave; nothing if start lies behind
// the end of the string.
struct Part {
  std::string_view text;
  int64_t start = 0;  // in code points
};
std::optional<Part> part(Runtime& runtime, std::string_view text, const Bound& bound,
                         size_t first) {
  runtime.budget().work(text.size());
  if (!bound.is_some(first) && !bound.is_some(first + 1)) return Part{.text = text};
  const int64_t size = count_characters(text);
  int64_t start = bound.is_some(first) ? bound.integer(first) : 0;
  int64_t end = bound.is_some(first + 1) ? bound.integer(first + 1) : size;
  if (start < 0) start = std::max<int64_t>(start + size, 0);
  if (end < 0) end = std::max<int64_t>(end + size, 0);
  end = std::min(end, size);
  if (start > end) return std::nullopt;
  const size_t from = character_offset(text, start);
  return Part{.text = text.substr(from, character_offset(text.substr(from), end - start)),
              .start = start};
}

template <bool from_left, bool must_be>
Value find(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "find", call, {"sub", "start", "end"});
  const auto piece = part(runtime, self.view(), bound, 1);
  size_t at = kNotFound;
  if (piece)
    at = from_left ? find_text(runtime, piece->text, bound.string(0))
                   : rfind_text(runtime, piece->text, bound.string(0));
  if (at != kNotFound) return piece->start + count_characters(piece->text.substr(0, at));
  if (must_be) runtime.fail("substring not found");
  return int64_t{-1};
}

Value count(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "count", call, {"sub", "start", "end"});
  const auto piece = part(runtime, self.view(), bound, 1);
  const std::string_view wanted = bound.string(0);
  if (!piece) return int64_t{0};
  if (wanted.empty()) return count_characters(piece->text) + 1;
  int64_t found = 0;
  for (size_t at = find_text(runtime, piece->text, wanted); at != kNotFound;
       at = find_text(runtime, piece->text, wanted, at + wanted.size()))
    ++found;
  return found;
}

template <bool at_start>
Value has_affix(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, at_start ? "startswith" : "endswith", call, {"affix", "start", "end"});
  const auto piece = part(runtime, self.view(), bound, 1);
  const auto matches = [&](const Value& affix) {
    if (!affix.is_string())
      runtime.fail("{} first arg must be str or a tuple of str, not {}",
                   at_start ? "startswith" : "endswith", affix.type_name());
    if (!piece) return false;
    return at_start ? piece->text.starts_with(affix.view()) : piece->text.ends_with(affix.view());
  };
  const Value& affix = bound.at(0);
  const Sequence* tuple = affix.sequence();
  if (tuple != nullptr && tuple->kind == SequenceKind::tuple)
    return std::any_of(tuple->items.begin(), tuple->items.end(), matches);
  return matches(affix);
}

template <bool at_start>
Value remove_affix(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "removeprefix", call, {"affix"});
  std::string_view text = self.view();
  const std::string_view affix = bound.string(0);
  if (at_start && text.starts_with(affix)) text.remove_prefix(affix.size());
  if (!at_start && text.ends_with(affix)) text.remove_suffix(affix.size());
  return runtime.string(text);
}

Value replace_method(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "replace", call, {"old", "new", "count"});
  return replace(runtime, self.view(), bound.string(0), bound.string(1), bound.integer(2, -1));
}

Value join(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "join", call, {"iterable"});
  Text text(runtime.budget());
  size_t i = 0;
  if (bound.at(0).is_undefined()) return runtime.string("");
  for (const Value& item : runtime.iterate(bound.at(0))) {
    if (!item.is_string())
      runtime.fail("sequence item {}: expected str instance, {} found", i, item.type_name());
    if (i++ > 0) text.append(self.view());
    text.append(item.view());
  }
  return std::move(text).finish();
}

// center, ljust, rjust: < 0 pads on the right, > 0 on the left, 0 on both sides.
template <int where>
Value justified(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "center", call, {"width", "fillchar"});
  const int64_t width = bound.integer(0);
  const std::string_view fill = bound.has(1) ? bound.string(1) : " ";
  if (count_characters(fill) != 1)
    runtime.fail("The fill character must be exactly one character long");
  const int64_t space = width - count_characters(self.view());
  if (space <= 0) return self;
  const int64_t left = where < 0 ? 0 : where > 0 ? space : space / 2 + (space & width & 1);
  Text text(runtime.budget());
  for (int64_t i = 0; i < left; ++i) text.append(fill);
  text.append(self.view());
  for (int64_t i = left; i < space; ++i) text.append(fill);
  return std::move(text).finish();
}

Value zfill(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "zfill", call, {"width"});
  std::string_view text = self.view();
  const int64_t space = bound.integer(0) - count_characters(text);
  if (space <= 0) return self;
  Text out(runtime.budget());
  if (text.starts_with('-') || text.starts_with('+')) {
    out.append(text.substr(0, 1));
    text.remove_prefix(1);
  }
  out.append(static_cast<size_t>(space), '0');
  out.append(text);
  return std::move(out).finish();
}

Value expandtabs(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "expandtabs", call, {"tabsize"});
  const int64_t size = bound.integer(0, 8);
  Text out(runtime.budget());
  int64_t column = 0;
  for (const std::string_view c : characters(self.view())) {
    if (c == "\t") {
      const int64_t spaces = size > 0 ? size - column % size : 0;
      out.append(static_cast<size_t>(spaces), ' ');
      column += spaces;
    } else {
      column = c == "\n" || c == "\r" ? 0 : column + 1;
      out.append(c);
    }
  }
  return std::move(out).finish();
}

template <bool (*is)(char32_t)>
Value all_are(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "isspace", call, {});
  const std::string_view text = self.view();
  runtime.budget().work(text.size());
  for (size_t i = 0; i < text.size(); i += sequence_length(static_cast<unsigned char>(text[i])))
    if (!is(code_point_at(text, i))) return false;
  return !text.empty();
}

bool is_alphanumeric(char32_t c) { return is_alphabetic(c) || is_numeric_char(c); }
bool is_ascii(char32_t c) { return c < 0x80; }

Value isascii(Runtime& runtime, const Value& self, Call call) {
  return self.view().empty() ? Value(true) : all_are<is_ascii>(runtime, self, call);
}
Value isprintable(Runtime& runtime, const Value& self, Call call) {
  return self.view().empty() ? Value(true) : all_are<is_printable>(runtime, self, call);
}

// At least one cased character, and none of the other case.
template <bool upper>
Value has_case(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "islower", call, {});
  const std::string_view text = self.view();
  runtime.budget().work(text.size());
  bool found = false;
  for (size_t i = 0; i < text.size(); i += sequence_length(static_cast<unsigned char>(text[i]))) {
    const char32_t c = code_point_at(text, i);
    if ((upper ? is_lower_char(c) : is_upper_char(c)) || is_title_char(c)) return false;
    found = found || (upper ? is_upper_char(c) : is_lower_char(c));
  }
  return found;
}

Value istitle(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "istitle", call, {});
  const std::string_view text = self.view();
  bool found = false;
  bool in_word = false;
  for (size_t i = 0; i < text.size(); i += sequence_length(static_cast<unsigned char>(text[i]))) {
    const char32_t c = code_point_at(text, i);
    const bool upper = is_upper_char(c) || is_title_char(c);
    const bool lower = is_lower_char(c);
    if ((upper && in_word) || (lower && !in_word)) return false;
    in_word = upper || lower;
    found = found || in_word;
  }
  return found;
}

Value format_method(Runtime& runtime, const Value& self, Call call) {
  return brace_format(runtime, self.view(), call);
}

Value format_map(Runtime& runtime, const Value& self, Call call) {
  const Bound bound(runtime, "format_map", call, {"mapping"});
  if (bound.at(0).dict() == nullptr) runtime.fail("format_map() takes a dict");
  Arguments arguments;
  for (const auto& [key, value] : bound.at(0).dict()->members)
    if (key.is_string()) arguments.named.emplace_back(key.view(), value);
  return brace_format(runtime, self.view(), arguments);
}

struct Entry {
  std::string_view name;
  StringMethod method;
};

constexpr auto kMethods = std::to_array<Entry>({
    {"strip", stripped<Side::both>},
    {"lstrip", stripped<Side::left>},
    {"rstrip", stripped<Side::right>},
    {"split", split},
    {"rsplit", rsplit},
    {"splitlines", splitlines},
    {"partition", partition<true>},
    {"rpartition", partition<false>},
    {"startswith", has_affix<true>},
    {"endswith", has_affix<false>},
    {"removeprefix", remove_affix<true>},
    {"removesuffix", remove_affix<false>},
    {"replace", replace_method},
    {"join", join},
    {"find", find<true, false>},
    {"rfind", find<false, false>},
    {"index", find<true, true>},
    {"rindex", find<false, true>},
    {"count", count},
    {"upper", changed<to_upper>},
    {"lower", changed<to_lower>},
    {"casefold", changed<to_lower>},
    {"title", changed<to_title>},
    {"capitalize", changed<to_capitalized>},
    {"swapcase", changed<to_swapped_case>},
    {"center", justified<0>},
    {"ljust", justified<-1>},
    {"rjust", justified<1>},
    {"zfill", zfill},
    {"expandtabs", expandtabs},
    {"isspace", all_are<is_space>},
    {"isalpha", all_are<is_alphabetic>},
    {"isalnum", all_are<is_alphanumeric>},
    {"isdigit", all_are<is_digit>},
    {"isdecimal", all_are<is_decimal>},
    {"isnumeric", all_are<is_numeric_char>},
    {"isascii", isascii},
    {"isprintable", isprintable},
    {"islower", has_case<false>},
    {"isupper", has_case<true>},
    {"istitle", istitle},
    {"format", format_method},
    {"format_map", format_map},
});

}  // namespace

StringMethod find_string_method(std::string_view name) {
  const auto* const found = std::find_if(kMethods.begin(), kMethods.end(),
                                         [&](const Entry& e) { return e.name == name; });
  return found != kMethods.end() ? found->method : nullptr;
}

Value replace(Runtime& runtime, std::string_view text, std::string_view from, std::string_view to,
              int64_t count) {
  Text out(runtime.budget());
  if (from.empty()) {  // between all characters, and at both ends
    int64_t done = 0;
    for (size_t at = 0; at < text.size();) {
      if (count < 0 || done++ < count) out.append(to);
      const size_t size = sequence_length(static_cast<unsigned char>(text[at]));
      out.append(text.substr(at, size));
      at += size;
    }
    if (count < 0 || done < count) out.append(to);
    return std::move(out).finish();
  }
  size_t start = 0;
  for (int64_t done = 0; count < 0 || done < count; ++done) {
    const size_t at = find_text(runtime, text, from, start);
    if (at == kNotFound) break;
    out.append(text.substr(start, at - start));
    out.append(to);
    start = at + from.size();
  }
  out.append(text.substr(start));
  return std::move(out).finish();
}

}  // namespace linnet::text::jinja
