// Grammars that a generated text must follow: regular expressions, GBNF, JSON schemas.
// docs/grammar.md says which syntax is supported.
#pragma once

#include <memory>
#include <string_view>

namespace linnet::text {

namespace grammar {
struct Program;
class Syntax;
}  // namespace grammar

/// Whitespace between the tokens of generated JSON.
enum class JsonWhitespace {
  none,      ///< none at all
  flexible,  ///< behind { [ , : and before } ]: nothing, one space, or one or two line breaks and
             ///< at most 40 spaces or tabs; none before or behind the whole text
};

/// A compiled grammar: immutable, a handle that is cheap to copy, for any number of threads.
///
/// Errors of all four: invalid_argument for what is not well-formed (with the position) or matches
/// no text, and for left recursion, naming the rule; unsupported, naming the construct, for what is
/// outside the supported subset, and for sources of more than 1 MiB or grammars of more than a
/// million states.
class Grammar {
 public:
  /// Of rules that were built by other means. Errors: as grammar::compile.
  explicit Grammar(const grammar::Syntax& syntax);
  /// Texts that match as a whole.
  static Grammar regex(std::string_view pattern);
  /// The language of llama.cpp's GBNF; texts that the rule "root" matches.
  static Grammar gbnf(std::string_view rules);
  /// JSON texts that a schema accepts (not necessarily all of them, but none that it does not),
  /// between two texts.
  static Grammar json_schema(std::string_view schema,
                             JsonWhitespace whitespace = JsonWhitespace::flexible,
                             std::string_view before = {}, std::string_view after = {});
  /// Any JSON object.
  static Grammar json_object(JsonWhitespace whitespace = JsonWhitespace::flexible);

  [[nodiscard]] const grammar::Program& program() const { return *program_; }

 private:
  std::shared_ptr<const grammar::Program> program_;
};

}  // namespace linnet::text
