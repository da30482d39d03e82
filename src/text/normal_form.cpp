#include "text/normal_form.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/error.hpp"
#include "text/normal_form_tables.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

// The first younger character; texts in older scripts skip the search.
constexpr char32_t kFirstYounger = 0x7FD;

bool is_younger(char32_t c) { return c >= kFirstYounger && contains(kYounger, c); }

// utf8proc takes U+11A7 for a Hangul final when it composes. It is none, and joins nothing.
constexpr char32_t kNoHangulFinal = 0x11A7;

// Whether text may be cut before `c` and each side put into the form by itself.
bool cut_before(char32_t c, NormalForm form) {
  if (form != NormalForm::nfc) return c < 0x80 || c == kNoHangulFinal || is_younger(c);
  return c < 0x300 || !contains(kJoining, c);
}

void decompose(std::string_view text, bool compatible, std::vector<utf8proc_int32_t>& out) {
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
                                                      (compatible ? UTF8PROC_COMPAT : 0));
  for (size_t at = 0; at < text.size();) {
    const char32_t c = code_point_at(text, at);
    at += sequence_length(static_cast<unsigned char>(text[at]));
    if (is_younger(c)) {
      out.push_back(static_cast<utf8proc_int32_t>(c));
      continue;
    }
    utf8proc_int32_t parts[32];  // the longest full decomposition in Unicode has 18
    int bound_class = 0;
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts,
                                               std::size(parts), options, &bound_class);
    if (count < 0 || count > std::ssize(parts))
      fail(ErrorCode::internal, "U+{:04X} has no decomposition", static_cast<uint32_t>(c));
    out.insert(out.end(), parts, parts + count);
  }
}

void order_marks(std::vector<utf8proc_int32_t>& points) {
  const auto mark_class = [](utf8proc_int32_t c) {
    if (c < 0x300 || is_younger(static_cast<char32_t>(c))) return 0;
    return int{utf8proc_get_property(c)->combining_class};
  };
  for (size_t begin = 0; begin < points.size();) {
    if (mark_class(points[begin]) == 0) {
      ++begin;
      continue;
    }
    size_t end = begin + 1;
    while (end < points.size() && mark_class(points[end]) != 0) ++end;
    std::stable_sort(points.begin() + static_cast<std::ptrdiff_t>(begin),
                     points.begin() + static_cast<std::ptrdiff_t>(end),
                     [&](auto a, auto b) { return mark_class(a) < mark_class(b); });
    begin = end;
  }
}

void append_stretch(std::string_view text, NormalForm form, std::vector<utf8proc_int32_t>& points,
                    std::string& out) {
  const bool compatible = form == NormalForm::nfkc || form == NormalForm::nfkd;
  points.clear();
  decompose(text, compatible, points);
  order_marks(points);
  if (form == NormalForm::nfc || form == NormalForm::nfkc) {
    const auto size = utf8proc_normalize_utf32(
        points.data(), std::ssize(points),
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    if (size < 0) fail(ErrorCode::internal, "composing {} code points failed", points.size());
    points.resize(static_cast<size_t>(size));
  }
  for (const auto c : points) append_utf8(static_cast<char32_t>(c), out);
}

}  // namespace

std::string to_normal_form(std::string_view text, NormalForm form) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  std::vector<utf8proc_int32_t> points;
  size_t copied = 0;  // text[0, copied) is in `out`
  size_t cut = 0;     // the last place before `at` where text may be cut
  for (size_t at = 0; at < text.size();) {
    const char32_t c = code_point_at(text, at);
    const size_t size = sequence_length(static_cast<unsigned char>(text[at]));
    if (cut_before(c, form)) {
      cut = at;
      at += size;
      continue;
    }
    // `c` may change or attach to what stands before it: rework from the last cut to the next.
    size_t end = at + size;
    while (end < text.size()) {
      const char32_t next = code_point_at(text, end);
      if (cut_before(next, form)) break;
      end += sequence_length(static_cast<unsigned char>(text[end]));
    }
    const size_t begin = std::max(cut, copied);
    out.append(text.substr(copied, begin - copied));
    append_stretch(text.substr(begin, end - begin), form, points, out);
    copied = cut = at = end;
  }
  out.append(text.substr(copied));
  return out;
}

}  // namespace linnet::text
