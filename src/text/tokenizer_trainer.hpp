// A tokenizer made from texts: tokenizer.json and tokenizer_config.json.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::text {

/// What a tokenizer.json looks like.
///   gemma       spaces become U+2581; BPE over characters, <0x00> .. <0xFF> for those that are no
///               symbols; while merges are learned, text is cut into words with the space before
///               them, single digits, marks and line ends. Ids: special tokens, bytes, alphabet,
///               merges.
///   byte_level  BPE over bytes, spelled as GPT-2 does, after Qwen's regex. Ids: special tokens,
///   the 256
///               bytes, merges.
enum class TokenizerStyle { gemma, byte_level };

struct TokenizerTrainOptions {
  TokenizerStyle style = TokenizerStyle::gemma;
  int64_t vocab_size = 8192;  ///< tokens of all kinds, at most
  /// Behind those that the style and the template bring.
  std::vector<std::string> special_tokens;
  /// A built-in template by its name ("gemma3", "chatml", "llama3"), or a template itself; empty:
  /// none is written, and the special tokens are those of the style's own family.
  std::string chat_template;
  /// Characters that are symbols at most (gemma): printable ASCII, line ends and spaces, then the
  /// most frequent.
  int64_t limit_alphabet = 1000;
  int64_t min_frequency = 0;
  std::optional<int64_t> max_token_length;
};

struct TrainedTokenizer {
  std::string tokenizer_json;
  std::string tokenizer_config_json;
  int64_t vocab_size = 0;
  int64_t merges = 0;
  int64_t words = 0;  ///< different ones in the texts
};

/// Counts words as texts come, and learns at the end. Memory grows with the number of different
/// words. Not thread-safe.
class TokenizerTrainer {
 public:
  /// Errors: invalid_argument for a vocab_size without room for special tokens and bytes, for an
  /// empty special token and one that is there twice.
  explicit TokenizerTrainer(TokenizerTrainOptions options);
  ~TokenizerTrainer();
  TokenizerTrainer(const TokenizerTrainer&) = delete;
  TokenizerTrainer& operator=(const TokenizerTrainer&) = delete;

  /// A text, or a part that ends where a line ends. Bytes that are not UTF-8 count as U+FFFD.
  /// Special tokens in it are text.
  void add(std::string_view text);
  /// Errors: as train_bpe; invalid_argument if there was no text.
  [[nodiscard]] TrainedTokenizer train() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace linnet::text
