// Examples from JSONL files, in a shuffled order, without holding them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "train/example.hpp"
#include "train/line_index.hpp"
#include "train/permutation.hpp"

namespace linnet::train {

struct DatasetOptions {
  std::vector<std::filesystem::path> files;
  std::vector<std::filesystem::path> validation_files;
  /// Share of the lines of `files` that are kept for validation instead; by a hash of the line and
  /// the seed, so that equal lines are on the same side, wherever they stand. 0 with
  /// validation_files.
  double validation_fraction = 0;
  uint64_t seed = 0;
  bool shuffle = true;
  /// Lines of a split that may be bad (no JSON, no shape that is known, refused by the template)
  /// before it is an error. They are left out.
  int64_t max_bad_lines = 0;
};

struct BadLine {
  std::string where;  ///< "train.jsonl:17"
  std::string reason;
};

/// One side of the data: training or validation. Reading counts bad lines, so not thread-safe.
class Split {
 public:
  /// Lines, good and bad.
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(lines_.size()); }
  /// The number of the line at a place of an epoch's order.
  [[nodiscard]] int64_t line_at(int64_t epoch, int64_t place) const;
  /// The examples of line `number` (0 .. size() - 1); nothing for a bad line. Errors:
  /// malformed_file once there are more bad lines than allowed, with the first ones.
  Encoded read(int64_t number);

  /// Different bad lines that were read so far, and the first of them.
  [[nodiscard]] int64_t bad_lines() const { return static_cast<int64_t>(bad_numbers_.size()); }
  [[nodiscard]] const std::vector<BadLine>& first_bad_lines() const { return first_bad_; }
  /// Of the lines' places and all that decides the examples' order; where it differs, a position of
  /// one run means nothing to another.
  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
  [[nodiscard]] const Encoder& encoder() const { return *encoder_; }

 private:
  friend class Dataset;
  void note_bad(int64_t number, const std::string& reason);

  std::shared_ptr<const LineIndex> index_;
  std::shared_ptr<const Encoder> encoder_;
  std::vector<int64_t> lines_;  // numbers in index_
  uint64_t seed_ = 0;
  bool shuffle_ = false;
  int64_t max_bad_lines_ = 0;
  std::set<int64_t> bad_numbers_;
  std::vector<BadLine> first_bad_;
  std::string fingerprint_;
};

class Dataset {
 public:
  /// Indexes the files (one pass; 16 bytes a line). Errors: as LineIndex; invalid_argument for no
  /// files, a fraction that is not in [0, 1), a fraction beside validation files, and no line to
  /// train with.
  Dataset(const DatasetOptions& options, const std::shared_ptr<const Encoder>& encoder);

  Split& train() { return train_; }
  /// Empty without validation_files and validation_fraction; never shuffled.
  Split& validation() { return validation_; }

 private:
  Split train_;
  Split validation_;
};

}  // namespace linnet::train
