// Byte-pair encoding as Hugging Face's BPE model does it: a piece starts as its characters (or
// bytes), and the neighbouring pair of lowest rank, leftmost first, is merged until none has a
// rank.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "text/vocabulary.hpp"
#include "text/word_cache.hpp"

namespace linnet::text {

/// Buffers of one encoding thread. May be used with one Bpe only.
struct BpeScratch {
  WordCache cache;
  std::vector<int32_t> symbols;
  std::vector<int32_t> previous;
  std::vector<int32_t> next;
  std::vector<uint64_t> queue;
  std::string spelled;

  /// Gives back what an unusually long word took.
  void trim();
};

/// Immutable and thread-safe.
class Bpe {
 public:
  /// From the entry "model" of tokenizer.json. `added_tokens`: see Vocabulary. `input_is_bytes`:
  /// pieces stand for their bytes, and the vocabulary is in the byte-level spelling. Errors:
  /// unsupported for other model types and dropout; malformed_file naming the entry, for merges of
  /// or into unknown tokens and an unknown unk_token.
  static Bpe parse(const Json& model, size_t added_tokens, bool input_is_bytes);

  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }

  /// Appends the ids of one piece (valid UTF-8, not empty). A character that has no token, no byte
  /// tokens and no unk_token to stand for it is left out, as Hugging Face does.
  /// Time: O(n log n) in the piece's length.
  void encode(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const;

 private:
  struct Merge {
    uint64_t pair = kFree;
    uint32_t rank = 0;
    int32_t id = 0;
  };
  static constexpr uint64_t kFree = UINT64_MAX;

  static uint64_t pair_of(int32_t left, int32_t right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  }
  [[nodiscard]] size_t slot_of(uint64_t pair) const;
  [[nodiscard]] const Merge* find_merge(int32_t left, int32_t right) const;
  [[nodiscard]] const Merge* find_merge_from(size_t slot, uint64_t pair) const;

  void read_merges(const Json& merges);
  void insert_merge(uint64_t pair, uint32_t rank, int32_t id);
  void find_single_characters();
  void find_word_ends();

  void encode_word(std::string_view word, BpeScratch& scratch, std::vector<int32_t>& ids) const;
  void encode_uncached(std::string_view word, BpeScratch& scratch, std::vector<int32_t>& ids) const;
  void split_bytes(std::string_view word, std::vector<int32_t>& symbols) const;
  void split_characters(std::string_view word, std::vector<int32_t>& symbols) const;
  [[nodiscard]] int32_t find_character(std::string_view word, size_t at, size_t size) const;
  void merge_short(std::vector<int32_t>& symbols) const;
  void merge_long(BpeScratch& scratch) const;

  Vocabulary vocabulary_;
  std::vector<Merge> merges_;
  uint64_t merge_mask_ = 0;
  uint64_t seed_ = 0;

  std::string prefix_;  // continuing_subword_prefix
  std::string suffix_;  // end_of_word_suffix
  int32_t unknown_ = -1;
  bool fuse_unknown_ = false;
  bool byte_fallback_ = false;
  bool ignore_merges_ = false;
  bool input_is_bytes_ = false;
  bool bytes_known_ = false;  // every byte has a token of its own: no need to spell

  std::array<int32_t, 256> byte_tokens_{};   // byte-level: the token of the byte's character
  std::array<int32_t, 256> fallback_ids_{};  // "<0x00>" and so on
  std::vector<int32_t> characters_;          // code points below 2^16 -> id or -1
  std::vector<bool> word_ends_;              // see find_word_ends(); empty: pieces are not cut
};

}  // namespace linnet::text
