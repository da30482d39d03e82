#include "engine/speculator.hpp"

#include <algorithm>

namespace linnet::engine {
namespace {

/// Steps without guesses before the first, so that there is something to compare with.
constexpr int64_t kPlainSteps = 3;
constexpr int64_t kFirstPause = 16;
constexpr int64_t kMostDoublings = 5;

}  // namespace

uint64_t LookupDrafter::key(const int32_t* tokens) {
  uint64_t key = 0;
  for (size_t i = 0; i < kLength; ++i)
    key = (key ^ static_cast<uint32_t>(tokens[i])) * 0x9E3779B97F4A7C15U;
  return key ^ key >> 29;
}

std::vector<int32_t> LookupDrafter::guess(std::span<const int32_t> ids, int64_t most) {
  if (ids.size() < kLength) return {};
  // The last tokens themselves are not indexed: nothing follows them yet.
  for (; indexed_ + kLength < ids.size(); ++indexed_)
    after_[key(&ids[indexed_])] = indexed_ + kLength;
  const auto found = after_.find(key(&ids[ids.size() - kLength]));
  if (found == after_.end()) return {};
  const size_t from = found->second;
  // Keys may collide; a wrong guess would only cost time.
  const size_t count = std::min(static_cast<size_t>(most), ids.size() - from);
  return {ids.begin() + static_cast<int64_t>(from),
          ids.begin() + static_cast<int64_t>(from + count)};
}

std::vector<int32_t> Speculator::guess(std::span<const int32_t> ids, int64_t most) {
  if (pause_ > 0 || plain_steps_ < kPlainSteps) return {};
  return drafter_->guess(ids, std::min({length_, most_, most}));
}

void Speculator::learn(int64_t guessed, int64_t accepted, double seconds) {
  if (guessed == 0) {
    ++plain_steps_;
    plain_seconds_ = plain_seconds_ == 0 ? seconds : 0.75 * plain_seconds_ + 0.25 * seconds;
    pause_ = std::max<int64_t>(0, pause_ - 1);
    return;
  }
  const double per_token = seconds / static_cast<double>(accepted + 1);
  if (per_token < plain_seconds_) {
    failures_ = 0;
    length_ =
        accepted == guessed ? std::min(most_, length_ * 2) : std::max<int64_t>(1, accepted + 1);
    length_ = std::min(length_, most_);
    return;
  }
  pause_ = kFirstPause << std::min(failures_, kMostDoublings);
  ++failures_;
  length_ = std::min<int64_t>(2, most_);
}

}  // namespace linnet::engine
