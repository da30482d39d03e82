#include "cli/machine.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "array/array.hpp"
#include "base/proc_file.hpp"
#include "kernels/limits.hpp"

namespace linnet::cli {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

/// Far beyond any cache, but no more than a quarter of what is free.
int64_t buffer_bytes() {
  const int64_t free = proc_bytes("/proc/meminfo", "MemAvailable").value_or(1024 * kMiB);
  return std::clamp(free / 4 / kMiB, int64_t{64}, int64_t{1024}) * kMiB;
}

}  // namespace

Machine::Machine(int threads) : device_(Device::cpu({.threads = threads, .cache_limit = 0})) {}

void Machine::measure() {
  const auto context = device_->context();
  {
    Array buffer = Array::empty({buffer_bytes()}, DType::u8, device_);
    std::memset(buffer.mutable_data<uint8_t>(), 1, static_cast<size_t>(buffer.size()));
    const std::span bytes(buffer.data<uint8_t>(), static_cast<size_t>(buffer.size()));
    read_.push_back(kernels::cpu::read_bandwidth(std::as_bytes(bytes), context));
  }
  for (int i = 0; i < 3; ++i) flops_.push_back(kernels::cpu::matmul_peak(0.05, context));
  best_read_ = *std::ranges::max_element(read_);
  best_flops_ = *std::ranges::max_element(flops_);
}

std::string Machine::instruction() const {
  return std::string(kernels::cpu::matmul_instruction(device_->isa()));
}

double Machine::least_seconds(int64_t flops, int64_t bytes) const {
  return std::max(static_cast<double>(flops) / best_flops_,
                  static_cast<double>(bytes) / best_read_);
}

bool Machine::bound_by_products(int64_t flops, int64_t bytes) const {
  return static_cast<double>(flops) / best_flops_ > static_cast<double>(bytes) / best_read_;
}

std::optional<int64_t> peak_resident_bytes() { return proc_bytes("/proc/self/status", "VmHWM"); }

bool reset_peak_resident() {
  std::ofstream stream("/proc/self/clear_refs");
  stream << "5" << std::flush;
  return stream.good();
}

std::string processor_name() {
  return proc_entry("/proc/cpuinfo", "model name").value_or(std::string());
}

}  // namespace linnet::cli
