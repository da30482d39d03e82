// A vocabulary in the order of its tokens' bytes, for walking it with a grammar.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::text {

/// The ids that may come next: bit `id % 64` of word `id / 64`.
class TokenMask {
 public:
  TokenMask() = default;
  explicit TokenMask(size_t vocabulary) : words_((vocabulary + 63) / 64), vocabulary_(vocabulary) {}

  [[nodiscard]] size_t vocabulary() const { return vocabulary_; }
  [[nodiscard]] std::span<const uint64_t> words() const { return words_; }
  [[nodiscard]] std::span<uint64_t> words() { return words_; }
  [[nodiscard]] bool allows(int32_t id) const {
    const auto i = static_cast<size_t>(id);
    return id >= 0 && i < vocabulary_ && (words_[i / 64] >> (i % 64) & 1) != 0;
  }
  void allow(int32_t id) {
    const auto i = static_cast<size_t>(id);
    words_[i / 64] |= uint64_t{1} << (i % 64);
  }
  void forbid(int32_t id) {
    const auto i = static_cast<size_t>(id);
    words_[i / 64] &= ~(uint64_t{1} << (i % 64));
  }
  [[nodiscard]] size_t count() const;
  bool operator==(const TokenMask&) const = default;

 private:
  std::vector<uint64_t> words_;
  size_t vocabulary_ = 0;
};

/// A vocabulary as a trie. One per tokenizer; a handle, cheap to copy; immutable, so any number of
/// threads may use it. Building 262,144 tokens takes tens of milliseconds and 16 bytes per node
/// (about 12 MB).
class TokenIndex {
 public:
  static constexpr size_t kMaxTokenBytes = 4096;

  /// `tokens[id]`: the bytes that the id adds to the text (they need not be whole characters; ids
  /// may share them). Ids with no bytes, and those in `never` (control tokens, however they are
  /// spelt), are in no mask. Errors: invalid_argument for a token longer than kMaxTokenBytes, more
  /// than 2^24 tokens or 2^30 bytes, or an id of `never` that is no token.
  explicit TokenIndex(std::span<const std::string> tokens, std::span<const int32_t> never = {});

  [[nodiscard]] size_t vocabulary() const;
  /// The bytes of an id; empty if a grammar never allows it or if there is no such id.
  [[nodiscard]] std::string_view bytes(int32_t id) const;
  /// Of the longest token.
  [[nodiscard]] size_t longest() const;
  /// Held by the index.
  [[nodiscard]] size_t memory_bytes() const;

  /// For a character class of the index's own making: of the bytes below a node, what occurs.
  static constexpr uint32_t kWholeCharacters = 1U << 30;  ///< UTF-8 past ASCII, perhaps cut short
  static constexpr uint32_t kOddBytes = 1U << 31;  ///< bytes that continue nothing, and so on
  /// The bit of an ASCII byte.
  static uint32_t group(unsigned char ascii);

  /// In depth-first order, bytes rising: the nodes below node n are n + 1 .. end(n) - 1.
  struct Node {
    uint32_t end = 0;
    uint32_t first_token = 0;   ///< how many tokens come before this node, in order()
    uint32_t groups_below = 0;  ///< of the bytes behind this node's byte
    uint8_t byte = 0;
    uint8_t height = 0;  ///< bytes below at most; 255: that or more
    uint16_t depth = 0;  ///< bytes up to this node, its own among them
  };
  /// Node 0 is the root, of depth 0; one more at the end has all tokens before it.
  [[nodiscard]] std::span<const Node> nodes() const;
  /// Ids in the order of the trie: those that end at node n are [nodes[n].first_token, nodes[n +
  /// 1].first_token), those below or at it end at nodes[nodes[n].end].first_token.
  [[nodiscard]] std::span<const int32_t> order() const;
  /// A mask of all of order().
  [[nodiscard]] const TokenMask& all() const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace linnet::text
