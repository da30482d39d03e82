// Random bits by counting: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers:
// as easy as 1, 2, 3", 2011). There is no state: block number i of a key is always the same four
// words, on every machine, thread and batch.
#pragma once

#include <array>
#include <cstdint>

namespace linnet {

/// What random numbers are drawn from. Two draws from one key give the same numbers: split() it, or
/// count `stream` up, for each use.
struct Key {
  uint64_t seed = 0;
  uint64_t stream = 0;

  friend bool operator==(const Key&, const Key&) = default;
};

using RandomWords = std::array<uint32_t, 4>;

/// The cipher itself: ten rounds over a 128-bit counter with a 64-bit key, words lowest first.
RandomWords philox(const RandomWords& counter, const std::array<uint32_t, 2>& key);

/// Block `index` (below 2^63) of a key: philox of the counter (index, stream) under the seed.
RandomWords random_block(const Key& key, uint64_t index);

/// Key number `index` (below 2^63) of those that descend from `key`; they share no blocks with it
/// or with each other, but for chance in 128 bits.
Key split(const Key& key, uint64_t index);

/// A double in [0, 1), a multiple of 2^-53, from two words.
double unit_double(uint32_t low, uint32_t high);

/// Two independent standard normal numbers from two words (Box and Muller in double precision, with
/// the functions of base/math.hpp): at most 6.66 in magnitude.
std::array<double, 2> normal_pair(uint32_t first, uint32_t second);

}  // namespace linnet
