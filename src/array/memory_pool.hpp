// The memory of a device: every array's bytes come from here, are counted here and return here.
//
// Threads: all functions may be called from any thread (one mutex). A freed block is kept for the
// next allocation of its size class as long as the cache stays under cache_limit; what passes it
// goes back to the system at once. After warm-up a loop that repeats the same allocations takes
// nothing from the system (system_allocations stays constant).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace linnet {

struct MemoryStats {
  int64_t active_bytes = 0;        ///< held by live arrays, rounded up to size classes
  int64_t cached_bytes = 0;        ///< freed and kept for reuse
  int64_t peak_bytes = 0;          ///< largest active_bytes so far, or since reset_peak()
  int64_t limit_bytes = 0;         ///< active + cached may not pass this
  int64_t system_allocations = 0;  ///< blocks taken from the system so far
};

class MemoryPool {
 public:
  /// Errors: invalid_argument for a limit that is not positive.
  MemoryPool(int64_t limit_bytes, int64_t cache_limit_bytes);
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  /// A block of at least `bytes` bytes, aligned to 64 (to 2 MiB from 2 MiB on, with huge pages
  /// asked for); its contents are undefined. Zero bytes give a null pointer. Errors: out_of_memory
  /// if the limit would be passed even with an empty cache, or the system refuses.
  std::byte* allocate(int64_t bytes);
  /// Returns a block; `bytes` must be what allocate() was given.
  void release(std::byte* block, int64_t bytes) noexcept;

  /// Counts bytes that live outside the pool's blocks (a mapped file) as active.
  /// Errors: out_of_memory if the limit would be passed.
  void add_external(int64_t bytes);
  void remove_external(int64_t bytes) noexcept;

  [[nodiscard]] MemoryStats stats() const;
  void reset_peak();
  void set_limit(int64_t limit_bytes);
  /// Freed bytes that are kept for reuse from now on, at most.
  void set_cache_limit(int64_t cache_limit_bytes);
  void clear_cache();

  /// The size class of a request: what it occupies. At most 1/8 larger than the request from 4 KiB
  /// on.
  static int64_t class_bytes(int64_t bytes);

 private:
  void make_room(int64_t bytes);  // caller holds the mutex
  void clear_cache_locked() noexcept;

  mutable std::mutex mutex_;
  MemoryStats stats_;
  int64_t cache_limit_;
  std::map<int64_t, std::vector<std::byte*>> free_;
};

}  // namespace linnet
