// The loss of language models: a head's logits against the tokens that followed.
#pragma once

#include <span>

#include "ops/linear.hpp"

namespace linnet::ops {

struct CrossEntropyOptions {
  /// This share of the target's probability is spread over all classes (Szegedy et al. 2016).
  float label_smoothing = 0;
  /// Times the square of log(sum(exp(logits))) is added, which keeps it near 0 (Chowdhery et al.
  /// 2022, "PaLM", section 5).
  float z_loss = 0;
  Rounding rounding = Rounding::none;  ///< of the product, as in linear()
  /// Logits held at a time: rows are taken in blocks of so many bytes, at least 16 of them.
  int64_t block_bytes = int64_t{64} << 20;
};

struct CrossEntropy {
  Array loss;            ///< [] f32: sum over rows of weight * loss
  Array log_likelihood;  ///< [R] f32, a constant: log softmax(logits)[target], without smoothing
};

/// Cross-entropy of the logits x W^T, which are never all there at once: of each block of rows the
/// logits, their losses and, where gradients are taken, the gradients are computed and the logits
/// forgotten.
///   x        [R, M]  f32
///   head     [V, M]  dense or quantised
///   targets  [R]     each in 0..V - 1
///   weights  [R]     of the rows; 0: the row does not count (but is computed: leave it out)
/// With z = x W^T, L = log(sum(exp(z))):
///   loss = (1 - smoothing) (L - z[target]) + smoothing (L - mean(z)) + z_loss L^2
/// The bits of a gradient depend on block_bytes (through the order of sums for W) and on nothing
/// else. Errors: invalid_argument naming the shapes or the target. Gradient: x and the head's
/// source. Devices: cpu.
CrossEntropy linear_cross_entropy(const Array& x, const PackedMatrix& head,
                                  std::span<const int32_t> targets, std::span<const float> weights,
                                  const CrossEntropyOptions& options = {});

}  // namespace linnet::ops
