// A generation that follows a grammar: which tokens may come next.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "text/grammar/configuration.hpp"
#include "text/grammar/grammar.hpp"
#include "text/grammar/mask_cache.hpp"
#include "text/grammar/token_index.hpp"

namespace linnet::text {

/// A grammar over a vocabulary, with the masks that were computed so far (at most 64 MiB, and as
/// much of states; then they are dropped). A handle, cheap to copy; any number of threads may use
/// it. Keep it as long as requests with this grammar are expected: a mask is computed when a state
/// is first met (some microseconds; 0.3 to 1.5 ms where nearly all tokens fit), and looked up
/// later.
class TokenGrammar {
 public:
  TokenGrammar(Grammar grammar, TokenIndex index);

  [[nodiscard]] const TokenIndex& index() const;
  [[nodiscard]] grammar::MaskStatistics statistics() const;

 private:
  friend class GrammarMatcher;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// One generation. Copies are cheap (a few pointers and states; no mask) and independent, so a
/// draft can be followed on a copy and dropped. Not thread-safe; different matchers, copies too,
/// may be used by different threads.
///
/// Errors: mask() and accept() fail with unsupported when the grammar is so ambiguous that there
/// are more than 20,000 ways to read the text so far, or when one call would take more than about a
/// tenth of a second; the matcher is then as it was.
class GrammarMatcher {
 public:
  /// `end_ids`: allowed exactly when the text may end, whatever bytes they have. Errors:
  /// invalid_argument for one that is outside the vocabulary.
  GrammarMatcher(TokenGrammar grammar, std::span<const int32_t> end_ids);
  GrammarMatcher(const GrammarMatcher& other);
  GrammarMatcher& operator=(const GrammarMatcher& other);
  GrammarMatcher(GrammarMatcher&&) noexcept = default;
  GrammarMatcher& operator=(GrammarMatcher&&) noexcept = default;
  ~GrammarMatcher() = default;

  /// The tokens that may come next: those after which the text can still be completed, and the end
  /// ids if it may end. None once finished. Valid until the next call that is not const.
  const TokenMask& mask();
  /// Goes on by one token. False, and nothing changes, for one that mask() does not allow.
  bool accept(int32_t id);
  /// Goes on by bytes, whichever tokens they come from; false, and nothing changes, if they do not
  /// fit.
  bool accept_bytes(std::string_view bytes);

  /// Whether the text so far is complete.
  [[nodiscard]] bool may_end() const { return configuration_.ended; }
  /// Whether it is complete and nothing can follow.
  [[nodiscard]] bool must_end() const { return may_end() && configuration_.levels.empty(); }
  /// Whether an end id was accepted.
  [[nodiscard]] bool finished() const { return finished_; }

 private:
  TokenGrammar grammar_;
  std::shared_ptr<const std::vector<int32_t>> end_ids_;
  grammar::Configuration configuration_;
  bool finished_ = false;
  bool has_mask_ = false;
  TokenMask mask_;
};

}  // namespace linnet::text
