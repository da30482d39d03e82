// Quantising a matrix of a checkpoint some rows at a time, so that neither it nor its quantised
// form is ever whole in memory.
#pragma once

#include <functional>

#include "io/checkpoint.hpp"
#include "ops/quantize.hpp"

namespace linnet::nn {

/// Quantises the rows of a stored matrix [N, K] in their order, a few megabytes at a time (a
/// multiple of 16 rows but for the last), and hands each part to `take`. The pages of the file are
/// given back as they are consumed. The bits do not depend on the parts.
/// Errors: those of ops::quantize with the tensor's name and the rows; what `take` throws.
void quantize_rows(const io::StoredTensor& tensor, const Quantization& quantization,
                   const DevicePtr& device,
                   const std::function<void(const ops::QuantizedRows&)>& take);

}  // namespace linnet::nn
