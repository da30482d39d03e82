// Text to token ids and back, as Hugging Face's tokenizers does it from the same tokenizer.json.
//
//   text -> added tokens cut out -> normalizer -> added tokens again -> pre_tokenizer -> BPE
//        -> post_processor -> ids -> decoder -> text
//
// tokenizer.json decides everything about encoding and decoding: its entries are followed one by
// one, and one that is not implemented is an error that names it. (Its "truncation" and "padding"
// are left alone, as transformers does unless asked.) tokenizer_config.json says which tokens are
// BOS and EOS.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::text {

class TokenStream;

/// A handle on an immutable tokenizer: cheap to copy, and every method may be called from several
/// threads at once.
class Tokenizer {
 public:
  /// Reads tokenizer.json and, where they exist, tokenizer_config.json and special_tokens_map.json
  /// (for a BOS or EOS that the former does not name) of a checkpoint's folder. Errors: not_found
  /// without a tokenizer.json; otherwise as parse().
  static Tokenizer load(const std::filesystem::path& model_dir);

  /// From the files' contents.
  /// Errors: malformed_file and unsupported, naming the file's entry and what is wrong with it.
  static Tokenizer parse(std::string_view tokenizer_json,
                         std::optional<std::string_view> tokenizer_config_json = std::nullopt,
                         std::optional<std::string_view> special_tokens_map_json = std::nullopt);

  /// The ids of `text`. Added tokens in it are recognised whatever `add_special_tokens` says; that
  /// one only decides whether the post-processor's tokens (BOS and the like) are put round it.
  /// Bytes that are not UTF-8 are read as U+FFFD, one for each maximal invalid part, so arbitrary
  /// bytes can be encoded. Errors: unsupported when one of the file's regexes passes its step
  /// limit; invalid_argument for a piece of more than 2^30 bytes.
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text,
                                            bool add_special_tokens = true) const;

  /// The text of `ids`, always valid UTF-8. Ids that no token has become nothing (a model's logits
  /// may have more rows than its tokenizer has tokens). Nothing is cleaned up: spaces stay as they
  /// were. Errors: invalid_argument for a negative id.
  [[nodiscard]] std::string decode(std::span<const int32_t> ids,
                                   bool skip_special_tokens = true) const;

  /// A stream that decodes ids one by one; it keeps the tokenizer alive.
  [[nodiscard]] TokenStream stream(bool skip_special_tokens = true) const;

  /// Number of tokens, added ones too: ids are 0 .. vocab_size() - 1 without gaps.
  [[nodiscard]] int64_t vocab_size() const;
  /// The id of a token's string as the file writes it ("\u2581the", "<bos>").
  [[nodiscard]] std::optional<int32_t> token_to_id(std::string_view token) const;
  /// A token's string as the file writes it; nothing for an id that no token has. Valid as long as
  /// this tokenizer or a copy of it lives.
  [[nodiscard]] std::optional<std::string_view> id_to_token(int32_t id) const;
  /// The bytes that the id adds to a text that has begun: part of a character, perhaps. Empty for
  /// an id that no token has. (At a text's start some decoders leave out a space.)
  [[nodiscard]] std::string token_bytes(int32_t id) const;
  /// Whether the id is an added token marked special.
  [[nodiscard]] bool is_special(int32_t id) const;

  /// BOS and EOS as the configuration names them.
  [[nodiscard]] std::optional<int32_t> bos_id() const;
  [[nodiscard]] std::optional<int32_t> eos_id() const;
  /// tokenizer_config.json's add_bos_token and add_eos_token where they are there. encode() follows
  /// the post-processor of tokenizer.json alone; the two disagree in some checkpoints.
  [[nodiscard]] std::optional<bool> add_bos_token() const;
  [[nodiscard]] std::optional<bool> add_eos_token() const;

 private:
  friend class TokenStream;
  struct Impl;
  explicit Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

/// Decodes ids one by one. What push() and finish() return, put together, is decode() of all the
/// ids; each piece consists of whole UTF-8 characters. A piece may be empty: half a character waits
/// for the other half, and a run of SentencePiece byte tokens for its end. Amortised O(1) per
/// token. Not thread-safe.
class TokenStream {
 public:
  explicit TokenStream(const Tokenizer& tokenizer, bool skip_special_tokens = true);
  ~TokenStream();
  TokenStream(TokenStream&&) noexcept;
  TokenStream& operator=(TokenStream&&) noexcept;

  /// The text that is certain now and has not been returned yet.
  /// Errors: invalid_argument for a negative id, or after finish().
  std::string push(int32_t id);
  /// The rest: an incomplete character becomes U+FFFD. A second call returns nothing.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace linnet::text
