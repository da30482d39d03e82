// A place where arrays live and ops run: its memory pool, its threads, its instruction set.
#pragma once

#include <memory>
#include <string>

#include "array/memory_pool.hpp"
#include "base/thread_pool.hpp"
#include "kernels/cpu/context.hpp"

namespace linnet {

enum class DeviceKind { cpu };

struct CpuOptions {
  int threads = 0;                 ///< 0: one per physical core
  int64_t memory_limit = 0;        ///< bytes; 0: the machine's physical memory
  int64_t cache_limit = 64 << 20;  ///< freed bytes kept for reuse
};

/// Held by every Storage that lives on it, so it dies with its last array. Each model has its own;
/// two devices share nothing. Thread-safe but for set_trace().
class Device {
 public:
  /// A CPU device with the instruction set of LINNET_ISA, else the best one here.
  /// Errors: as kernels::cpu::isa_from_environment and ThreadPool.
  static std::shared_ptr<Device> cpu(const CpuOptions& options = {});
  /// The same with an instruction set given. Errors: device if it is not available here.
  static std::shared_ptr<Device> cpu(const CpuOptions& options, kernels::cpu::Isa isa);

  [[nodiscard]] DeviceKind kind() const noexcept { return DeviceKind::cpu; }
  MemoryPool& memory() noexcept { return memory_; }
  ThreadPool& threads() noexcept { return threads_; }
  [[nodiscard]] kernels::cpu::Isa isa() const noexcept { return isa_; }
  kernels::cpu::Context context() noexcept { return {threads_, isa_, trace_}; }
  /// Ops record themselves in `trace` from now on; null: no longer. Not while ops run; the trace
  /// must live until it is taken away.
  void set_trace(kernels::Trace* trace) noexcept { trace_ = trace; }

  Device(const CpuOptions& options, kernels::cpu::Isa isa);

 private:
  MemoryPool memory_;
  ThreadPool threads_;
  kernels::cpu::Isa isa_;
  kernels::Trace* trace_ = nullptr;
};

using DevicePtr = std::shared_ptr<Device>;

/// Bytes of physical memory of this machine.
int64_t physical_memory();

}  // namespace linnet
