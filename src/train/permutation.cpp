#include "train/permutation.hpp"

#include "base/error.hpp"

namespace linnet::train {
namespace {

constexpr uint64_t kRounds = 8;
constexpr int kHalfBitsLimit = 31;

}  // namespace

Permutation::Permutation(int64_t size, const Key& key) : size_(size), key_(key) {
  require(size >= 0 && size <= int64_t{1} << (2 * kHalfBitsLimit), "a permutation of {} numbers",
          size);
  while ((int64_t{1} << (2 * half_bits_)) < size) ++half_bits_;
}

int64_t Permutation::operator()(int64_t index) const {
  require(index >= 0 && index < size_, "number {} of a permutation of {}", index, size_);
  const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
  auto value = static_cast<uint64_t>(index);
  do {
    uint64_t left = value >> half_bits_;
    uint64_t right = value & mask;
    for (uint64_t round = 0; round < kRounds; ++round) {
      const uint64_t mixed = left ^ (random_block(key_, round << 32 | right)[0] & mask);
      left = right;
      right = mixed;
    }
    value = left << half_bits_ | right;
  } while (value >= static_cast<uint64_t>(size_));
  return static_cast<int64_t>(value);
}

}  // namespace linnet::train
