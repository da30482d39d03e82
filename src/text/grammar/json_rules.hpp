// The rules of JSON texts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/grammar/grammar.hpp"
#include "text/grammar/regex_parser.hpp"
#include "text/grammar/syntax.hpp"

namespace linnet::text::grammar {

/// Characters as they stand inside a JSON string: those that must be escaped in their shortest
/// escape, the others as they are.
class JsonAlphabet : public Alphabet {
 public:
  NodeId one_of(Syntax& syntax, const CodePoints& set) const override;
  void append(char32_t c, std::string& text) const override;
  /// The characters that need no escape.
  static const CodePoints& plain();
};

/// A string as a JSON text, quotes round it (valid UTF-8).
std::string json_quoted(std::string_view text);

/// Rules that are added to a syntax when they are first asked for.
class JsonRules {
 public:
  JsonRules(Syntax& syntax, JsonWhitespace whitespace) : syntax_(syntax), whitespace_(whitespace) {}

  NodeId space();      ///< what may stand behind { [ , : and before } ]
  NodeId character();  ///< one character of a string, plain or escaped in any way
  NodeId string();
  NodeId integer();
  NodeId number();
  NodeId boolean();
  NodeId null();
  NodeId value();
  NodeId object();  ///< any
  NodeId array();   ///< any

  /// {m,n} items in brackets, separated by commas.
  NodeId array_of(NodeId item, uint32_t min, uint32_t max);
  /// `key` (with its quotes), colon, value.
  NodeId member(NodeId key, NodeId value);
  NodeId comma() { return syntax_.sequence({syntax_.literal(","), space()}); }

 private:
  template <class Body>
  NodeId once(std::optional<RuleId>& rule, const char* name, const Body& body) {
    if (!rule) {
      rule = syntax_.rule(name);
      const NodeId node = body();
      syntax_.define(*rule, node);
    }
    return syntax_.call(*rule);
  }

  Syntax& syntax_;
  JsonWhitespace whitespace_;
  std::optional<RuleId> space_, character_, string_, integer_, number_, value_, object_, array_;
};

}  // namespace linnet::text::grammar
