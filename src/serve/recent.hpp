// What happened lately: quantiles of the last values, rates of the last seconds.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace linnet::serve {

/// Median and tail; nothing of nothing.
struct Quantiles {
  std::optional<double> p50;
  std::optional<double> p95;
  std::optional<double> p99;
};

/// The most recent values of a kind, a fixed number of them. Not thread-safe.
class RecentValues {
 public:
  explicit RecentValues(size_t capacity = 1000) : capacity_(capacity) {}
  void add(double value);
  /// By nearest rank.
  [[nodiscard]] Quantiles quantiles() const;
  [[nodiscard]] size_t size() const { return values_.size(); }

 private:
  size_t capacity_;
  size_t next_ = 0;
  std::vector<double> values_;
};

/// Events of the last seconds. Not thread-safe.
class RecentRate {
 public:
  static constexpr int64_t kWindowSeconds = 10;
  using Time = std::chrono::steady_clock::time_point;
  void add(double count, Time now);
  /// Events a second over the last kWindowSeconds whole seconds.
  [[nodiscard]] double per_second(Time now) const;

 private:
  struct Bucket {
    int64_t second = -1;
    double count = 0;
  };
  std::array<Bucket, kWindowSeconds + 1> buckets_{};
};

}  // namespace linnet::serve
