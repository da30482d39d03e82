#include "array/memory_pool.hpp"

#include <sys/mman.h>

#include <bit>
#include <cstdlib>

#include "base/checked.hpp"

namespace linnet {
namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kHugePage = int64_t{2} << 20;

}  // namespace

MemoryPool::MemoryPool(int64_t limit_bytes, int64_t cache_limit_bytes)
    : cache_limit_(cache_limit_bytes) {
  set_limit(limit_bytes);
}

MemoryPool::~MemoryPool() { clear_cache_locked(); }

int64_t MemoryPool::class_bytes(int64_t bytes) {
  if (bytes <= 4096) return round_up(bytes, kAlignment);
  // Eight classes between powers of two.
  const int64_t step = int64_t{1} << (std::bit_width(static_cast<uint64_t>(bytes - 1)) - 4);
  return round_up(bytes, step);
}

std::byte* MemoryPool::allocate(int64_t bytes) {
  require(bytes >= 0 && bytes < (int64_t{1} << 48), "cannot allocate {} bytes", bytes);
  if (bytes == 0) return nullptr;
  const int64_t size = class_bytes(bytes);
  const std::scoped_lock lock(mutex_);
  std::byte* block = nullptr;
  if (const auto found = free_.find(size); found != free_.end() && !found->second.empty()) {
    block = found->second.back();
    found->second.pop_back();
    stats_.cached_bytes -= size;
  } else {
    make_room(size);
    const int64_t alignment = size >= kHugePage ? kHugePage : kAlignment;
    block = static_cast<std::byte*>(std::aligned_alloc(
        static_cast<size_t>(alignment), static_cast<size_t>(round_up(size, alignment))));
    if (block == nullptr)
      fail(ErrorCode::out_of_memory, "the system has no {} bytes left ({} active)", size,
           stats_.active_bytes);
    if (size >= kHugePage) ::madvise(block, static_cast<size_t>(size), MADV_HUGEPAGE);
    ++stats_.system_allocations;
  }
  stats_.active_bytes += size;
  stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.active_bytes);
  return block;
}

void MemoryPool::release(std::byte* block, int64_t bytes) noexcept {
  if (block == nullptr) return;
  const int64_t size = class_bytes(bytes);
  const std::scoped_lock lock(mutex_);
  stats_.active_bytes -= size;
  if (stats_.cached_bytes + size <= cache_limit_) {
    try {
      free_[size].push_back(block);
      stats_.cached_bytes += size;
      return;
    } catch (const std::bad_alloc&) {  // no memory for the list itself: fall through and free
    }
  }
  std::free(block);
}

void MemoryPool::set_cache_limit(int64_t cache_limit_bytes) {
  const std::scoped_lock lock(mutex_);
  cache_limit_ = cache_limit_bytes;
  if (stats_.cached_bytes > cache_limit_) clear_cache_locked();
}

void MemoryPool::make_room(int64_t bytes) {
  if (stats_.active_bytes + stats_.cached_bytes + bytes <= stats_.limit_bytes) return;
  clear_cache_locked();
  if (stats_.active_bytes + bytes > stats_.limit_bytes)
    fail(ErrorCode::out_of_memory, "{} bytes asked for, {} active, the budget is {}", bytes,
         stats_.active_bytes, stats_.limit_bytes);
}

void MemoryPool::add_external(int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  make_room(bytes);
  stats_.active_bytes += bytes;
  stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.active_bytes);
}

void MemoryPool::remove_external(int64_t bytes) noexcept {
  const std::scoped_lock lock(mutex_);
  stats_.active_bytes -= bytes;
}

MemoryStats MemoryPool::stats() const {
  const std::scoped_lock lock(mutex_);
  return stats_;
}

void MemoryPool::reset_peak() {
  const std::scoped_lock lock(mutex_);
  stats_.peak_bytes = stats_.active_bytes;
}

void MemoryPool::set_limit(int64_t limit_bytes) {
  require(limit_bytes > 0, "a memory budget of {} bytes cannot hold anything", limit_bytes);
  const std::scoped_lock lock(mutex_);
  stats_.limit_bytes = limit_bytes;
}

void MemoryPool::clear_cache() {
  const std::scoped_lock lock(mutex_);
  clear_cache_locked();
}

void MemoryPool::clear_cache_locked() noexcept {
  for (auto& [size, blocks] : free_)
    for (std::byte* block : blocks) std::free(block);
  free_.clear();
  stats_.cached_bytes = 0;
}

}  // namespace linnet
