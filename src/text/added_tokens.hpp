// The "added_tokens" of tokenizer.json: strings that are found in text before anything else happens
// to it, longest first, and become one id.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "text/normalizer.hpp"
#include "text/vocabulary.hpp"

namespace linnet::text {

struct AddedToken {
  std::string content;
  int32_t id = -1;
  bool special = false;      ///< left out of decoded text unless asked for
  bool normalized = false;   ///< looked for in normalised text (its own content normalised too)
  bool single_word = false;  ///< only where no word character stands beside it
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< and after it
};

/// Finds the leftmost, and of those the longest, of a set of strings. The strings are kept sorted,
/// and a candidate range is narrowed byte by byte: a trie without nodes. Immutable and thread-safe.
class StringMatcher {
 public:
  struct Found {
    size_t begin;
    size_t end;
    size_t index;  // as given to the constructor
  };

  StringMatcher() = default;
  /// Strings are not empty; of equal ones the first counts.
  explicit StringMatcher(const std::vector<std::pair<std::string, size_t>>& strings);

  [[nodiscard]] bool empty() const { return strings_.empty(); }
  [[nodiscard]] std::optional<Found> find(std::string_view text, size_t from) const;

 private:
  std::vector<std::pair<std::string, size_t>> strings_;
  std::array<std::pair<uint32_t, uint32_t>, 256> ranges_{};  // of strings_, by first byte
};

/// Immutable and thread-safe.
class AddedTokens {
 public:
  /// Errors: malformed_file naming the token, for empty or repeated contents, repeated ids, and a
  /// token or id that the vocabulary knows under another id or token (check()).
  static AddedTokens parse(const std::optional<Json>& entry);
  void check(const Vocabulary& vocabulary) const;
  /// Prepares find(); the contents of normalized tokens go through `normalizer`.
  void prepare(const Normalizer& normalizer);

  [[nodiscard]] size_t size() const { return tokens_.size(); }
  [[nodiscard]] const std::vector<AddedToken>& tokens() const { return tokens_; }
  /// The token with this id or content, or null.
  [[nodiscard]] const AddedToken* find(int32_t id) const;
  [[nodiscard]] const AddedToken* find(std::string_view content) const;

  /// Cuts `text` at the tokens with `normalized` as given: calls on_token(id) and
  /// on_text(piece, begins_text), in order, for pieces that are not empty.
  template <class OnToken, class OnText>
  void cut(std::string_view text, bool normalized, OnToken&& on_token, OnText&& on_text) const {
    const StringMatcher& matcher = normalized ? in_normalized_ : in_raw_;
    size_t done = 0;
    if (!matcher.empty()) {
      size_t from = 0;
      size_t spaces_end = 0;  // white space reaches from the last token's text to here
      while (const auto found = matcher.find(text, from)) {
        from = found->end;
        const AddedToken& token = tokens_[found->index];
        auto [begin, end] = std::pair(found->begin, found->end);
        if (token.single_word && touches_word(text, begin, end)) continue;
        if (token.lstrip) begin = spaces_before(text, begin, done);
        if (token.rstrip) end = spaces_end = spaces_after(text, std::max(end, spaces_end));
        if (done < begin) on_text(text.substr(done, begin - done), done == 0);
        on_token(token.id);
        done = end;
      }
    }
    if (done < text.size()) on_text(text.substr(done), done == 0);
  }

 private:
  static bool touches_word(std::string_view text, size_t begin, size_t end);
  static size_t spaces_before(std::string_view text, size_t at, size_t least);
  static size_t spaces_after(std::string_view text, size_t at);

  std::vector<AddedToken> tokens_;    // in file order
  std::vector<uint32_t> by_id_;       // indices into tokens_
  std::vector<uint32_t> by_content_;  // likewise
  StringMatcher in_raw_;
  StringMatcher in_normalized_;
};

}  // namespace linnet::text
