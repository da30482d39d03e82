// The learning rate of each step.
#pragma once

#include <cstdint>
#include <string_view>

namespace linnet::train {

enum class ScheduleKind : uint8_t { constant, linear, cosine };

/// "constant", "linear", "cosine".
std::string_view to_string(ScheduleKind kind) noexcept;
/// Errors: invalid_argument for another name.
ScheduleKind parse_schedule(std::string_view name);

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::cosine;
  double learning_rate = 1e-4;  ///< the peak
  int64_t warmup_steps = 0;
  int64_t total_steps = 0;   ///< with warm-up; of linear and cosine
  double minimum_ratio = 0;  ///< of the peak, at total_steps; of linear and cosine
};

/// Immutable; values are computed in double with portable functions: the same on every machine.
class Schedule {
 public:
  /// Errors: invalid_argument for a rate that is negative or not finite, a ratio outside 0..1,
  /// negative steps, or a linear or cosine schedule whose warm-up is longer than the whole.
  explicit Schedule(const ScheduleOptions& options);

  /// The rate of step s = 0, 1, ... With w warm-up steps, n in all and r the least ratio:
  ///   s < w     peak (s + 1) / w: step 0 does something already, step w - 1 has the peak
  ///   constant  peak
  ///   linear    peak (r + (1 - r) (1 - x)), x = (s - w) / (n - w)
  ///   cosine    peak (r + (1 - r) (1 + cos(pi x)) / 2)
  /// From step n on (a run made longer) peak r. Errors: invalid_argument for a negative step.
  [[nodiscard]] double at(int64_t step) const;

 private:
  ScheduleOptions options_;
};

}  // namespace linnet::train
