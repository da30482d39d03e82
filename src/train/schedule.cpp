#include "train/schedule.hpp"

#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/math.hpp"

namespace linnet::train {

std::string_view to_string(ScheduleKind kind) noexcept {
  switch (kind) {
    case ScheduleKind::constant: return "constant";
    case ScheduleKind::linear: return "linear";
    case ScheduleKind::cosine: return "cosine";
  }
  return "?";
}

ScheduleKind parse_schedule(std::string_view name) {
  for (const auto kind : {ScheduleKind::constant, ScheduleKind::linear, ScheduleKind::cosine})
    if (name == to_string(kind)) return kind;
  fail(ErrorCode::invalid_argument,
       "schedule \"{}\" is unknown; there are constant, linear and cosine", name);
}

Schedule::Schedule(const ScheduleOptions& options) : options_(options) {
  require(std::isfinite(options.learning_rate) && options.learning_rate >= 0,
          "the learning rate is {}", options.learning_rate);
  require(options.minimum_ratio >= 0 && options.minimum_ratio <= 1,
          "the schedule's least ratio is {}, expected 0 to 1", options.minimum_ratio);
  require(options.warmup_steps >= 0, "the schedule has {} steps of warm-up", options.warmup_steps);
  if (options.kind == ScheduleKind::constant) {
    require(options.minimum_ratio == 0, "a constant schedule has no least ratio");
    return;
  }
  require(options.total_steps >= 1, "a {} schedule has {} steps", to_string(options.kind),
          options.total_steps);
  require(options.warmup_steps <= options.total_steps,
          "the schedule has {} steps of warm-up and {} in all", options.warmup_steps,
          options.total_steps);
}

double Schedule::at(int64_t step) const {
  require(step >= 0, "the schedule was asked for step {}", step);
  const auto& [kind, peak, warmup, total, minimum] = options_;
  if (step < warmup) return peak * (static_cast<double>(step + 1) / static_cast<double>(warmup));
  if (kind == ScheduleKind::constant) return peak;
  if (step >= total) return peak * minimum;
  const double progress = static_cast<double>(step - warmup) / static_cast<double>(total - warmup);
  const double left = kind == ScheduleKind::linear
                          ? 1 - progress
                          : (1 + portable::cos(std::numbers::pi * progress)) / 2;
  return peak * (minimum + (1 - minimum) * left);
}

}  // namespace linnet::train
