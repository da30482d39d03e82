// Code points that the normal forms treat apart; make_normal_form_tables.py says how they are
// found.
#pragma once

#include <algorithm>
#include <span>

namespace linnet::text {

struct CodeRange {
  char32_t low;
  char32_t high;  // inclusive
};

/// Characters that Hugging Face's tables (Unicode 9.0) do not know. Sorted.
extern const std::span<const CodeRange> kYounger;
/// Characters before which text may not be cut for NFC. Sorted.
extern const std::span<const CodeRange> kJoining;

/// Whether a sorted list of ranges has `c`.
inline bool contains(std::span<const CodeRange> ranges, char32_t c) {
  const auto range = std::ranges::lower_bound(ranges, c, {}, &CodeRange::high);
  return range != ranges.end() && c >= range->low;
}

}  // namespace linnet::text
