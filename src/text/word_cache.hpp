// A bounded cache from a word's bytes to its ids. Text repeats its words; merging each once is most
// of what makes encoding fast.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "text/hash.hpp"

namespace linnet::text {

/// 16,384 sets of two entries of 64 bytes: short words of few tokens only. Of a set, the entry that
/// came first goes. Not thread-safe.
class WordCache {
 public:
  static constexpr size_t kMaxBytes = 22;
  static constexpr size_t kMaxIds = 8;

  struct Entry {
    uint64_t hash;
    uint8_t size;   // of the word; 0: free
    uint8_t count;  // of the ids
    char word[kMaxBytes];
    int32_t ids[kMaxIds];

    [[nodiscard]] bool holds(std::string_view text, uint64_t text_hash) const {
      return hash == text_hash && size == text.size() && std::memcmp(word, text.data(), size) == 0;
    }
    void set(std::string_view text, uint64_t text_hash, std::span<const int32_t> tokens) {
      hash = text_hash;
      size = static_cast<uint8_t>(text.size());
      count = static_cast<uint8_t>(tokens.size());
      std::memcpy(word, text.data(), text.size());
      std::memcpy(ids, tokens.data(), tokens.size_bytes());
    }
  };
  static_assert(sizeof(Entry) == 64);

  uint64_t hash_of(std::string_view word) const { return hash_bytes(word, seed_); }
  /// The entry of a word of 1..kMaxBytes bytes, or null.
  const Entry* find(std::string_view word, uint64_t hash) {
    if (entries_ == nullptr) entries_ = std::make_unique<Entry[]>(2 * kSets);
    const Entry* set = set_of(hash);
    return set[0].holds(word, hash) ? set : set[1].holds(word, hash) ? set + 1 : nullptr;
  }
  /// Puts in a word that find() did not find.
  void insert(std::string_view word, uint64_t hash, std::span<const int32_t> tokens) {
    Entry* set = set_of(hash);
    set[1] = set[0];
    set[0].set(word, hash, tokens);
  }

 private:
  static constexpr size_t kSets = size_t{1} << 14;

  Entry* set_of(uint64_t hash) { return entries_.get() + 2 * (hash >> 50); }

  uint64_t seed_ = hash_seed();
  std::unique_ptr<Entry[]> entries_;
};

}  // namespace linnet::text
