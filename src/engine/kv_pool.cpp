#include "engine/kv_pool.hpp"

#include <cstring>

namespace linnet::engine {

KvPool::KvPool(DevicePtr device, std::vector<nn::CacheGroup> groups)
    : device_(std::move(device)), groups_(std::move(groups)), free_(groups_.size()) {}

std::vector<KvBlock> KvPool::acquire(size_t group, int64_t count) {
  std::vector<KvBlock> result;
  result.reserve(static_cast<size_t>(count));
  {
    const std::scoped_lock lock(mutex_);
    std::vector<KvBlock>& free = free_[group];
    while (!free.empty() && static_cast<int64_t>(result.size()) < count) {
      result.push_back(std::move(free.back()));
      free.pop_back();
    }
    in_use_ += static_cast<int64_t>(result.size());
  }
  try {
    while (static_cast<int64_t>(result.size()) < count) {
      result.push_back(std::make_unique<Storage>(device_, groups_[group].block_bytes()));
      const std::scoped_lock lock(mutex_);
      ++in_use_;
    }
  } catch (...) {
    for (KvBlock& block : result) release(group, std::move(block));
    throw;
  }
  for (const KvBlock& block : result)
    std::memset(block->data(), 0, static_cast<size_t>(block->bytes()));
  return result;
}

void KvPool::release(size_t group, KvBlock block) noexcept {
  const std::scoped_lock lock(mutex_);
  try {
    free_[group].push_back(std::move(block));
  } catch (const std::bad_alloc&) {
    block.reset();
  }
  if (--in_use_ == 0)
    for (std::vector<KvBlock>& free : free_) free.clear();
}

int64_t KvPool::blocks_in_use() const {
  const std::scoped_lock lock(mutex_);
  return in_use_;
}

}  // namespace linnet::engine
