#include "ops/activation.hpp"

#include "ops/cast.hpp"
#include "ops/promotion.hpp"
#include "ops/trace.hpp"

namespace linnet::ops {

Array gated_activation(const Array& gate, const Array& up, Activation activation) {
  check_same_device("gated_activation", gate, up);
  require(gate.rank() >= 1 && gate.shape() == up.shape() && gate.dtype() == up.dtype() &&
              (gate.dtype() == DType::f32 || gate.dtype() == DType::bf16),
          "gated_activation: gate is {} {} and up is {} {}, expected the same f32 or bf16 [..., F]",
          to_string(gate.dtype()), gate.shape(), to_string(up.dtype()), up.shape());
  const int64_t width = gate.dim(-1);
  // The kernel reads rows at any distance; other layouts are copied.
  const auto rows = [](const Array& x) {
    const bool in_place = x.rank() == 2 && (x.strides()[1] == 1 || x.shape()[1] == 1);
    return in_place ? x : contiguous(x);
  };
  const Array gates = rows(gate);
  const Array ups = rows(up);
  const auto distance = [width](const Array& x) { return x.rank() == 2 ? x.strides()[0] : width; };
  Array y = Array::empty(gate.shape(), gate.dtype(), gate.device());
  const auto span = trace_lanes("gated_activation", y, 2 * y.size() * size_of(y.dtype()));
  kernels::cpu::gated_activation({.gate = gates.view().data,
                                  .up = ups.view().data,
                                  .y = y.mutable_view().data,
                                  .dtype = gate.dtype(),
                                  .y_dtype = gate.dtype(),
                                  .rows = width == 0 ? 0 : gate.size() / width,
                                  .width = width,
                                  .gate_stride = distance(gates),
                                  .up_stride = distance(ups),
                                  .activation = activation},
                                 y.device()->context());
  return y;
}

}  // namespace linnet::ops
