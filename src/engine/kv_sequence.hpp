// The key/value cache of one sequence: block tables over a KvPool.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/kv_pool.hpp"

namespace linnet::engine {

/// Holds all blocks that the sequence will need from the start, so that it can never run out half
/// way and its memory does not grow: a full-attention group as many as its tokens fill, a sliding
/// group as many as the window and one step reach over; blocks behind the window are used again.
/// Not thread-safe.
class KvSequence {
 public:
  /// `max_tokens` positions at most, at most `max_step` of them in one step. Errors: out_of_memory.
  KvSequence(KvPool& pool, int64_t max_tokens, int64_t max_step);
  ~KvSequence();
  KvSequence(const KvSequence&) = delete;
  KvSequence& operator=(const KvSequence&) = delete;

  [[nodiscard]] int64_t length() const noexcept { return length_; }

  /// Makes room for `tokens` (1..max_step) more positions and describes them for a batch, one entry
  /// per group; `first_row` is their row in the batch. The pointers stay valid until the next call.
  /// Errors: internal beyond max_tokens or max_step.
  std::vector<kernels::KvSequence> extend(int64_t tokens, int64_t first_row);
  /// The step that extend() prepared has run: the sequence is longer, and blocks that no later
  /// token can see are free again.
  void advance(int64_t tokens);

  /// Blocks that a group of this window needs.
  static int64_t blocks_needed(int64_t window, int64_t max_tokens, int64_t max_step);

 private:
  struct Group {
    std::vector<std::byte*> table;  // [block index]; null behind the window
    std::vector<KvBlock> used;      // owners of the table's blocks, oldest first
    std::vector<KvBlock> spare;
    int64_t first = 0;  // index of used.front() in the table
  };

  KvPool& pool_;
  int64_t max_tokens_;
  int64_t max_step_;
  int64_t length_ = 0;
  std::vector<Group> groups_;
};

}  // namespace linnet::engine
