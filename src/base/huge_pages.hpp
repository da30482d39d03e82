// Large tables in large pages: fewer faults while they are filled, fewer misses of the address
// caches when they are looked up at random.
#pragma once

#include <cstddef>
#include <vector>

namespace linnet {

/// Asks the system for large pages for memory that was allocated and not touched yet. A hint:
/// nothing happens where the system has none, or for less than a few of them.
void advise_huge_pages(void* memory, size_t bytes) noexcept;

/// An empty vector's resize(), in large pages where that pays.
template <class T>
void resize_huge(std::vector<T>& values, size_t count) {
  values.reserve(count);
  advise_huge_pages(values.data(), count * sizeof(T));
  values.resize(count);
}

}  // namespace linnet
