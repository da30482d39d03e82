#include "ops/activation.hpp"

#include "ops/cast.hpp"
#include "ops/elementwise.hpp"
#include "ops/promotion.hpp"
#include "ops/tape.hpp"
#include "ops/trace.hpp"

namespace linnet::ops {

namespace {

Array activate(const Array& x, Activation activation) {
  switch (activation) {
    case Activation::silu: return silu(x);
    case Activation::gelu_tanh: return gelu_tanh(x);
    case Activation::gelu: return gelu(x);
  }
  return {};
}

/// Cotangents of gate and up.
Arrays gradient(const Array& gate, const Array& up, Activation activation, const Array& dy) {
  const Array g = contiguous(as_f32(gate));
  const Array u = contiguous(as_f32(up));
  const Array c = contiguous(dy);
  Array dgate = Array::empty(g.shape(), DType::f32, g.device());
  Array dup = Array::empty(g.shape(), DType::f32, g.device());
  kernels::cpu::gated_activation_gradient({.gate = g.data<float>(),
                                           .up = u.data<float>(),
                                           .dy = c.data<float>(),
                                           .dgate = dgate.mutable_data<float>(),
                                           .dup = dup.mutable_data<float>(),
                                           .count = g.size(),
                                           .activation = activation},
                                          g.device()->context());
  return {dgate, dup};
}

/// A tangent of activation(gate) * up. (vjp of activation alone, with its diagonal Jacobian, is
/// its jvp.)
Array tangent(const Array& gate, const Array& up, Activation activation, const Arrays& t) {
  Array result;
  if (t[0].defined()) result = gradient(gate, up, activation, t[0])[0];
  if (!t[1].defined()) return result;
  return plus(result, mul(activate(as_f32(gate), activation), t[1]));
}

void record_gate(const Array& gate, const Array& up, Activation activation, Array& y) {
  Tape* tape = recording({&gate, &up});
  if (tape == nullptr) return;
  const Array g = stop_gradient(gate);
  const Array u = stop_gradient(up);
  tape->record(
      "gated_activation", {&gate, &up}, {&y},
      {.vjp = [g, u, activation](const Arrays& c) { return gradient(g, u, activation, c[0]); },
       .jvp = [g, u,
               activation](const Arrays& t) { return Arrays{tangent(g, u, activation, t)}; }});
}

}  // namespace

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
    return stop_gradient(in_place ? x : contiguous(stop_gradient(x)));
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
  record_gate(gate, up, activation, y);
  return y;
}

}  // namespace linnet::ops
