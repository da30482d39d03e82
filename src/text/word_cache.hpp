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

/// Direct-mapped, 16,384 entries of 64 bytes: short words of few tokens only. Not thread-safe.
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
  /// The entry where a word of 1..kMaxBytes bytes is, or would go.
  Entry& entry(uint64_t hash) {
    if (entries_ == nullptr) entries_ = std::make_unique<Entry[]>(kEntries);
    return entries_[hash >> 50];
  }

 private:
  static constexpr size_t kEntries = size_t{1} << 14;

  uint64_t seed_ = hash_seed();
  std::unique_ptr<Entry[]> entries_;
};

}  // namespace linnet::text
