// A shuffled order without a table: a permutation of 0 .. n - 1 that is computed where it is asked
// for.
#pragma once

#include <cstdint>

#include "array/random.hpp"

namespace linnet::train {

/// A keyed permutation of 0 .. size - 1: eight Feistel rounds over the next power of four, whose
/// round function is Philox; numbers that fall outside are walked on until they fall inside (fewer
/// than four steps in the mean). The same on every machine. Immutable.
class Permutation {
 public:
  /// Errors: invalid_argument for a size below 0 or past 2^62.
  Permutation(int64_t size, const Key& key);

  [[nodiscard]] int64_t size() const { return size_; }
  /// Where number `index` goes. Errors: invalid_argument for an index that is not in 0 .. size - 1.
  [[nodiscard]] int64_t operator()(int64_t index) const;

 private:
  int64_t size_;
  Key key_;
  int half_bits_ = 1;
};

}  // namespace linnet::train
