// Drawing a token: weights of logits, the likeliest of them that reach a share of the whole, and
// one draw.
//
// Weights are added as integers, so that no order of additions is part of a result: a weight w
// in [0, 1] counts for floor(w * 2^36) units. Lists are in rising order of id; of equal weights
// the earlier one comes first.
#pragma once

#include <cstdint>

#include "kernels/cpu/context.hpp"

namespace linnet::kernels {

/// Longest list of weights: its units fit 61 bits.
inline constexpr int64_t kMaxWeights = int64_t{1} << 24;

/// Units of a weight in [0, 1].
inline uint64_t weight_units(float weight) {
  return static_cast<uint64_t>(static_cast<double>(weight) * 0x1p36);
}

struct WeightsArgs {
  const float* logits = nullptr;  // [count]
  int64_t count = 0;              // up to kMaxWeights
  float largest = 0;              // of the logits; finite
  float temperature = 1;          // a normal number above 0
  float* weights = nullptr;       // [count]
  uint32_t* histogram = nullptr;  // [weight_histogram(context)] for nucleus(), or null
};

/// The last weight that is kept: those above it are, and equal ones up to index `last`.
struct WeightCut {
  float weight = 0;
  int64_t last = 0;
};

struct NucleusArgs {
  const float* weights = nullptr;  // [count], as weights() gives them
  int64_t count = 0;
  const uint32_t* histogram = nullptr;  // of weights()
  uint64_t target = 0;                  // 1 .. units of all weights
  float* near_weights = nullptr;        // [nucleus_workspace(count, context)], to work on
  int32_t* near_ids = nullptr;          // the same
};

struct DrawArgs {
  const float* weights = nullptr;  // [count]
  int64_t count = 0;
  WeightCut cut;
  float floor = 0;     // weights below are not kept either
  double uniform = 0;  // in [0, 1)
};

namespace cpu {
/// Elements of a histogram.
int64_t weight_histogram(const Context& context);
int64_t nucleus_workspace(int64_t count, const Context& context);
/// weights[i] = exp((logits[i] - largest) / temperature). Returns the units of all, or 0 without a
/// histogram: who has no use for one has none for their sum.
uint64_t weights(const WeightsArgs& args, const Context& context);
/// Where the largest weights, taken one by one, reach `target` units.
WeightCut nucleus(const NucleusArgs& args, const Context& context);
/// The first index at which the units of the kept weights up to it pass uniform * (those of all
/// kept weights); that product is rounded to double, then down. One weight of 2^-36 at least must
/// be kept.
int64_t draw(const DrawArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
