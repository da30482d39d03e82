// A read-only range of bytes together with whatever keeps it alive: a mapping, a buffer, or the
// program itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace linnet {

struct Bytes {
  std::span<const std::byte> view;
  std::shared_ptr<const void> owner;  ///< null for static storage
  bool mapped = false;                ///< the bytes are a file's, mapped read-only

  [[nodiscard]] int64_t size() const noexcept { return static_cast<int64_t>(view.size()); }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(view.data()), view.size()};
  }
};

}  // namespace linnet
