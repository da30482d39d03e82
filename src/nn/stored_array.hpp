// Tensors of a checkpoint as arrays, checked.
#pragma once

#include <string>
#include <string_view>

#include "array/array.hpp"
#include "io/checkpoint.hpp"

namespace linnet::nn {

/// The tensor `name`, of that shape; `what` ends the message about another shape. Errors:
/// not_found, malformed_file naming both shapes.
io::StoredTensor find_tensor(const io::Checkpoint& checkpoint, const std::string& name,
                             const Shape& shape, std::string_view what = "");

/// The dtype of its elements. Errors: unsupported for a type that is no float.
DType floating_dtype(const io::StoredTensor& tensor);

/// Its elements, read in place where they are aligned. The type must be one that arrays have.
Array as_array(const io::StoredTensor& tensor, const DevicePtr& device);

}  // namespace linnet::nn
