// Blocks of the key/value cache: one pool for all sequences of a model.
//
// A block of group g holds kBlockTokens tokens of all layers of that group (nn/batch.hpp). Its
// bytes come from the device's MemoryPool, so they are counted and held to the budget; a block
// given back goes there at once, where any other need may have its bytes. A block is zeroed when it
// is handed out: what an earlier sequence left there can reach no later one, not even as a NaN.
//
// Threads: all functions may be called from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "array/storage.hpp"
#include "nn/batch.hpp"

namespace linnet::engine {

/// One block; whoever holds it owns it.
using KvBlock = std::unique_ptr<Storage>;

class KvPool {
 public:
  KvPool(DevicePtr device, std::vector<nn::CacheGroup> groups);

  [[nodiscard]] const std::vector<nn::CacheGroup>& groups() const noexcept { return groups_; }

  /// `count` blocks of a group, all or none. Errors: out_of_memory.
  std::vector<KvBlock> acquire(size_t group, int64_t count);
  /// Takes a block back.
  void release(KvBlock block) noexcept;

  /// Blocks handed out and not returned, over all groups.
  [[nodiscard]] int64_t blocks_in_use() const noexcept { return in_use_.load(); }

 private:
  DevicePtr device_;
  std::vector<nn::CacheGroup> groups_;
  std::atomic<int64_t> in_use_{0};
};

}  // namespace linnet::engine
