#include "train/dataset_statistics.hpp"

#include <algorithm>
#include <deque>
#include <span>
#include <utility>

#include "base/checksum.hpp"
#include "base/error.hpp"

namespace linnet::train {
namespace {

// The packs that PackStream would make, from the lengths alone.
class PackCounter {
 public:
  explicit PackCounter(const PackOptions& options) : options_(options) {}

  void add(int64_t length) {
    window_.push_back(length);
    if (std::ssize(window_) == options_.window) pack();
  }
  int64_t finish() {
    while (!window_.empty()) pack();
    return packs_;
  }

 private:
  void pack() {
    int64_t tokens = 0;
    std::erase_if(window_, [&](int64_t length) {
      if (tokens + length > options_.max_tokens) return false;
      tokens += length;
      return true;
    });
    ++packs_;
  }

  PackOptions options_;
  std::deque<int64_t> window_;
  int64_t packs_ = 0;
};

}  // namespace

DatasetStatistics count_dataset(Split& split, const PackOptions& options) {
  DatasetStatistics result{.lines = split.size()};
  const PackStream checked(split, options);
  PackCounter packs(options);
  Checksum checksum;
  std::vector<int64_t> lengths;
  for (int64_t place = 0; place < split.size(); ++place) {
    const Encoded encoded = split.read(split.line_at(0, place));
    for (const auto& [role, bytes] : encoded.role_bytes) result.role_bytes[role] += bytes;
    int64_t used = 0;
    for (const Example& example : encoded.examples) {
      lengths.push_back(std::ssize(example.ids));
      checksum.add(std::as_bytes(std::span(&lengths.back(), 1)));
      checksum.add(std::as_bytes(std::span(example.ids)));
      checksum.add(std::as_bytes(std::span(example.weights)));
      packs.add(lengths.back());
      result.target_tokens += count_targets(example);
      used += lengths.back();
    }
    result.tokens += used;
    result.dropped_tokens += std::max<int64_t>(0, encoded.tokens - used);
    result.truncated += encoded.truncated;
    result.skipped_long += encoded.skipped_long;
    result.without_targets += encoded.without_targets;
    result.unlearned_labels += encoded.unlearned_label;
  }
  result.checksum = checksum.hex();
  result.bad_lines = split.bad_lines();
  result.first_bad_lines = split.first_bad_lines();
  result.examples = std::ssize(lengths);
  result.packs = packs.finish();
  if (lengths.empty()) return result;
  std::ranges::sort(lengths);
  for (size_t i = 0; i < result.lengths.size(); ++i) {
    const int64_t rank = (std::ssize(lengths) * DatasetStatistics::kPercentiles[i] + 99) / 100;
    result.lengths[i] = lengths[static_cast<size_t>(std::max<int64_t>(rank, 1) - 1)];
  }
  result.filled = static_cast<double>(result.tokens) /
                  (static_cast<double>(result.packs) * static_cast<double>(options.max_tokens));
  return result;
}

}  // namespace linnet::train
