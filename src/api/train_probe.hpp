// A step of a training run, for the program's own measurements.
#pragma once

#include <linnet/train.hpp>

#include "kernels/trace.hpp"

namespace linnet {

struct ProbedStep {
  double seconds = 0;
  int64_t tokens = 0;
};

class TrainProbe {
 public:
  /// The trainer's next step, whose ops record themselves. No event, history or file comes of it:
  /// a trainer that was probed is not to be run. Errors: as Trainer::run.
  static ProbedStep step(Trainer& trainer, kernels::Trace& trace);
};

}  // namespace linnet
