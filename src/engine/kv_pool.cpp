#include "engine/kv_pool.hpp"

#include <cstring>

namespace linnet::engine {

KvPool::KvPool(DevicePtr device, std::vector<nn::CacheGroup> groups)
    : device_(std::move(device)), groups_(std::move(groups)) {}

std::vector<KvBlock> KvPool::acquire(size_t group, int64_t count) {
  std::vector<KvBlock> result;
  result.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i)
    result.push_back(std::make_unique<Storage>(device_, groups_[group].block_bytes()));
  // Only now, so that a request that does not fit touches no memory.
  for (const KvBlock& block : result)
    std::memset(block->data(), 0, static_cast<size_t>(block->bytes()));
  in_use_ += count;
  return result;
}

void KvPool::release(KvBlock block) noexcept {
  block.reset();
  --in_use_;
}

}  // namespace linnet::engine
