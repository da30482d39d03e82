#include "serve/random_id.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <random>

namespace linnet::serve {

std::string random_id(std::string_view prefix) {
  // A device read once, then a counter: ids are unique, and need not be secret.
  static const uint64_t process = (uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  static std::atomic<uint32_t> count{std::random_device{}()};
  return fmt::format("{}{:016x}{:08x}", prefix, process, count.fetch_add(1));
}

}  // namespace linnet::serve
