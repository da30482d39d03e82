// The loss of a step's packs and its gradients by a subject's parameters.
#pragma once

#include <span>
#include <vector>

#include "ops/cross_entropy.hpp"
#include "train/packing.hpp"
#include "train/subject.hpp"

namespace linnet::train {

struct LossOptions {
  float label_smoothing = 0;
  float z_loss = 0;
  /// Keep the input of each layer only and compute the layer again in the backward pass: the same
  /// bits in a third more time and a fraction of the memory.
  bool checkpoint_layers = false;
  /// Of logits held at a time (ops::CrossEntropyOptions).
  int64_t logits_bytes = int64_t{64} << 20;
};

/// What the targets of packs cost on average, each counted with its weight.
struct LossSums {
  double loss = 0;            ///< what is minimised, smoothing and z-loss included
  double log_likelihood = 0;  ///< sum of weight * log p(target)
  double weight = 0;          ///< of all targets
  int64_t tokens = 0;
  int64_t targets = 0;

  /// Mean cross-entropy of a target, in nats; 0 without targets.
  [[nodiscard]] double mean() const { return weight > 0 ? -log_likelihood / weight : 0; }
  [[nodiscard]] double mean_loss() const { return weight > 0 ? loss / weight : 0; }
};

struct StepGradients {
  LossSums sums;
  std::vector<Array> gradients;  ///< in the order of the parameters
};

/// Gradients of the mean loss over all targets of all packs: packs only share out the work, and a
/// step over several has the gradients of one over all (up to the order of additions, which is that
/// of the packs). Only rows that have a target go through the head.
///   dropout  as Subject::bind; pack i of the step takes split(*dropout, i)
StepGradients gradients_of(const Subject& subject, std::span<const Pack> packs,
                           const LossOptions& options, const std::optional<Key>& dropout = {});

/// The same without gradients and dropout.
LossSums loss_of(const Subject& subject, std::span<const Pack> packs, const LossOptions& options);

}  // namespace linnet::train
