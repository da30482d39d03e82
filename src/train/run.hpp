// A training run: packs in, steps of the optimizer, validation, checkpoints to go on from.
#pragma once

#include <linnet/train.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "train/gradients.hpp"
#include "train/packing.hpp"
#include "train/schedule.hpp"
#include "train/state_file.hpp"

namespace linnet::train {

struct RunOptions {
  OptimizerOptions optimizer = default_options(OptimizerKind::adamw);
  ScheduleOptions schedule;
  LossOptions loss;
  double clip_norm = 1;        ///< of all gradients together; 0: not clipped
  int64_t packs_per_step = 1;  ///< whose gradients are added before a step
  PackOptions packs;
  int64_t steps = 0;  ///< after which done() is true
  uint64_t seed = 0;  ///< of dropout
  bool dropout = false;
  /// DatasetStatistics::checksum of the data; empty: not compared when it goes on.
  std::string data_checksum;
};

/// What a step came to.
struct StepReport {
  int64_t step = 0;  ///< from 1
  LossSums sums;
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping
  double seconds = 0;
};

/// The steps' bits depend on the options, the data and the subject's first values alone: not on
/// threads, on instruction sets, or on where a run was interrupted and resumed. Not thread-safe.
class Run {
 public:
  /// `subject` and `data` must outlive it. Errors: those of the parts; out_of_memory.
  Run(Subject& subject, Split& data, const RunOptions& options);

  [[nodiscard]] bool done() const noexcept { return step_ >= options_.steps; }
  [[nodiscard]] int64_t step_count() const noexcept { return step_; }
  /// The next step. Errors: invalid_argument if loss or gradients are no numbers any more (no
  /// parameter is changed then) or the data ends; those of reading it; out_of_memory.
  StepReport step();
  /// The mean loss over a split, with the parameters as they are. At most `max_packs` packs of it
  /// (0: all), the same ones each time.
  [[nodiscard]] LossSums validate(Split& split, int64_t max_packs) const;

  /// What a checkpoint of now holds, but for the history.
  [[nodiscard]] RunState state() const;
  /// Writes a checkpoint into the folder `run`; see state_file.hpp.
  std::filesystem::path save(const std::filesystem::path& run, const TrainHistory& history,
                             int64_t keep) const;
  /// Goes on from a checkpoint; returns its history. Errors: malformed_file for a damaged one;
  /// invalid_argument if it is of a run with other options or data, or whose tokenizer or chat
  /// template made other tokens of them.
  TrainHistory resume(const std::filesystem::path& checkpoint);

  /// What two runs must share so that one can go on from the other's checkpoint.
  [[nodiscard]] std::string fingerprint() const;

 private:
  Subject& subject_;
  RunOptions options_;
  Schedule schedule_;
  Optimizer optimizer_;
  PackStream stream_;
  int64_t step_ = 0;
};

}  // namespace linnet::train
