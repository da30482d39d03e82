#include "array/random.hpp"

#include <cmath>
#include <numbers>

#include "base/math.hpp"

namespace linnet {
namespace {

constexpr uint64_t kSplitDomain = uint64_t{1} << 63;  // block numbers of split()

uint32_t low_word(uint64_t x) { return static_cast<uint32_t>(x); }
uint32_t high_word(uint64_t x) { return static_cast<uint32_t>(x >> 32); }

RandomWords block(const Key& key, uint64_t index) {
  return philox({low_word(index), high_word(index), low_word(key.stream), high_word(key.stream)},
                {low_word(key.seed), high_word(key.seed)});
}

}  // namespace

RandomWords philox(const RandomWords& counter, const std::array<uint32_t, 2>& key) {
  RandomWords c = counter;
  uint32_t k0 = key[0];
  uint32_t k1 = key[1];
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xd2511f53U} * c[0];
    const uint64_t p1 = uint64_t{0xcd9e8d57U} * c[2];
    c = {high_word(p1) ^ c[1] ^ k0, low_word(p1), high_word(p0) ^ c[3] ^ k1, low_word(p0)};
    k0 += 0x9e3779b9U;  // the golden ratio
    k1 += 0xbb67ae85U;  // sqrt(3) - 1
  }
  return c;
}

RandomWords random_block(const Key& key, uint64_t index) { return block(key, index); }

Key split(const Key& key, uint64_t index) {
  const RandomWords words = block(key, index | kSplitDomain);
  return {words[0] | static_cast<uint64_t>(words[1]) << 32,
          words[2] | static_cast<uint64_t>(words[3]) << 32};
}

double unit_double(uint32_t low, uint32_t high) {
  const uint64_t bits = (static_cast<uint64_t>(high) << 32 | low) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

std::array<double, 2> normal_pair(uint32_t first, uint32_t second) {
  const double radius =
      std::sqrt(-2.0 * portable::log((static_cast<double>(first) + 1.0) * 0x1p-32));
  const double angle = 2.0 * std::numbers::pi * (static_cast<double>(second) * 0x1p-32);
  return {radius * portable::cos(angle), radius * portable::sin(angle)};
}

}  // namespace linnet
