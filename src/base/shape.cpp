#include "base/shape.hpp"

#include <fmt/ranges.h>

namespace linnet {

Strides dense_strides(const Shape& shape) {
  Strides strides = shape;
  int64_t step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[axis] = step;
    step = checked_mul(step, std::max<int64_t>(shape[axis], 1));
  }
  return strides;
}

std::string to_string(const Dims& dims) {
  return fmt::format("[{}]", fmt::join(dims.begin(), dims.end(), ", "));
}

}  // namespace linnet
