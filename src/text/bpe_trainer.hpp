// Learning byte-pair merges from counted words, as Hugging Face's BpeTrainer does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace linnet::text {

/// How often each word of a corpus occurs. No token crosses a word.
class WordCounts {
 public:
  /// `word` is valid UTF-8. Words of more than 1024 characters are counted in pieces of so many.
  void add(std::string_view word, int64_t count = 1);
  [[nodiscard]] int64_t distinct() const { return static_cast<int64_t>(counts_.size()); }
  /// In the order of their bytes.
  [[nodiscard]] std::vector<std::pair<std::string_view, int64_t>> sorted() const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, int64_t, Hash, std::equal_to<>> counts_;
};

struct BpeTrainerOptions {
  /// Symbols at most, the alphabet's among them.
  int64_t vocab_size = 30000;
  /// Characters that are symbols whether they occur or not.
  std::vector<std::string> initial_alphabet;
  /// Characters at most, initial ones among them; the rarest are left out, and words are read as if
  /// they were not there.
  std::optional<int64_t> limit_alphabet;
  /// Pairs that occur less often are not merged.
  int64_t min_frequency = 0;
  /// Characters of a symbol at most.
  std::optional<int64_t> max_token_length;
  /// Symbols that must not come to be: they are tokens of another kind.
  std::vector<std::string> reserved;
};

struct BpeVocabulary {
  std::vector<std::string> symbols;  ///< the alphabet by code points, then as they were merged
  std::vector<std::pair<std::string, std::string>> merges;  ///< first ones first
};

/// The vocabulary: of all neighbouring symbols the most frequent pair becomes one symbol, again and
/// again. Of pairs that are as frequent, that of the older symbols goes first, so the result
/// depends on the counts alone. Errors: invalid_argument if the alphabet alone is more than
/// vocab_size, and for a vocabulary past 2^31.
BpeVocabulary train_bpe(const WordCounts& words, const BpeTrainerOptions& options);

}  // namespace linnet::text
