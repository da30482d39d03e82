// What happened in a training run, step by step: for checkpoints, plots and reports. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace linnet::train {

/// One optimizer step. What was not measured is 0.
struct HistoryPoint {
  int64_t step = 0;  ///< from 1, rising
  double loss = 0;   ///< mean per token; NaN if it was none
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping
  double tokens_per_second = 0;
  int64_t memory_bytes = 0;  ///< the pool's, at most during the step
};

struct ValidationPoint {
  int64_t step = 0;  ///< after which it was measured
  double loss = 0;
};

struct TrainingHistory {
  std::string title = {};  ///< of a report; not part of checkpoints, nor are the facts
  std::vector<std::pair<std::string, std::string>> facts = {};  ///< "Model", "gemma-3-1b"
  std::vector<HistoryPoint> steps = {};
  std::vector<ValidationPoint> validation = {};
};

}  // namespace linnet::train
