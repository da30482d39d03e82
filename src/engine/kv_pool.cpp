#include "engine/kv_pool.hpp"

#include <cstring>

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
  try {
    result.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i)
      result.push_back(std::make_unique<Storage>(device_, groups_[group].block_bytes()));
  } catch (...) {
    result.clear();
    give_back(group, count);
    throw;
  }
  for (const KvBlock& block : result)
    std::memset(block->data(), 0, static_cast<size_t>(block->bytes()));
  return result;
}

void KvPool::release(size_t group, KvBlock block) noexcept {
  block.reset();
  give_back(group, 1);
}

void KvPool::give_back(size_t group, int64_t count) noexcept {
  const std::scoped_lock lock(mutex_);
  blocks_in_use_ -= count;
  bytes_in_use_ -= count * block_bytes(group);
}

int64_t KvPool::blocks_in_use() const {
  const std::scoped_lock lock(mutex_);
  return blocks_in_use_;
}

}  // namespace linnet::engine
