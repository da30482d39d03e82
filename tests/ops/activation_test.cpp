#include "ops/activation.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "ops/elementwise.hpp"
#include "ops/view.hpp"
#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet {
namespace {

using ops::Activation;
using test::Layout;
using Value = long double;

Value reference(Activation activation, Value x) {
  switch (activation) {
    case Activation::silu: return x / (1 + std::exp(-x));
    case Activation::gelu: return x / 2 * (1 + std::erf(x / std::sqrt(Value{2})));
    case Activation::gelu_tanh: break;
  }
  const Value pi = std::acos(Value{-1});
  return x / 2 * (1 + std::tanh(std::sqrt(2 / pi) * (x + 0.044715L * x * x * x)));
}

TEST(GatedActivation, EveryLayoutShapeAndActivation) {
  for (const Activation activation : {Activation::silu, Activation::gelu_tanh, Activation::gelu})
    for (const DType dtype : {DType::f32, DType::bf16})
      for (const Shape& shape : test::odd_shapes())
        for (const Layout layout : test::all_layouts()) {
          if (shape.rank() == 0) continue;
          SCOPED_TRACE(fmt::format("{} {} {} {}", to_string(activation), to_string(dtype), shape,
                                   test::name(layout)));
          Array gate, up;
          const Array y = test::same_everywhere([&](const DevicePtr& device) {
            test::Numbers numbers(5);
            const auto next = [&] { return numbers.uniform(-8, 8); };
            const Array g = test::make_array(layout, shape, dtype, device, next);
            const Array u = test::make_array(Layout::dense, shape, dtype, device, next);
            if (device == test::device()) gate = g, up = u;
            return ops::gated_activation(g, u, activation);
          });
          ASSERT_EQ(y.shape(), shape);
          ASSERT_EQ(y.dtype(), dtype);
          const auto gates = test::to_values(gate);
          const auto ups = test::to_values(up);
          std::vector<Value> expected;
          for (size_t i = 0; i < gates.size(); ++i)
            expected.push_back(reference(activation, gates[i]) * ups[i]);
          test::expect_close(y, expected,
                             [&](size_t i) { return std::fabs(gates[i] * ups[i]) * 0x1p-23L; });
          if (::testing::Test::HasFatalFailure()) return;
        }
}

TEST(GatedActivation, HalvesOfAJointProjectionAndTheUnfusedOps) {
  const Array y = test::same_everywhere([&](const DevicePtr& device) {
    test::Numbers numbers(6);
    const Array joint = test::make_array(Layout::dense, {3, 2 * 2051}, DType::f32, device,
                                         [&] { return numbers.uniform(-8, 8); });
    const Array gate = ops::slice_axis(joint, 1, {.stop = 2051});
    const Array up = ops::slice_axis(joint, 1, {.start = 2051});
    const Array fused = ops::gated_activation(gate, up, Activation::gelu_tanh);
    EXPECT_EQ(test::to_bits(fused), test::to_bits(ops::gelu_tanh(gate) * up));
    return fused;
  });
  EXPECT_EQ(y.shape(), (Shape{3, 2051}));
}

TEST(GatedActivation, KernelWritesItsRowsOnly) {
  for (const DevicePtr& device : test::all_devices())
    for (const DType out : {DType::f32, DType::bf16})
      for (const int64_t width : {1, 15, 16, 17, 2049}) {
        const std::vector<float> values(static_cast<size_t>(2 * width), 1.0F);
        std::vector<uint16_t> buffer(static_cast<size_t>(4 * width + 16), 0xabcd);
        kernels::cpu::gated_activation({.gate = values.data(),
                                        .up = values.data(),
                                        .y = buffer.data() + 8,
                                        .dtype = DType::f32,
                                        .y_dtype = out,
                                        .rows = 2,
                                        .width = width,
                                        .gate_stride = width,
                                        .up_stride = width},
                                       device->context());
        const auto used = static_cast<size_t>(2 * width * size_of(out) / 2);
        for (size_t i = 0; i < buffer.size(); ++i)
          ASSERT_EQ(buffer[i] == 0xabcd, i < 8 || i >= 8 + used) << i << " width " << width;
      }
}

TEST(GatedActivation, Errors) {
  const auto& device = test::device();
  const Array x = Array::zeros({2, 3}, DType::f32, device);
  const auto expect = [&](std::string_view message, const Array& up) {
    test::expect_error(ErrorCode::invalid_argument, message,
                       [&] { ops::gated_activation(x, up, Activation::silu); });
  };
  expect("gated_activation: gate is f32 [2, 3] and up is f32 [3], expected the same",
         Array::zeros({3}, DType::f32, device));
  expect("gated_activation: gate is f32 [2, 3] and up is bf16 [2, 3]",
         Array::zeros({2, 3}, DType::bf16, device));
  expect("gated_activation: an operand is undefined", Array());
}

}  // namespace
}  // namespace linnet
