// Regular expressions as syntax.
#pragma once

#include <string>
#include <string_view>

#include "text/grammar/syntax.hpp"

namespace linnet::text::grammar {

/// How the characters that a pattern matches are written in the text.
class Alphabet {
 public:
  virtual ~Alphabet() = default;
  /// One character of a set.
  virtual NodeId one_of(Syntax& syntax, const CodePoints& set) const {
    return syntax.characters(set);
  }
  /// Appends one character.
  virtual void append(char32_t c, std::string& text) const;
};

/// Texts that match as a whole, or, with `search`, texts that contain a match (unless the pattern
/// says ^ or $). `what` starts every message. Errors: as Grammar::regex.
NodeId parse_regex(Syntax& syntax, std::string_view pattern, const std::string& what,
                   const Alphabet& alphabet = Alphabet(), bool search = false);

}  // namespace linnet::text::grammar
