// The bytes behind arrays: a block of a device's pool, or memory that somebody else owns.
#pragma once

#include <cstddef>
#include <memory>

#include "array/device.hpp"
#include "base/bytes.hpp"

namespace linnet {

/// Returns its block to the pool when the last array over it dies. Not copyable; arrays share it.
class Storage {
 public:
  /// A fresh block. Errors: out_of_memory.
  Storage(DevicePtr device, int64_t bytes)
      : device_(std::move(device)), bytes_(bytes), data_(device_->memory().allocate(bytes)) {}
  /// Read-only memory kept alive by `external.owner`; not counted by the pool.
  Storage(DevicePtr device, Bytes external)
      : device_(std::move(device)),
        bytes_(external.size()),
        data_(const_cast<std::byte*>(external.view.data())),
        external_(std::move(external)),
        read_only_(true) {}
  ~Storage() {
    if (!read_only_) device_->memory().release(data_, bytes_);
  }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  [[nodiscard]] const DevicePtr& device() const noexcept { return device_; }
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] int64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool read_only() const noexcept { return read_only_; }

 private:
  DevicePtr device_;
  int64_t bytes_;
  std::byte* data_;
  Bytes external_;
  bool read_only_ = false;
};

}  // namespace linnet
