// Whole texts against a grammar, for tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/matcher.hpp"
#include "text/small_tokenizers.hpp"

namespace linnet::test {

/// One token per byte, a few longer ones, and the end as the last.
inline std::vector<std::string> byte_tokens() {
  std::vector<std::string> tokens;
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  for (const char* more :
       {"\":",   "\", \"", "{\"",  "\"}", "}}",       "]]",       "},{",      "true",
        "null",  "\\u00",  "12",   "ab",  "\xC3\xA9", "\xE6\x97", "\xA5",     "\n  ",
        "false", "[[",     "\"\"", "\\n", "0.5",      "e+",       " \"name\""})
    tokens.emplace_back(more);
  tokens.emplace_back("<end>");
  return tokens;
}

inline text::GrammarMatcher matcher_of(const text::Grammar& grammar) {
  static const std::vector<std::string> tokens = byte_tokens();
  static const text::TokenIndex index(tokens);
  const std::vector<int32_t> ends{static_cast<int32_t>(tokens.size() - 1)};
  return {text::TokenGrammar(grammar, index), ends};
}

/// Whether a grammar matches the whole text.
inline bool matches(const text::Grammar& grammar, std::string_view text) {
  text::GrammarMatcher matcher = matcher_of(grammar);
  return matcher.accept_bytes(text) && matcher.may_end();
}

/// A text made of random allowed tokens. When it gets long, bytes of `closing` are taken where they
/// are allowed, so that it ends.
inline std::optional<std::string> random_text(const text::Grammar& grammar, Numbers& numbers,
                                              size_t length,
                                              std::string_view closing = "\"\"}]}],0:ab") {
  static const std::vector<std::string> tokens = byte_tokens();
  text::GrammarMatcher matcher = matcher_of(grammar);
  std::string text;
  for (int step = 0; step < 5000; ++step) {
    if (matcher.may_end() && (text.size() >= length || numbers.below(10) == 0)) break;
    const text::TokenMask& mask = matcher.mask();
    int32_t chosen = -1;
    for (int tries = 0; text.size() >= length && chosen < 0 && tries < 30; ++tries) {
      const auto c =
          static_cast<unsigned char>(closing[numbers.below(static_cast<uint32_t>(closing.size()))]);
      if (mask.allows(c)) chosen = c;
    }
    if (chosen < 0) {
      std::vector<int32_t> allowed;
      for (int32_t id = 0; id + 1 < static_cast<int32_t>(tokens.size()); ++id)
        if (mask.allows(id)) allowed.push_back(id);
      if (allowed.empty()) break;
      chosen = allowed[numbers.below(static_cast<uint32_t>(allowed.size()))];
    }
    if (!matcher.accept(chosen)) ADD_FAILURE() << "an allowed token was not accepted";
    text += tokens[static_cast<size_t>(chosen)];
  }
  if (!matcher.may_end()) return std::nullopt;
  return text;
}

}  // namespace linnet::test
