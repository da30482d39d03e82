#include "array/device.hpp"

#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"

namespace linnet {

int64_t physical_memory() {
  const int64_t pages = ::sysconf(_SC_PHYS_PAGES);
  const int64_t page = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? pages * page : int64_t{1} << 40;
}

Device::Device(const CpuOptions& options, kernels::cpu::Isa isa)
    : memory_(options.memory_limit > 0 ? options.memory_limit : physical_memory(),
              options.cache_limit),
      threads_(options.threads),
      isa_(isa) {}

DevicePtr Device::cpu(const CpuOptions& options) {
  return cpu(options, kernels::cpu::isa_from_environment());
}

DevicePtr Device::cpu(const CpuOptions& options, kernels::cpu::Isa isa) {
  const auto available = kernels::cpu::testable_isas();
  if (std::find(available.begin(), available.end(), isa) == available.end())
    fail(ErrorCode::device, "this processor or build does not have {}",
         kernels::cpu::to_string(isa));
  require(options.memory_limit >= 0, "memory_limit {} is negative", options.memory_limit);
  require(options.cache_limit >= 0, "cache_limit {} is negative", options.cache_limit);
  return std::make_shared<Device>(options, isa);
}

}  // namespace linnet
