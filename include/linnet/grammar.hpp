// Texts of a given form: what a generation may say, token by token.
#pragma once

#include <memory>
#include <string_view>

namespace linnet {

/// Whitespace in generated JSON.
enum class JsonWhitespace {
  none,      ///< none at all
  flexible,  ///< behind { [ , : and before } ]: nothing, one space, or a line break or two and at
             ///< most 40 spaces
};

/// A form that a text must have, for GenerateOptions::grammar: tokens that no text of that form can
/// go on with are not chosen, and the text ends only where the form is complete (unless max_tokens
/// or a stop string ends it before). docs/grammar.md says what is supported. An immutable handle,
/// cheap to copy, for any number of threads and models.
///
/// Errors of all: invalid_argument for what is not well-formed (with the position) or matches no
/// text; unsupported, by name, for what is outside the supported subset, and for what is too large.
class Grammar {
 public:
  struct State;  ///< opaque

  /// Any text.
  Grammar() = default;
  /// Texts that match as a whole.
  static Grammar regex(std::string_view pattern);
  /// llama.cpp's GBNF; texts that the rule "root" matches.
  static Grammar gbnf(std::string_view rules);
  /// JSON that a schema accepts, between two texts that stand there as they are.
  static Grammar json_schema(std::string_view schema,
                             JsonWhitespace whitespace = JsonWhitespace::flexible,
                             std::string_view before = {}, std::string_view after = {});
  /// Any JSON object.
  static Grammar json(JsonWhitespace whitespace = JsonWhitespace::flexible);

  /// Whether it says anything.
  explicit operator bool() const noexcept { return state_ != nullptr; }
  /// What it was made of: kind, options, and the text that was given. Equal ones are equal forms.
  [[nodiscard]] std::string_view source() const noexcept;

 private:
  friend class GrammarCache;
  std::shared_ptr<const State> state_;
};

}  // namespace linnet
