#include "ops/softmax.hpp"

#include "kernels/softmax.hpp"
#include "ops/elementwise.hpp"
#include "ops/reduce.hpp"
#include "ops/rows.hpp"
#include "ops/tape.hpp"

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

using GradientKernel = void (*)(const kernels::SoftmaxGradientArgs&, const kernels::cpu::Context&);

/// The cotangent of x, from y's and y, both f32.
Array gradient(std::string_view op, GradientKernel kernel, const Array& y, const Array& dy,
               int axis) {
  const AxisRows rows = rows_along(y, axis, op);
  const AxisRows cotangents = rows_along(dy, axis, op);
  Array dx = Array::empty(rows.dense.shape(), DType::f32, y.device());
  kernel({.y = rows.dense.data<float>(),
          .dy = cotangents.dense.data<float>(),
          .dx = dx.mutable_data<float>(),
          .rows = rows.count,
          .width = rows.width},
         y.device()->context());
  return rows.restore(dx);
}

}  // namespace

Array softmax(const Array& x, int axis) {
  Array y = along_axis("softmax", kernels::cpu::softmax, stop_gradient(x), axis);
  if (Tape* tape = recording({&x}))
    tape->record(
        "softmax", {&x}, {&y},
        {.vjp =
             [y = as_f32(y), axis](const Arrays& c) {
               return Arrays{gradient("softmax", kernels::cpu::softmax_gradient, y, c[0], axis)};
             },
         .jvp =
             [y = as_f32(y), axis](const Arrays& t) {
               return Arrays{mul(y, sub(t[0], sum(mul(y, t[0]), axis, true)))};
             }});
  return y;
}

Array log_softmax(const Array& x, int axis) {
  Array y = along_axis("log_softmax", kernels::cpu::log_softmax, stop_gradient(x), axis);
  if (Tape* tape = recording({&x}))
    tape->record("log_softmax", {&x}, {&y},
                 {.vjp =
                      [y = as_f32(y), axis](const Arrays& c) {
                        return Arrays{gradient("log_softmax", kernels::cpu::log_softmax_gradient, y,
                                               c[0], axis)};
                      },
                  .jvp =
                      [y = as_f32(y), axis](const Arrays& t) {
                        return Arrays{sub(t[0], sum(mul(exp(y), t[0]), axis, true))};
                      }});
  return y;
}

}  // namespace linnet::ops
