// Sets of characters, and of bytes.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace linnet::text::grammar {

using ByteSet = std::bitset<256>;

/// A set of Unicode scalar values (code points without the surrogates), as sorted ranges.
class CodePoints {
 public:
  struct Range {
    char32_t first = 0;
    char32_t last = 0;
    bool operator==(const Range&) const = default;
  };

  CodePoints() = default;
  /// Adds a range, both ends in it; surrogates and values past U+10FFFF are left out.
  CodePoints& add(char32_t first, char32_t last);
  CodePoints& add(char32_t c) { return add(c, c); }
  CodePoints& add(const CodePoints& other);
  /// All scalar values that are not in this set.
  [[nodiscard]] CodePoints complement() const;
  [[nodiscard]] CodePoints intersect(const CodePoints& other) const;
  [[nodiscard]] CodePoints without(const CodePoints& other) const {
    return intersect(other.complement());
  }
  [[nodiscard]] bool contains(char32_t c) const;
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] const std::vector<Range>& ranges() const { return ranges_; }
  bool operator==(const CodePoints&) const = default;

  static CodePoints all();

 private:
  void insert(Range range);
  std::vector<Range> ranges_;  // sorted, apart from each other
};

/// The UTF-8 of a set: any of these sequences of byte sets. Sequences whose ends agree are one.
std::vector<std::vector<ByteSet>> utf8_sequences(const CodePoints& set);

/// Reads one character of `text` at `at`, which is moved behind it; false for bytes that are not
/// UTF-8.
bool read_utf8(std::string_view text, size_t& at, char32_t& c);

}  // namespace linnet::text::grammar
