// Regular expressions of tokenizer.json. Hugging Face's tokenizers run them with Oniguruma; here
// PCRE2 does, after a translation of what the two write or mean differently.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace linnet::text {

/// The PCRE2 spelling of an Oniguruma pattern: \s \S \w \W \d \D \h \H \v \u, `{,n}`, (?m) and long
/// property names are rewritten.
/// Errors: unsupported, naming `where` and the construct, for class intersections and nested
/// classes, \Q...\E, and verbs.
std::string translate_regex(std::string_view pattern, std::string_view where);

/// Buffers and limits of one matching thread. Not thread-safe; one may serve many regexes.
class MatchScratch {
 public:
  MatchScratch();
  ~MatchScratch();
  /// Says that a text of so many bytes comes: all matches in it together may take a number of steps
  /// that grows with its size and no faster.
  void begin(size_t text_bytes);
  MatchScratch(const MatchScratch&) = delete;
  MatchScratch& operator=(const MatchScratch&) = delete;

 private:
  friend class Regex;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct Match {
  size_t begin = 0;
  size_t end = 0;
};

/// A compiled pattern. Immutable and thread-safe.
class Regex {
 public:
  /// Errors: malformed_file, naming `where` and the pattern, if it does not compile; unsupported as
  /// translate_regex.
  Regex(std::string_view pattern, std::string where);

  /// The leftmost match at or after byte `from` of `text` (valid UTF-8, `from` at a character's
  /// start). Errors: unsupported, naming `where` and the pattern, when the step limit is passed.
  std::optional<Match> find(std::string_view text, size_t from, MatchScratch& scratch) const;

 private:
  struct Code;
  std::shared_ptr<const Code> code_;
};

}  // namespace linnet::text
