// Hashing for the tokenizer's tables: short strings and pairs of ids.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace linnet::text {

/// Both halves of the 128-bit product, folded.
inline uint64_t hash_mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// A number drawn once per process, so that no file can be made to collide.
uint64_t hash_seed();

inline uint64_t hash_bytes(std::string_view bytes, uint64_t seed) {
  constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15;
  uint64_t hash = seed ^ bytes.size();
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left > 8; at += 8, left -= 8) {
    uint64_t word = 0;
    std::memcpy(&word, at, 8);
    hash = hash_mix(hash ^ word, kMultiplier);
  }
  uint64_t word = 0;
  if (left >= 4) {  // two overlapping reads instead of a loop
    uint32_t low = 0;
    uint32_t high = 0;
    std::memcpy(&low, at, 4);
    std::memcpy(&high, at + left - 4, 4);
    word = uint64_t{high} << 32 | low;
  } else if (left > 0) {
    const auto byte = [&](size_t i) { return uint64_t{static_cast<unsigned char>(at[i])}; };
    word = byte(0) << 16 | byte(left / 2) << 8 | byte(left - 1);
  }
  return hash_mix(hash ^ word, kMultiplier ^ seed);
}

}  // namespace linnet::text
