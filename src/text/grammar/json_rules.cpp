#include "text/grammar/json_rules.hpp"

#include <fmt/format.h>

#include <vector>

#include "text/unicode.hpp"

namespace linnet::text::grammar {

const CodePoints& JsonAlphabet::plain() {
  static const CodePoints set = CodePoints().add(0, 0x1F).add('"').add('\\').complement();
  return set;
}

NodeId JsonAlphabet::one_of(Syntax& syntax, const CodePoints& set) const {
  std::vector<NodeId> choices;
  const CodePoints as_is = set.intersect(plain());
  if (!as_is.empty()) choices.push_back(syntax.characters(as_is));
  const CodePoints escaped = set.without(plain());
  for (const CodePoints::Range& range : escaped.ranges())
    for (char32_t c = range.first; c <= range.last; ++c) {
      std::string text;
      append(c, text);
      choices.push_back(syntax.literal(text));
    }
  return syntax.choice(choices);
}

void JsonAlphabet::append(char32_t c, std::string& text) const {
  switch (c) {
    case '"': text += "\\\""; return;
    case '\\': text += "\\\\"; return;
    case '\b': text += "\\b"; return;
    case '\f': text += "\\f"; return;
    case '\n': text += "\\n"; return;
    case '\r': text += "\\r"; return;
    case '\t': text += "\\t"; return;
    default: break;
  }
  if (c < 0x20)
    text += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
  else
    append_utf8(c, text);
}

std::string json_quoted(std::string_view text) {
  const JsonAlphabet alphabet;
  std::string result = "\"";
  for (size_t at = 0; at < text.size();) {
    char32_t c = 0;
    if (!read_utf8(text, at, c)) {
      c = 0xFFFD;
      ++at;
    }
    alphabet.append(c, result);
  }
  return result + '"';
}

NodeId JsonRules::space() {
  if (whitespace_ == JsonWhitespace::none) return syntax_.empty();
  return once(space_, "whitespace", [&] {
    const NodeId indent = syntax_.characters(CodePoints().add(' ').add('\t'));
    return syntax_.optional(syntax_.choice(
        {syntax_.literal(" "), syntax_.sequence({syntax_.repeat(syntax_.literal("\n"), 1, 2),
                                                 syntax_.repeat(indent, 0, 40)})}));
  });
}

// Escapes of surrogates come in pairs, as every reader of JSON wants them.
NodeId JsonRules::character() {
  return once(character_, "character", [&] {
    const auto hex = [&](std::string_view from) {  // one digit of these, either case
      CodePoints set;
      for (const char c : from) {
        set.add(static_cast<char32_t>(c));
        if (c >= 'a') set.add(static_cast<char32_t>(c - 'a' + 'A'));
      }
      return syntax_.characters(set);
    };
    const NodeId any = hex("0123456789abcdef");
    const NodeId two = syntax_.sequence({any, any});
    const NodeId unit = syntax_.choice(
        {syntax_.sequence({hex("0123456789abcef"), any, two}),
         syntax_.sequence({hex("d"), syntax_.choice({
                                         syntax_.sequence({hex("01234567"), two}),
                                         syntax_.sequence({hex("89ab"), two, syntax_.literal("\\u"),
                                                           hex("d"), hex("cdef"), two}),
                                     })})});
    CodePoints simple;
    for (const char c : std::string_view("\"\\/bfnrt")) simple.add(static_cast<char32_t>(c));
    return syntax_.choice({syntax_.characters(JsonAlphabet::plain()),
                           syntax_.sequence({syntax_.literal("\\"), syntax_.characters(simple)}),
                           syntax_.sequence({syntax_.literal("\\u"), unit})});
  });
}

NodeId JsonRules::string() {
  return once(string_, "string", [&] {
    const NodeId one = character();
    // Its body in place: a call per character would be one more stack to follow.
    return syntax_.sequence({syntax_.literal("\""),
                             syntax_.star(syntax_.rules()[syntax_.node(one).a].body),
                             syntax_.literal("\"")});
  });
}

NodeId JsonRules::integer() {
  return once(integer_, "integer",
              [&] { return parse_regex(syntax_, "-?(0|[1-9][0-9]*)", "integer"); });
}

NodeId JsonRules::number() {
  return once(number_, "number", [&] {
    return parse_regex(syntax_, "-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?", "number");
  });
}

NodeId JsonRules::boolean() {
  return syntax_.choice({syntax_.literal("true"), syntax_.literal("false")});
}

NodeId JsonRules::null() { return syntax_.literal("null"); }

NodeId JsonRules::value() {
  return once(value_, "value", [&] {
    return syntax_.choice({object(), array(), string(), number(), syntax_.literal("true"),
                           syntax_.literal("false"), syntax_.literal("null")});
  });
}

NodeId JsonRules::object() {
  return once(object_, "object", [&] {
    const NodeId one = member(string(), value());
    const NodeId more = syntax_.star(syntax_.sequence({comma(), one}));
    return syntax_.sequence({syntax_.literal("{"), space(),
                             syntax_.optional(syntax_.sequence({one, more, space()})),
                             syntax_.literal("}")});
  });
}

NodeId JsonRules::array() {
  return once(array_, "array", [&] { return array_of(value(), 0, kUnbounded); });
}

NodeId JsonRules::array_of(NodeId item, uint32_t min, uint32_t max) {
  const NodeId open = syntax_.sequence({syntax_.literal("["), space()});
  const NodeId close = syntax_.literal("]");
  if (max == 0) return syntax_.sequence({open, close});
  const NodeId more = syntax_.repeat(syntax_.sequence({comma(), item}), min == 0 ? 0 : min - 1,
                                     max == kUnbounded ? max : max - 1);
  const NodeId items = syntax_.sequence({item, more, space()});
  return syntax_.sequence({open, min == 0 ? syntax_.optional(items) : items, close});
}

NodeId JsonRules::member(NodeId key, NodeId value) {
  return syntax_.sequence({key, syntax_.literal(":"), space(), value});
}

}  // namespace linnet::text::grammar
