// Derivatives of functions of arrays, by reverse and by forward accumulation.
//
//   const auto [loss, gradients] = ops::value_and_grad(
//       [&](const ops::Arrays& p) { return ops::mean(ops::square(ops::matmul(x, p[0]) - y)); },
//       {weights});
//
// A function is ordinary code over ops: every differentiable op has its rule in its own file
// (tests/ops/gradient_test.cpp checks them all), and the others (comparisons, argmax, random
// numbers, conversions to integers) give constants. Derivatives are f32, have the shape of what
// they belong to, and are equal to the bit for any thread count and instruction set: they are ops
// themselves, and several derivatives of one array are added in one order.
//
// What a function captures and is not among its inputs counts as a constant. Derivatives of
// derivatives are not taken: inside a function, these functions see constants only.
//
// Threads: each call has a tape of its own; arrays on it belong to the calling thread.
#pragma once

#include <functional>

#include "ops/tape.hpp"

namespace linnet::ops {

using Function = std::function<Arrays(const Arrays&)>;

/// A function's results and, of each, how they pull cotangents back.
struct Vjp {
  Arrays outputs;  ///< constants
  /// Vector-Jacobian product: cotangents of the outputs (undefined: zeros) -> cotangents of the
  /// inputs, each f32 of its input's shape. May be called any number of times, not at once.
  std::function<Arrays(const Arrays& cotangents)> pullback;
};
/// Errors: invalid_argument if an input is not floating; from pullback, if a cotangent has not its
/// output's shape; what `fn` throws.
Vjp vjp(const Function& fn, const Arrays& inputs);

struct Jvp {
  Arrays outputs;   ///< constants
  Arrays tangents;  ///< of the outputs, f32
};
/// Jacobian-vector product: tangents of the inputs (undefined: zeros) -> tangents of the outputs.
/// Errors: as vjp.
Jvp jvp(const Function& fn, const Arrays& inputs, const Arrays& tangents);

struct ValueAndGrad {
  Array value;  ///< a constant
  Arrays gradients;
};
/// A function's only result, of one element, and its gradients by the inputs that `argnums` names
/// (all, if it is empty), in that order. What the tape holds is freed as the gradients pass it.
/// Errors: invalid_argument for a result of several elements, or a number beyond the inputs; as
/// vjp.
ValueAndGrad value_and_grad(const std::function<Array(const Arrays&)>& fn, const Arrays& inputs,
                            const std::vector<size_t>& argnums = {});

/// fn(inputs), of which nothing but the inputs is kept for the backward pass: it is run again
/// there (Chen et al. 2016, "Training deep nets with sublinear memory cost"). Arrays on the tape
/// that it captures get their derivatives too. Same values, same derivatives; `fn` must give the
/// same each time, and must outlive the derivatives' computation in what it refers to.
Arrays checkpoint(const Function& fn, const Arrays& inputs);

}  // namespace linnet::ops
