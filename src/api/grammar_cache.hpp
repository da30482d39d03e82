// Grammars over a model's vocabulary: built when first used, and kept for later requests.
#pragma once

#include <linnet/grammar.hpp>

#include <list>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "text/grammar/matcher.hpp"
#include "text/tokenizer.hpp"

namespace linnet {

/// What stands behind a Grammar.
struct Grammar::State {
  text::Grammar grammar;
  std::string source;  ///< kind and text: equal ones are the same grammar
};

/// Of one model. Its masks are found once per grammar, so the latest grammars are kept, by their
/// text: callers need not keep handles. Thread-safe.
class GrammarCache {
 public:
  /// A matcher at the beginning of a text that `end_ids` end. The first call for a model builds the
  /// index of its vocabulary, some 75 ms for 262,144 tokens. Errors: invalid_argument for end ids
  /// outside the vocabulary.
  text::GrammarMatcher matcher(const text::Tokenizer& tokenizer, const Grammar& grammar,
                               std::span<const int32_t> end_ids);

  /// The form of a grammar; null if it says nothing.
  static const Grammar::State* state(const Grammar& grammar) { return grammar.state_.get(); }
  static Grammar wrap(text::Grammar grammar, std::string source);

 private:
  static constexpr size_t kKept = 16;
  struct Entry {
    std::string source;
    text::TokenGrammar grammar;
  };

  std::mutex mutex_;
  std::optional<text::TokenIndex> index_;
  std::list<Entry> entries_;  // latest used first
};

}  // namespace linnet
