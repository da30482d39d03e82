// What the machine allows, and what this process took: what measurements are compared with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "array/device.hpp"

namespace linnet::cli {

/// The machine's limits with the threads and the instruction set that a model uses. A machine is
/// rarely left alone, so they are measured several times among the rest, and the best counts.
class Machine {
 public:
  /// `threads` as in LoadOptions. Errors: as Device::cpu.
  explicit Machine(int threads);

  /// Takes about half a second, and a GiB of memory (less where there is little) meanwhile.
  void measure();

  [[nodiscard]] double read_bytes_per_second() const noexcept { return best_read_; }
  [[nodiscard]] double flops_per_second() const noexcept { return best_flops_; }
  [[nodiscard]] const std::vector<double>& read_samples() const noexcept { return read_; }
  [[nodiscard]] const std::vector<double>& flops_samples() const noexcept { return flops_; }
  [[nodiscard]] int threads() const noexcept { return device_->threads().size(); }
  [[nodiscard]] std::string isa() const { return std::string(to_string(device_->isa())); }
  /// The instruction behind flops_per_second().
  [[nodiscard]] std::string instruction() const;

  /// The least time that so much work takes here.
  [[nodiscard]] double least_seconds(int64_t flops, int64_t bytes) const;
  /// Whether that is the time of the products, rather than that of reading.
  [[nodiscard]] bool bound_by_products(int64_t flops, int64_t bytes) const;

 private:
  DevicePtr device_;
  std::vector<double> read_;
  std::vector<double> flops_;
  double best_read_ = 0;
  double best_flops_ = 0;
};

/// The most memory that this process had in RAM at a time, since it started or since the last
/// reset_peak_resident(); files that it maps are part of it. Nothing where the system does not say.
std::optional<int64_t> peak_resident_bytes();
/// Whether the system did it.
bool reset_peak_resident();

/// The processor's name, as the system gives it; empty where it does not.
std::string processor_name();

}  // namespace linnet::cli
