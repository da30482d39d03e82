// Normalisation over the last axis.
#pragma once

#include "array/array.hpp"
#include "ops/linear.hpp"

namespace linnet::ops {

/// Root-mean-square normalisation over the last axis: y = x / sqrt(mean(x^2) + eps) * weight
///   x       [..., D]  any floating dtype, any strides
///   weight  [D]       any floating dtype
///   result  [..., D]  dtype of x; computed in f32, the sum over 16 lanes and then a fixed tree
/// Errors: invalid_argument if x is a scalar or not floating, or weight is not [D].
Array rms_norm(const Array& x, const Array& weight, float eps);

/// Layer normalisation over the last axis: y = (x - mean) / sqrt(variance + eps) * weight + bias
///   x       [..., D]  any floating dtype, any strides
///   weight, bias [D]  any floating dtype; bias may be undefined (none)
///   result  [..., D]  dtype of x; computed in f32 with sums as in rms_norm
/// Errors: as rms_norm.
Array layer_norm(const Array& x, const Array& weight, const Array& bias, float eps);

/// An rms_norm that is part of another op.
struct RmsTerm {
  Array weight = {};  ///< [D]; undefined: there is no such norm
  float eps = 0;
};

/// Cotangents of rms_norm's operands.
struct RmsNormGradient {
  Array x;       ///< [..., D] f32
  Array weight;  ///< [D] f32; undefined unless wanted
};
///   dy   [..., D]  f32, the cotangent of rms_norm(x, weight, eps)
///   add  [..., D]  f32, added to x's cotangent; undefined: nothing
RmsNormGradient rms_norm_gradient(const Array& x, const Array& weight, float eps, const Array& dy,
                                  bool wants_weight, const Array& add = {});

struct ResidualNorm {
  Array sum;
  Array norm;  ///< undefined if there is no outer norm
};

/// A residual connection and the norms beside it, in one pass over memory:
///   sum = x + y, or x + rms_norm(y, inner); norm = rms_norm(sum, outer)
///   x, y          [..., D]  f32
///   inner, outer  weights as of rms_norm, or none: without that norm
///   sum           [..., D]  f32
///   norm          [..., D]  f32, or bf16 with Rounding::bf16: what a product would round it to
/// The bits are those of rms_norm and add. Errors: invalid_argument naming the shapes. Devices:
/// cpu.
ResidualNorm residual_norm(const Array& x, const Array& y, const RmsTerm& inner,
                           const RmsTerm& outer, Rounding rounding = Rounding::none);

}  // namespace linnet::ops
