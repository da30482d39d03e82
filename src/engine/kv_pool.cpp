#include "engine/kv_pool.hpp"

#include "base/checked.hpp"

namespace linnet::engine {
namespace {

int64_t budget_left(Device& device, int64_t workspace_bytes) {
  const MemoryStats stats = device.memory().stats();
  return stats.limit_bytes - stats.active_bytes - workspace_bytes;
}

}  // namespace

KvPool::KvPool(DevicePtr device, std::vector<nn::CacheGroup> groups, int64_t workspace_bytes)
    : device_(std::move(device)),
      groups_(std::move(groups)),
      budget_bytes_(budget_left(*device_, workspace_bytes)) {}

KvPool::KvPool(DevicePtr device, std::vector<nn::CacheGroup> groups, Budget budget)
    : device_(std::move(device)), groups_(std::move(groups)), budget_bytes_(budget.bytes) {}

int64_t KvPool::block_bytes(size_t group) const {
  return MemoryPool::class_bytes(groups_[group].block_bytes());
}

std::vector<KvBlock> KvPool::acquire(size_t group, int64_t count) {
  {
    const std::scoped_lock lock(mutex_);
    const int64_t wanted = checked_mul(count, block_bytes(group));
    if (checked_add(bytes_in_use_, wanted) > budget_bytes_)
      fail(ErrorCode::out_of_memory,
           "{} bytes of cache asked for, {} in use; the budget is {}, of which weights and "
           "workspace leave {}",
           wanted, bytes_in_use_, device_->memory().stats().limit_bytes, budget_bytes_);
    blocks_in_use_ += count;
    bytes_in_use_ += wanted;
  }
  std::vector<KvBlock> result;
  int64_t made = 0;
  try {
    result.reserve(static_cast<size_t>(count));
    while (made < count) {
      auto storage = std::make_unique<Storage>(device_, groups_[group].block_bytes());
      // From here on the block is given back by its deleter, even if this shared_ptr fails.
      ++made;
      result.push_back(KvBlock(storage.release(), [this, group](const Storage* block) {
        delete block;
        give_back(group, 1);
      }));
    }
  } catch (...) {
    give_back(group, count - made);
    throw;
  }
  return result;
}

std::shared_ptr<void> KvPool::reserve(int64_t bytes) {
  {
    const std::scoped_lock lock(mutex_);
    if (checked_add(bytes_in_use_, bytes) > budget_bytes_)
      fail(ErrorCode::out_of_memory,
           "{} bytes asked for beside the cache, which has {} in use; the budget is {}, of which "
           "all else leaves {}",
           bytes, bytes_in_use_, device_->memory().stats().limit_bytes, budget_bytes_);
    budget_bytes_ -= bytes;
  }
  // Not under the mutex: the deleter runs, and takes it, if there is no memory for the pointer.
  return {this, [this, bytes](void* /*this*/) {
            const std::scoped_lock lock(mutex_);
            budget_bytes_ += bytes;
          }};
}

void KvPool::give_back(size_t group, int64_t count) noexcept {
  const std::scoped_lock lock(mutex_);
  blocks_in_use_ -= count;
  bytes_in_use_ -= count * block_bytes(group);
}

int64_t KvPool::bytes_in_use() const {
  const std::scoped_lock lock(mutex_);
  return bytes_in_use_;
}

int64_t KvPool::budget_bytes() const {
  const std::scoped_lock lock(mutex_);
  return budget_bytes_;
}

int64_t KvPool::blocks_in_use() const {
  const std::scoped_lock lock(mutex_);
  return blocks_in_use_;
}

}  // namespace linnet::engine
