// Text to token ids and back, as Hugging Face's tokenizers does it from the same files. Needs the
// tokenizer files of a checkpoint only, no weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace linnet {

/// Decodes ids one by one, as they are generated. The pieces put together are what decode() makes
/// of all the ids; each consists of whole UTF-8 characters. A piece may be empty: half a character
/// waits for the other half. Time is linear in the number of ids. It keeps its tokenizer alive.
/// Not thread-safe; different streams of one tokenizer may be used by different threads.
class DecodeStream {
 public:
  DecodeStream(DecodeStream&&) noexcept;
  DecodeStream& operator=(DecodeStream&&) noexcept;
  ~DecodeStream();

  /// The text that is certain now and was not returned before.
  /// Errors: invalid_argument for a negative id, or after finish().
  std::string push(int32_t id);
  /// The rest: an incomplete character becomes U+FFFD. A second call returns nothing.
  std::string finish();

 private:
  friend class Tokenizer;
  struct State;
  explicit DecodeStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A handle on an immutable tokenizer: cheap to copy, and every function may be called from any
/// number of threads at once.
class Tokenizer {
 public:
  struct State;  ///< opaque

  /// The ids of `text`. Added tokens in it (such as "<|im_start|>") are recognised always;
  /// `add_special_tokens` decides whether what tokenizer.json's post-processor adds (a
  /// beginning-of-sequence token, with most models) is put round it. Text from a chat template has
  /// those already: encode it without. Bytes that are not UTF-8 are read as U+FFFD.
  /// Errors: unsupported when one of the file's regexes passes its step limit; invalid_argument for
  /// a word of more than 2^30 bytes.
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text,
                                            bool add_special_tokens = true) const;

  /// The number of ids that encode() gives. Errors: the same.
  [[nodiscard]] int64_t count(std::string_view text, bool add_special_tokens = true) const;

  /// The text of `ids`, always valid UTF-8; nothing is cleaned up. Ids that no token has become
  /// nothing. `skip_special_tokens` leaves out added tokens that are marked special. Errors:
  /// invalid_argument for a negative id.
  [[nodiscard]] std::string decode(std::span<const int32_t> ids,
                                   bool skip_special_tokens = true) const;

  /// A decoder of ids that come one by one.
  [[nodiscard]] DecodeStream stream(bool skip_special_tokens = true) const;

  /// Number of tokens, added ones too. A model may have more rows than that.
  [[nodiscard]] int64_t vocab_size() const noexcept;
  /// The id of a token's string as tokenizer.json writes it ("\u2581the", "<bos>").
  [[nodiscard]] std::optional<int32_t> token_to_id(std::string_view token) const;
  /// A token's string as tokenizer.json writes it; nothing for an id that no token has. Valid while
  /// this tokenizer or a copy of it lives.
  [[nodiscard]] std::optional<std::string_view> id_to_token(int32_t id) const;
  /// Whether the id is an added token marked special.
  [[nodiscard]] bool is_special(int32_t id) const;

  /// The beginning- and end-of-sequence tokens that tokenizer_config.json (or
  /// special_tokens_map.json) names.
  [[nodiscard]] std::optional<int32_t> bos_id() const;
  [[nodiscard]] std::optional<int32_t> eos_id() const;
  /// tokenizer_config.json's add_bos_token and add_eos_token, where they are there. encode()
  /// follows tokenizer.json alone, as Hugging Face's tokenizers does; some classes of transformers
  /// follow these, and in a few checkpoints (DeepSeek-R1's distillations) the two disagree.
  [[nodiscard]] std::optional<bool> add_bos_token() const;
  [[nodiscard]] std::optional<bool> add_eos_token() const;

 private:
  friend class TokenizerLoader;
  explicit Tokenizer(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

/// Reads tokenizer.json of a folder and, where they are there, tokenizer_config.json and
/// special_tokens_map.json. Errors: not_found without a tokenizer.json; malformed_file and
/// unsupported, naming the file's entry.
Tokenizer load_tokenizer(const std::filesystem::path& folder);

/// The tokenizer of the model that comes with linnet.
Tokenizer load_builtin_tokenizer();

}  // namespace linnet
