// The "pre_tokenizer" of tokenizer.json: cuts normalised text into the pieces that BPE works on one
// by one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "text/pattern.hpp"
#include "text/regex.hpp"

namespace linnet::text {

/// Where pieces go.
class PieceSink {
 public:
  virtual ~PieceSink() = default;
  /// `piece` is not empty and valid during the call only.
  virtual void piece(std::string_view piece) = 0;
};

/// What becomes of the matches of a Split (tokenizer.json's "behavior").
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// Split, ByteLevel, Metaspace, Digits, Punctuation, Whitespace, WhitespaceSplit,
/// CharDelimiterSplit, BertPreTokenizer and Sequences of them. Pieces go down the sequence one at a
/// time, so memory does not grow with the text. Immutable and thread-safe.
class PreTokenizer {
 public:
  /// Nothing leaves text whole. Errors: unsupported for another type, malformed_file.
  static PreTokenizer parse(const std::optional<Json>& entry);

  /// Whether the sequence ends in ByteLevel, whose spelling of bytes as characters is then left to
  /// the receiver of the pieces: they are plain text that stands for its bytes.
  [[nodiscard]] bool emits_bytes() const { return emits_bytes_; }

  /// Cuts `text` (valid UTF-8). `at_start`: whether it begins where the whole input does
  /// (Metaspace's prepend_scheme "first"). Errors: unsupported when a regex passes its step limit.
  void run(std::string_view text, bool at_start, MatchScratch& scratch, PieceSink& sink) const;

 private:
  struct Split {
    Pattern pattern;
    SplitBehavior behavior;
    bool invert;
  };
  struct ByteLevel {
    bool add_prefix_space;
    std::optional<Pattern> regex;
    bool spell = true;  // false for the last of all
  };
  enum class Prepend { always, first, never };
  struct Metaspace {
    std::string replacement;
    Prepend prepend;
    bool split;
  };
  enum class CharKind { whitespace, numeric, punctuation, delimiter };
  struct CharSplit {
    CharKind kind;
    SplitBehavior behavior;
    char32_t delimiter = 0;
  };
  struct Words {};  // \w+|[^\w\s]+
  using Step = std::variant<Split, ByteLevel, Metaspace, CharSplit, Words>;
  struct Run;

  void add(const Json& entry);

  std::vector<Step> steps_;
  bool emits_bytes_ = false;
};

}  // namespace linnet::text
