#include "ops/mean_squared_error.hpp"

#include "ops/elementwise.hpp"
#include "ops/reduce.hpp"

namespace linnet::ops {

Array mean_squared_error(const Array& x, const Array& target) {
  require(x.shape() == target.shape() && x.dtype() == DType::f32 && target.dtype() == DType::f32 &&
              x.size() > 0,
          "mean_squared_error: x is {} {} and the target {} {}, expected f32 of one shape with "
          "elements",
          to_string(x.dtype()), x.shape(), to_string(target.dtype()), target.shape());
  return mean(square(sub(x, target)));
}

}  // namespace linnet::ops
