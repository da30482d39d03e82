// Random arrays. Element i of a result depends on the key and on i only (categorical: on row i of
// its logits too), never on threads, instruction sets or the other elements.
#pragma once

#include "array/array.hpp"
#include "array/random.hpp"

namespace linnet::ops {

struct UniformOptions {
  float low = 0;
  float high = 1;
  DType dtype = DType::f32;
};

/// Uniform numbers: low + (high - low) * u, u a multiple of 2^-24 in [0, 1)
///   result  shape  options.dtype (f32, f16 or bf16), in [low, high); a 16-bit type rounds to
///                  nearest, which may give high
/// Computed in f32; element i takes word i mod 4 of block i / 4.
/// Errors: invalid_argument for another dtype, or unless low < high and high - low are finite.
/// Devices: cpu.
Array uniform(const Shape& shape, const Key& key, const DevicePtr& device,
              const UniformOptions& options = {});

struct NormalOptions {
  float mean = 0;
  float stddev = 1;
  DType dtype = DType::f32;
};

/// Normal numbers: mean + stddev * z, z by Box and Muller
///   result  shape  options.dtype (f32, f16 or bf16)
/// Computed in double precision and rounded to f32, then to the dtype; elements 2j and 2j + 1 take
/// two words of block j / 2.
/// Errors: invalid_argument for another dtype, or unless mean and stddev are finite, stddev >= 0.
/// Devices: cpu.
Array normal(const Shape& shape, const Key& key, const DevicePtr& device,
             const NormalOptions& options = {});

/// One index per row, drawn with the probabilities softmax(logits)
///   logits  [..., V]  any floating dtype, any strides
///   result  [...]     i64, 0..V - 1
/// By the inverse of the distribution function: the first index at which the running sum of
/// w = exp(logits - max) passes u * sum(w), u the 53 bits of block i for row i. Weights are f32;
/// sixteen at a time are added by the fixed tree, and those sums in double. An index whose logit
/// is -infinity is never drawn.
/// Errors: invalid_argument if logits is a scalar, not floating, or V is 0; if a row has NaN or
/// +infinity, or -infinity only. Devices: cpu.
Array categorical(const Array& logits, const Key& key);

}  // namespace linnet::ops
