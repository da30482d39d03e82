// Blocks of the key/value cache: one pool for all sequences of a model.
//
// A block of group g holds kBlockTokens tokens of all layers of that group (nn/batch.hpp). Its
// bytes come from the device's MemoryPool, so they are counted and held to the budget; a block
// given back goes there at once, where any other need may have its bytes. A block has several
// holders once it is full: sequences that begin alike, and the prefix cache. None of them writes to
// it then.
//
// What a forward pass needs beside weights and cache is left free, so a request that does not fit
// is told when it starts and not half way.
//
// Threads: all functions may be called from any thread (one mutex).
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "array/storage.hpp"
#include "nn/batch.hpp"

namespace linnet::engine {

/// One block. With its last holder it goes back to its pool, which must still be there.
using KvBlock = std::shared_ptr<Storage>;

class KvPool {
 public:
  /// The cache may have what the device's budget has left now, less `workspace_bytes`.
  KvPool(DevicePtr device, std::vector<nn::CacheGroup> groups, int64_t workspace_bytes = 0);
  /// The cache may have so many bytes.
  struct Budget {
    int64_t bytes = 0;
  };
  KvPool(DevicePtr device, std::vector<nn::CacheGroup> groups, Budget budget);

  [[nodiscard]] const std::vector<nn::CacheGroup>& groups() const noexcept { return groups_; }

  /// `count` blocks of a group, all or none; what lies in them is left from earlier uses.
  /// Errors: out_of_memory.
  std::vector<KvBlock> acquire(size_t group, int64_t count);

  /// Takes bytes of what the cache may have, for others, until the result goes, which must be
  /// before the pool. Errors: out_of_memory if as much is in use.
  std::shared_ptr<void> reserve(int64_t bytes);

  /// Blocks handed out and not returned, over all groups.
  [[nodiscard]] int64_t blocks_in_use() const;
  /// Their bytes, and the bytes that there may be at most.
  [[nodiscard]] int64_t bytes_in_use() const;
  [[nodiscard]] int64_t budget_bytes() const;
  /// What a block of a group takes of the device's memory.
  [[nodiscard]] int64_t block_bytes(size_t group) const;

 private:
  /// Counts a block as given back. Errors: none.
  void give_back(size_t group, int64_t count) noexcept;

  DevicePtr device_;
  std::vector<nn::CacheGroup> groups_;
  mutable std::mutex mutex_;  // of the numbers
  int64_t budget_bytes_;
  int64_t blocks_in_use_ = 0;
  int64_t bytes_in_use_ = 0;
};

}  // namespace linnet::engine
