// Blocks of the key/value cache: one pool for all sequences of a model.
//
// A block of group g holds kBlockTokens tokens of all layers of that group (nn/batch.hpp). Its
// bytes come from the device's MemoryPool, so they are counted and held to the budget; a block
// given back goes there at once, where any other need may have its bytes. A block is zeroed when it
// is handed out: what an earlier sequence left there can reach no later one, not even as a NaN.
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

/// One block; whoever holds it owns it.
using KvBlock = std::unique_ptr<Storage>;

class KvPool {
 public:
  /// The cache may have what the device's budget has left now, less `workspace_bytes`.
  KvPool(DevicePtr device, std::vector<nn::CacheGroup> groups, int64_t workspace_bytes = 0);

  [[nodiscard]] const std::vector<nn::CacheGroup>& groups() const noexcept { return groups_; }

  /// `count` blocks of a group, all or none. Errors: out_of_memory.
  std::vector<KvBlock> acquire(size_t group, int64_t count);
  /// Takes a block of a group back.
  void release(size_t group, KvBlock block) noexcept;

  /// Blocks handed out and not returned, over all groups.
  [[nodiscard]] int64_t blocks_in_use() const;

 private:
  /// What a block of a group takes of the device's memory.
  [[nodiscard]] int64_t block_bytes(size_t group) const;
  void give_back(size_t group, int64_t count) noexcept;

  DevicePtr device_;
  std::vector<nn::CacheGroup> groups_;
  int64_t budget_bytes_;
  mutable std::mutex mutex_;  // of the two counts
  int64_t blocks_in_use_ = 0;
  int64_t bytes_in_use_ = 0;
};

}  // namespace linnet::engine
