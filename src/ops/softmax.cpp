#include "ops/softmax.hpp"

#include "kernels/softmax.hpp"
#include "ops/rows.hpp"

namespace linnet::ops {
namespace {

using Kernel = void (*)(const kernels::SoftmaxArgs&, const kernels::cpu::Context&);

Array along_axis(std::string_view op, Kernel kernel, const Array& x, int axis) {
  require(is_floating(x.dtype()), "{}: x is {} {}, expected a floating dtype", op,
          to_string(x.dtype()), x.shape());
  const AxisRows rows = rows_along(x, axis, op);
  Array y = Array::empty(rows.dense.shape(), DType::f32, x.device());
  kernel({.x = rows.dense.data<float>(),
          .y = y.mutable_data<float>(),
          .rows = rows.count,
          .width = rows.width},
         x.device()->context());
  return rows.restore(astype(y, x.dtype()));
}

}  // namespace

Array softmax(const Array& x, int axis) {
  return along_axis("softmax", kernels::cpu::softmax, x, axis);
}

Array log_softmax(const Array& x, int axis) {
  return along_axis("log_softmax", kernels::cpu::log_softmax, x, axis);
}

}  // namespace linnet::ops
