// The key/value cache of one sequence: block tables over a KvPool.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "engine/kv_pool.hpp"

namespace linnet::engine {

/// Blocks are taken in three ways: all from the start (the first constructor), ahead of their use
/// (reserve()), and when a step needs them (extend()). A full-attention group takes as many as its
/// tokens fill, a sliding group as many as the window and one step reach over; blocks behind the
/// window are used again, unless somebody else holds them too. A block is zeroed when it is put to
/// use: what an earlier sequence left there can reach no later one, not even as a NaN.
/// Not thread-safe.
class KvSequence {
 public:
  enum class Reserve { all, nothing };

  /// `max_tokens` positions at most, at most `max_step` of them in one step. Errors: out_of_memory.
  /// `go_back`: fork() can always leave out so many of the last tokens, for which blocks stay a
  /// little longer than a window needs them.
  KvSequence(KvPool& pool, int64_t max_tokens, int64_t max_step, Reserve reserve = Reserve::all,
             int64_t go_back = 0);
  KvSequence(const KvSequence&) = delete;
  KvSequence& operator=(const KvSequence&) = delete;

  [[nodiscard]] int64_t length() const noexcept { return length_; }
  [[nodiscard]] const KvPool& pool() const noexcept { return pool_; }

  /// Takes the blocks that the first `tokens` positions need, all of them or, with an error, none.
  /// Errors: out_of_memory.
  void reserve(int64_t tokens);
  /// Gives back the blocks that were taken ahead.
  void give_back_reserve() noexcept;

  /// Makes room for `tokens` (1..max_step) more positions and describes them for a batch, one entry
  /// per group; `first_row` is their row in the batch. The pointers stay valid until the next call.
  /// Errors: out_of_memory if blocks have to be taken and there are none, and nothing has changed;
  /// internal beyond max_tokens or max_step.
  std::vector<kernels::KvSequence> extend(int64_t tokens, int64_t first_row);
  /// The step that extend() prepared has run, and so many of its tokens stay: the sequence is
  /// longer, and blocks that no later token can see are free again.
  void advance(int64_t tokens);

  /// Begins an empty sequence with blocks of `length` tokens that somebody has computed:
  /// [group][block], null where the window of the next token does not reach. Full ones are not
  /// written to, and the last is copied first if others hold it.
  void adopt(std::span<const std::vector<KvBlock>> blocks, int64_t length);
  /// A sequence that begins with the first `length` of these tokens and shares their blocks; null
  /// if they are not all there any more (a window has passed them). Whoever writes to a shared
  /// block first copies it.
  [[nodiscard]] std::unique_ptr<KvSequence> fork(int64_t length, int64_t max_tokens,
                                                 int64_t max_step) const;
  /// A block of the table; null behind the window.
  [[nodiscard]] KvBlock block(size_t group, int64_t index) const;

  /// Blocks that a group of this window needs.
  static int64_t blocks_needed(int64_t window, int64_t max_tokens, int64_t max_step);

 private:
  struct Group {
    std::vector<std::byte*> table;  // [block index]; null behind the window
    std::vector<KvBlock> used;      // owners of the table's blocks, oldest first
    std::vector<KvBlock> spare;
    int64_t first = 0;  // index of used.front() in the table
  };

  /// The oldest position that has to be there at a length; 0 without a window.
  [[nodiscard]] int64_t oldest(size_t group, int64_t length, int64_t go_back) const;
  /// Whether the next token goes into a block that others may hold too.
  [[nodiscard]] bool tail_is_shared(const Group& group) const;
  /// Takes blocks until every group has as many spare ones as `wanted` says; all or none.
  void take(std::span<const int64_t> wanted);

  KvPool& pool_;
  int64_t max_tokens_;
  int64_t max_step_;
  int64_t go_back_;
  int64_t length_ = 0;
  std::vector<Group> groups_;
};

}  // namespace linnet::engine
