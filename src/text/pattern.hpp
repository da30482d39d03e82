// The {"String": ...} or {"Regex": ...} pattern of a tokenizer.json entry.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "text/regex.hpp"
#include "text/stand_in.hpp"

namespace linnet::text {

/// What a Split or Replace looks for. Immutable and thread-safe.
class Pattern {
 public:
  /// From the entry's "pattern" object. Errors: malformed_file, unsupported, naming it.
  static Pattern parse(const Json& pattern);
  static Pattern literal(std::string text) { return Pattern(std::move(text), std::nullopt); }
  /// Errors: as Regex's constructor.
  static Pattern regex(std::string_view pattern, std::string where) {
    return {"", Regex(pattern, std::move(where))};
  }

  /// The text of a literal pattern that is not empty; nothing for a regex.
  [[nodiscard]] const std::string* as_literal() const { return regex_ ? nullptr : &literal_; }

  /// Walks over the successive matches as Oniguruma's find_iter does: none overlap, and an empty
  /// match right after a match is passed over. Not thread-safe.
  class Finder {
   public:
    Finder(const Pattern& pattern, std::string_view text, MatchScratch& scratch)
        : pattern_(pattern), text_(text), scratch_(scratch) {
      if (pattern.regex_ && put_stand_ins(text, with_stand_ins_)) text_ = with_stand_ins_;
    }
    Finder(const Finder&) = delete;
    Finder& operator=(const Finder&) = delete;
    std::optional<Match> next();

   private:
    const Pattern& pattern_;
    std::string_view text_;
    MatchScratch& scratch_;
    size_t from_ = 0;
    std::optional<size_t> last_end_;
    std::string with_stand_ins_;  // what the regex looks at instead; positions are the same
  };

  /// Appends `text` with every match replaced by `content` as it stands. Errors: unsupported if
  /// `out` then has more than `limit` bytes.
  void replace_all(std::string_view text, std::string_view content, MatchScratch& scratch,
                   std::string& out, size_t limit) const;

 private:
  Pattern(std::string literal, std::optional<Regex> regex)
      : literal_(std::move(literal)), regex_(std::move(regex)) {}

  std::string literal_;
  std::optional<Regex> regex_;
};

}  // namespace linnet::text
