// What a data set comes to, before anything is trained.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "train/dataset.hpp"
#include "train/packing.hpp"

namespace linnet::train {

struct DatasetStatistics {
  int64_t lines = 0;
  int64_t bad_lines = 0;
  std::vector<BadLine> first_bad_lines;
  int64_t examples = 0;
  int64_t tokens = 0;            ///< of the examples
  int64_t target_tokens = 0;     ///< that are learned
  int64_t dropped_tokens = 0;    ///< cut off or skipped with their lines
  int64_t truncated = 0;         ///< lines cut to max_length
  int64_t skipped_long = 0;      ///< lines longer than max_length that were left out
  int64_t without_targets = 0;   ///< lines with nothing to learn in max_length tokens
  int64_t unlearned_labels = 0;  ///< texts with a "label" where labels are not asked for
  /// Of the examples' lengths: the least, 10th, 25th, 50th, 75th, 90th, 99th percentile, the
  /// greatest (nearest rank).
  std::array<int64_t, 8> lengths{};
  static constexpr std::array<int, 8> kPercentiles{0, 10, 25, 50, 75, 90, 99, 100};
  int64_t packs = 0;  ///< of an epoch (the first)
  /// tokens / (packs * max_tokens): there is no padding, a pack that is not full is only smaller.
  double filled = 0;
  std::map<std::string, int64_t> role_bytes;  ///< bytes of contents by role
  /// Of the examples' ids and weights, in the first epoch's order: what tokenizer and chat template
  /// made of the lines.
  std::string checksum;
};

/// Reads the split once. Errors: as Split::read.
DatasetStatistics count_dataset(Split& split, const PackOptions& options);

}  // namespace linnet::train
