// Steps of optimizers on one parameter, in place, and what clipping gradients needs.
//
// All arrays are dense f32 on one device and of the parameter's shape unless said otherwise; a
// gradient may have any strides and is multiplied by `gradient_scale` first. The arrays named
// *_into write are changed for everybody who shares their storage: nobody may read them meanwhile.
// The order of operations is in kernels/optimizer.hpp; the bits depend on neither instruction set
// nor threads. Errors of all: invalid_argument naming the arrays that do not fit. Devices: cpu.
#pragma once

#include <string_view>

#include "array/array.hpp"

namespace linnet::ops {

/// AdamW (Loshchilov and Hutter 2019), as torch.optim.AdamW: p *= 1 - lr wd; m and v moving means
/// of g and g^2; p -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
struct AdamWStep {
  double learning_rate = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  int64_t step = 1;  ///< t, from 1
  double gradient_scale = 1;
};
void adamw_into(Array& parameter, const Array& gradient, Array& exp_avg, Array& exp_avg_sq,
                const AdamWStep& step);

/// Stochastic gradient descent, as torch.optim.SGD without dampening: g += wd p; b = momentum b +
/// g; p -= lr (b, or g + momentum b with nesterov). Without momentum `buffer` is undefined and d is
/// g.
struct SgdStep {
  double learning_rate = 0;
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;
  double gradient_scale = 1;
};
void sgd_into(Array& parameter, const Array& gradient, Array& buffer, const SgdStep& step);

/// Lion (Chen et al. 2023): p *= 1 - lr wd; p -= lr sign(beta1 m + (1 - beta1) g);
/// m = beta2 m + (1 - beta2) g
struct LionStep {
  double learning_rate = 0;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double weight_decay = 0;
  double gradient_scale = 1;
};
void lion_into(Array& parameter, const Array& gradient, Array& exp_avg, const LionStep& step);

/// Adafactor (Shazeer and Stern 2018), as torch.optim.Adafactor.
struct AdafactorStep {
  double learning_rate = 0;
  double beta2_decay = -0.8;  ///< the new squares weigh t^beta2_decay
  double epsilon1 = 0x1p-23;
  double epsilon2 = 1e-3;
  double clip_threshold = 1;
  double weight_decay = 0;
  int64_t step = 1;  ///< t, from 1
  double gradient_scale = 1;
};
/// The second moments of a parameter: of a matrix [R, C] row_var [R] and col_var [C], else variance
/// of the parameter's shape; the others are undefined.
struct AdafactorMoments {
  Array row_var = {};
  Array col_var = {};
  Array variance = {};
};
void adafactor_into(Array& parameter, const Array& gradient, AdafactorMoments& moments,
                    const AdafactorStep& step);

/// The sum of x^2 in double: chunks of 4096 elements over 16 lanes in f32, added in rising order.
///   x  [...]  f32, any strides
double sum_of_squares(const Array& x);

/// sum += scale x, one rounding: gradients of several batches.
void add_scaled_into(Array& sum, const Array& x, double scale = 1);

}  // namespace linnet::ops
