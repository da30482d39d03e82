// How much memory a pass forward and back takes.
#pragma once

#include "models/config.hpp"
#include "train/subject.hpp"

namespace linnet::train {

struct PassSize {
  int64_t tokens = 0;
  bool checkpoint_layers = false;
  bool narrow = false;  ///< Compute::bf16
  int64_t adapted = 0;  ///< modules of a layer that have adapters
  int64_t trained = 0;  ///< parameters, whose gradients are held
  int64_t logits_bytes = 0;
};

/// An upper estimate of the bytes that the tape and the pass's own arrays hold at a time: what each
/// op of a layer keeps for its derivative, the largest layer's work, logits and their gradients.
/// tests/train/memory_test.cpp compares it with what passes take.
int64_t pass_bytes(const models::DecoderConfig& config, const PassSize& size);

/// Floating point operations of a token: 2 for each weight of a matrix product forward, 2 for the
/// gradient of its input; 2 more for its own gradient if it is trained, and 2 for a layer that is
/// computed again. Attention's scores are not counted.
double flops_per_token(const models::DecoderConfig& config, bool all_trained,
                       bool checkpoint_layers);

}  // namespace linnet::train
