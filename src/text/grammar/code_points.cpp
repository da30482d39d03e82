#include "text/grammar/code_points.hpp"

#include <algorithm>
#include <cstddef>
#include <map>

#include "text/unicode.hpp"

namespace linnet::text::grammar {
namespace {

constexpr char32_t kLast = 0x10FFFF;

struct ByteRange {
  unsigned char first;
  unsigned char last;
  auto operator<=>(const ByteRange&) const = default;
};
using ByteRanges = std::vector<ByteRange>;

std::string utf8(char32_t c) {
  std::string result;
  append_utf8(c, result);
  return result;
}

// Appends the sequences of one range, whose ends have UTF-8 of one length: `from` and `to` agree in
// the bytes before `at`. A range is cut until all bytes behind the first that differs run over
// 80..BF.
void append_range(const std::string& from, const std::string& to, size_t at, ByteRanges prefix,
                  std::vector<ByteRanges>& out) {
  const auto byte = [](const std::string& s, size_t i) { return static_cast<unsigned char>(s[i]); };
  const size_t size = from.size();
  while (at < size && from[at] == to[at]) {
    prefix.push_back({byte(from, at), byte(from, at)});
    ++at;
  }
  if (at == size) {
    out.push_back(std::move(prefix));
    return;
  }
  const auto tail_is = [&](const std::string& s, unsigned char value) {
    for (size_t i = at + 1; i < size; ++i)
      if (byte(s, i) != value) return false;
    return true;
  };
  unsigned char first = byte(from, at);
  unsigned char last = byte(to, at);
  const auto with_tail = [&](const std::string& s, char value) {
    std::string result = s.substr(0, at + 1);
    result.resize(size, value);
    return result;
  };
  const bool low = !tail_is(from, 0x80);
  const bool high = !tail_is(to, 0xBF);
  if (low) {
    append_range(from, with_tail(from, '\xBF'), at, prefix, out);
    ++first;
  }
  if (high) --last;
  if (first <= last) {
    ByteRanges whole = prefix;
    whole.push_back({first, last});
    whole.resize(size, {0x80, 0xBF});
    out.push_back(std::move(whole));
  }
  if (high) append_range(with_tail(to, '\x80'), to, at, prefix, out);
}

}  // namespace

// In place, so that a class of thousands of characters is no work.
void CodePoints::insert(Range range) {
  auto begin =
      std::ranges::lower_bound(ranges_, range.first, {}, [](const Range& r) { return r.last + 1; });
  auto end = begin;
  for (; end != ranges_.end() && end->first <= range.last + 1; ++end) {
    range.first = std::min(range.first, end->first);
    range.last = std::max(range.last, end->last);
  }
  if (begin == end) {
    ranges_.insert(begin, range);
  } else {
    *begin = range;
    ranges_.erase(begin + 1, end);
  }
}

CodePoints& CodePoints::add(char32_t first, char32_t last) {
  last = std::min(last, kLast);
  if (first > last) return *this;
  if (first < 0xD800) insert({first, std::min<char32_t>(last, 0xD7FF)});
  if (last > 0xDFFF) insert({std::max<char32_t>(first, 0xE000), last});
  return *this;
}

CodePoints& CodePoints::add(const CodePoints& other) {
  for (const Range& r : other.ranges_) insert(r);
  return *this;
}

CodePoints CodePoints::complement() const {
  CodePoints result;
  char32_t next = 0;
  const auto gap = [&](char32_t first, char32_t last) {  // without surrogates
    if (first < 0xD800) result.ranges_.push_back({first, std::min<char32_t>(last, 0xD7FF)});
    if (last > 0xDFFF) result.ranges_.push_back({std::max<char32_t>(first, 0xE000), last});
  };
  for (const Range& r : ranges_) {
    if (r.first > next) gap(next, r.first - 1);
    next = r.last + 1;
  }
  if (next <= kLast) gap(next, kLast);
  return result;
}

CodePoints CodePoints::intersect(const CodePoints& other) const {
  CodePoints result;
  size_t a = 0;
  size_t b = 0;
  while (a < ranges_.size() && b < other.ranges_.size()) {
    const Range& x = ranges_[a];
    const Range& y = other.ranges_[b];
    const char32_t first = std::max(x.first, y.first);
    const char32_t last = std::min(x.last, y.last);
    if (first <= last) result.ranges_.push_back({first, last});
    x.last < y.last ? ++a : ++b;
  }
  return result;
}

bool CodePoints::contains(char32_t c) const {
  return std::ranges::any_of(ranges_, [&](const Range& r) { return r.first <= c && c <= r.last; });
}

CodePoints CodePoints::all() { return CodePoints().add(0, kLast); }

std::vector<std::vector<ByteSet>> utf8_sequences(const CodePoints& set) {
  std::vector<ByteRanges> sequences;
  constexpr std::array<char32_t, 4> kLargest{0x7F, 0x7FF, 0xFFFF, kLast};
  for (const CodePoints::Range& range : set.ranges()) {
    char32_t first = range.first;
    for (const char32_t largest : kLargest) {
      if (first > largest || first > range.last) continue;
      const char32_t last = std::min(range.last, largest);
      append_range(utf8(first), utf8(last), 0, {}, sequences);
      first = last + 1;
    }
  }
  // One sequence for all first bytes that are followed by the same.
  std::map<ByteRanges, ByteSet> by_tail;
  for (const ByteRanges& sequence : sequences) {
    ByteSet& lead = by_tail[ByteRanges(sequence.begin() + 1, sequence.end())];
    for (unsigned b = sequence.front().first; b <= sequence.front().last; ++b) lead.set(b);
  }
  std::vector<std::vector<ByteSet>> result;
  for (const auto& [tail, lead] : by_tail) {
    std::vector<ByteSet> sequence{lead};
    for (const ByteRange& r : tail) {
      ByteSet bytes;
      for (unsigned b = r.first; b <= r.last; ++b) bytes.set(b);
      sequence.push_back(bytes);
    }
    result.push_back(std::move(sequence));
  }
  return result;
}

bool read_utf8(std::string_view text, size_t& at, char32_t& c) {
  if (at >= text.size()) return false;
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead >= 0x80 && (lead < 0xC2 || lead > 0xF4)) return false;
  const size_t size = sequence_length(lead);
  if (size > text.size() - at || !is_valid_utf8(text.substr(at, size))) return false;
  c = code_point_at(text, at);
  at += size;
  return true;
}

}  // namespace linnet::text::grammar
