#include "engine/held_cache.hpp"

#include <algorithm>

namespace linnet::engine {

void HeldCache::put(std::unique_ptr<KvSequence> cache, std::span<const int32_t> ids,
                    std::string adapter) {
  cache->give_back_reserve();
  const auto held = ids.first(static_cast<size_t>(cache->length()));
  const std::scoped_lock lock(mutex_);
  ids_.assign(held.begin(), held.end());
  adapter_ = std::move(adapter);
  cache_ = std::move(cache);
}

void HeldCache::drop() {
  const std::scoped_lock lock(mutex_);
  ids_.clear();
  cache_.reset();
}

/// With the mutex.
int64_t HeldCache::common(std::span<const int32_t> ids) const {
  return std::ranges::mismatch(ids_, ids).in1 - ids_.begin();
}

std::unique_ptr<KvSequence> HeldCache::fork(std::span<const int32_t> ids, const Wanted& wanted,
                                            bool take) {
  const std::scoped_lock lock(mutex_);
  if (!cache_) return nullptr;
  const int64_t length = adapter_ == wanted.adapter ? std::min(wanted.most, common(ids)) : 0;
  std::unique_ptr<KvSequence> result;
  if (length > 0) result = cache_->fork(length, wanted.max_tokens, wanted.max_step);
  if (take) {
    ids_.clear();
    cache_.reset();
  }
  return result;
}

std::shared_ptr<HeldCache> HeldCache::copy(std::span<const int32_t> ids) const {
  auto result = std::make_shared<HeldCache>();
  const std::scoped_lock lock(mutex_);
  const int64_t length = common(ids);
  if (!cache_ || length == 0) return result;
  result->cache_ = cache_->fork(length, length, length);
  if (result->cache_) {
    result->ids_.assign(ids_.begin(), ids_.begin() + length);
    result->adapter_ = adapter_;
  }
  return result;
}

int64_t HeldCache::matching(std::span<const int32_t> ids) const {
  const std::scoped_lock lock(mutex_);
  return cache_ ? common(ids) : 0;
}

void HeldCache::read(
    const std::function<void(const KvSequence* cache, const std::string& adapter)>& use) const {
  const std::scoped_lock lock(mutex_);
  use(cache_.get(), adapter_);
}

}  // namespace linnet::engine
