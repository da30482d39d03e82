// The "normalizer" of tokenizer.json: rewrites text before it is cut into pieces.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "text/normal_form.hpp"
#include "text/pattern.hpp"

namespace linnet::text {

/// NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, ByteLevel and Sequences
/// of them. Immutable and thread-safe.
class Normalizer {
 public:
  /// Nothing normalises nothing. Errors: unsupported for another type and more than 1024 steps,
  /// malformed_file.
  static Normalizer parse(const std::optional<Json>& entry);

  [[nodiscard]] bool empty() const { return steps_.empty(); }

  /// The rewritten text (valid UTF-8 in and out). `at_start` becomes false if the text's first
  /// character was removed, so that the result no longer begins where the input did. Errors:
  /// unsupported if steps make a text of it that is more than 64 times as long (and 64 KiB), or a
  /// regex passes its step limit.
  std::string apply(std::string_view text, bool& at_start, MatchScratch& scratch) const;

 private:
  struct Lowercase {};
  struct StripAccents {};
  struct ByteLevel {};
  struct Strip {
    bool left = true;
    bool right = true;
  };
  struct Replace {
    Pattern pattern;
    std::string content;
  };
  struct Prepend {
    std::string text;
  };
  using Step =
      std::variant<NormalForm, Lowercase, StripAccents, ByteLevel, Strip, Replace, Prepend>;

  void add(const Json& entry);
  static std::string run(const Step& step, std::string_view text, bool& at_start,
                         MatchScratch& scratch, size_t limit);

  std::vector<Step> steps_;
};

}  // namespace linnet::text
