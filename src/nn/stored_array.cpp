#include "nn/stored_array.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace linnet::nn {

io::StoredTensor find_tensor(const io::Checkpoint& checkpoint, const std::string& name,
                             const Shape& shape, std::string_view what) {
  const auto tensor = checkpoint.find(name);
  if (!tensor) fail(ErrorCode::not_found, "{} has no tensor {}", checkpoint.name(), name);
  if (!std::ranges::equal(shape, tensor->shape))
    fail(ErrorCode::malformed_file, "{} is [{}], expected {}{}", name,
         fmt::join(tensor->shape, ", "), shape, what);
  return *tensor;
}

DType floating_dtype(const io::StoredTensor& tensor) {
  const auto dtype = io::to_dtype(tensor.dtype);
  if (!dtype || !is_floating(*dtype))
    fail(ErrorCode::unsupported, "{} is stored as {}; linnet reads BF16, F16 and F32 weights",
         tensor.name, io::to_string(tensor.dtype));
  return *dtype;
}

Array as_array(const io::StoredTensor& tensor, const DevicePtr& device) {
  return Array::over(io::aligned_bytes(tensor.bytes, tensor.dtype), Shape(tensor.shape),
                     *io::to_dtype(tensor.dtype), device);
}

}  // namespace linnet::nn
