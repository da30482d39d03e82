#include "serve/recent.hpp"

#include <algorithm>
#include <cmath>

namespace linnet::serve {
namespace {

int64_t second_of(RecentRate::Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

void RecentValues::add(double value) {
  if (values_.size() < capacity_) {
    values_.push_back(value);
    return;
  }
  values_[next_] = value;
  next_ = (next_ + 1) % capacity_;
}

Quantiles RecentValues::quantiles() const {
  if (values_.empty()) return {};
  std::vector<double> sorted = values_;
  std::ranges::sort(sorted);
  const auto at = [&](double part) {
    const auto rank = static_cast<size_t>(std::ceil(part * static_cast<double>(sorted.size())));
    return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
  };
  return {.p50 = at(0.5), .p95 = at(0.95), .p99 = at(0.99)};
}

void RecentRate::add(double count, Time now) {
  const int64_t second = second_of(now);
  Bucket& bucket = buckets_[static_cast<size_t>(second) % buckets_.size()];
  if (bucket.second != second) bucket = {.second = second};
  bucket.count += count;
}

double RecentRate::per_second(Time now) const {
  const int64_t second = second_of(now);
  double sum = 0;
  for (const Bucket& bucket : buckets_)
    if (bucket.second < second && bucket.second >= second - kWindowSeconds) sum += bucket.count;
  return sum / static_cast<double>(kWindowSeconds);
}

}  // namespace linnet::serve
