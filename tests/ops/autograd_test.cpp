// The tape itself: what is recorded and freed, sums of several derivatives, checkpoints, errors.
#include "ops/autograd.hpp"

#include <gtest/gtest.h>

#include "ops/creation.hpp"
#include "ops/elementwise.hpp"
#include "ops/linear.hpp"
#include "ops/matmul.hpp"
#include "ops/reduce.hpp"
#include "ops/view.hpp"
#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet {
namespace {

using ops::Arrays;
using test::device;
using test::expect_error;

Array vector(std::vector<float> values) {
  const auto count = static_cast<int64_t>(values.size());
  return Array::from(values, {count}, device());
}

TEST(Autograd, ValueAndGradientsByChosenArguments) {
  const auto fn = [](const Arrays& x) { return ops::sum(x[0] * x[0] * x[1]); };
  const Arrays x{vector({1, 2}), vector({3, 5})};
  const auto all = ops::value_and_grad(fn, x);
  EXPECT_EQ(all.value.item<float>(), 23);
  ASSERT_EQ(all.gradients.size(), 2U);
  EXPECT_EQ(all.gradients[0].to_vector<float>(), (std::vector<float>{6, 20}));
  EXPECT_EQ(all.gradients[1].to_vector<float>(), (std::vector<float>{1, 4}));
  const auto second = ops::value_and_grad(fn, x, {1});
  ASSERT_EQ(second.gradients.size(), 1U);
  EXPECT_EQ(second.gradients[0].to_vector<float>(), (std::vector<float>{1, 4}));
}

TEST(Autograd, NothingIsRecordedWithoutATapeAndNothingLeaks) {
  const Arrays x{vector({1, 2})};
  EXPECT_EQ(ops::exp(x[0]).tape(), nullptr);
  const int64_t before = device()->memory().stats().active_bytes;
  std::weak_ptr<ops::Tape> tape;
  const auto result = ops::value_and_grad(
      [&](const Arrays& a) {
        const Array y = ops::exp(a[0]);
        tape = y.tape();
        EXPECT_NE(y.tape(), nullptr);
        EXPECT_EQ(ops::stop_gradient(y).tape(), nullptr);
        EXPECT_EQ(ops::greater(y, 0.0F).tape(), nullptr);
        return ops::sum(y);
      },
      x);
  EXPECT_EQ(result.value.tape(), nullptr);
  EXPECT_EQ(result.gradients[0].tape(), nullptr);
  EXPECT_TRUE(tape.expired());
  const int64_t held = device()->memory().stats().active_bytes - before;
  EXPECT_LE(held, 512);  // the value and one gradient
}

TEST(Autograd, AnExceptionInAFunctionLeavesNothingBehind) {
  std::weak_ptr<ops::Tape> tape;
  EXPECT_THROW(static_cast<void>(ops::value_and_grad(
                   [&](const Arrays& a) -> Array {
                     const Array y = ops::exp(a[0]);
                     tape = y.tape();
                     throw std::runtime_error("no");
                   },
                   {vector({1})})),
               std::runtime_error);
  EXPECT_TRUE(tape.expired());
}

TEST(Autograd, StopGradientAndUnusedInputs) {
  const auto result =
      ops::value_and_grad([](const Arrays& x) { return ops::sum(ops::stop_gradient(x[0]) * x[0]); },
                          {vector({2, 3}), vector({7})});
  EXPECT_EQ(result.gradients[0].to_vector<float>(), (std::vector<float>{2, 3}));
  EXPECT_EQ(result.gradients[1].to_vector<float>(), (std::vector<float>{0}));
}

TEST(Autograd, APullbackMayBeCalledAgain) {
  const auto result = ops::vjp(
      [](const Arrays& x) {
        return Arrays{ops::square(x[0]), x[0] * 3.0F};
      },
      {vector({1, 2})});
  EXPECT_EQ(result.pullback({vector({1, 1}), Array()})[0].to_vector<float>(),
            (std::vector<float>{2, 4}));
  EXPECT_EQ(result.pullback({vector({0, 1}), vector({1, 1})})[0].to_vector<float>(),
            (std::vector<float>{3, 7}));
}

TEST(Autograd, ACheckpointHasTheSameBitsAndHoldsLess) {
  const auto run = [](bool again) {
    const DevicePtr on = Device::cpu({.threads = 1, .memory_limit = 1 << 30, .cache_limit = 0});
    std::vector<float> values(64 * 64);
    test::Numbers numbers(4);
    for (float& v : values) v = static_cast<float>(numbers.uniform(-0.2, 0.2));
    const Array w = Array::from(values, {64, 64}, on);
    const Array x = Array::from(values, {64, 64}, on);
    const auto result = ops::value_and_grad(
        [&](const Arrays& p) {
          const auto block = [&p](const Arrays& in) {
            Array y = in[0];
            for (int i = 0; i < 8; ++i) y = ops::tanh(ops::matmul(y, p[0]));
            return Arrays{y};
          };
          Arrays y{x};
          for (int i = 0; i < 4; ++i)
            y = again ? ops::checkpoint(block, {y[0] + p[1]}) : block({y[0] + p[1]});
          return ops::sum(ops::square(y[0]));
        },
        {w, Array::from(std::vector<float>{0.5F}, {1}, on)});
    return std::pair{result, on->memory().stats().peak_bytes};
  };
  const auto [plain, plain_peak] = run(false);
  const auto [again, again_peak] = run(true);
  EXPECT_EQ(test::to_bits(plain.value), test::to_bits(again.value));
  for (size_t i = 0; i < 2; ++i)
    EXPECT_EQ(test::to_bits(plain.gradients[i]), test::to_bits(again.gradients[i]));
  EXPECT_LT(again_peak, plain_peak * 2 / 3);
}

TEST(Autograd, WeightsPackedFromATapeHaveGradientsInEveryUse) {
  const Array w = Array::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3}, device());
  const Array x = Array::from(std::vector<float>{1, 0, 2}, {1, 3}, device());
  const auto result = ops::value_and_grad(
      [&](const Arrays& p) {
        const ops::PackedMatrix packed = ops::pack(p[0], DType::f32);
        const int32_t ids[] = {1};
        return ops::sum(ops::linear(x, packed)) + ops::sum(ops::embedding(packed, ids, 10));
      },
      {w});
  EXPECT_EQ(result.gradients[0].to_vector<float>(), (std::vector<float>{1, 0, 2, 11, 10, 12}));
  EXPECT_FALSE(ops::pack(w, DType::f32).source().defined());
}

TEST(Autograd, Errors) {
  const Arrays x{vector({1, 2})};
  expect_error(ErrorCode::invalid_argument, "result of [2]", [&] {
    static_cast<void>(ops::value_and_grad([](const Arrays& a) { return ops::exp(a[0]); }, x));
  });
  expect_error(ErrorCode::invalid_argument, "argument 3 of 1", [&] {
    static_cast<void>(ops::value_and_grad([](const Arrays& a) { return ops::sum(a[0]); }, x, {3}));
  });
  expect_error(ErrorCode::invalid_argument, "i32", [&] {
    static_cast<void>(
        ops::vjp([](const Arrays& a) { return a; }, {ops::arange(3, DType::i32, device())}));
  });
  expect_error(ErrorCode::invalid_argument, "cotangent 0 is [3]", [&] {
    static_cast<void>(ops::vjp([](const Arrays& a) { return a; }, x).pullback({vector({1, 2, 3})}));
  });
  expect_error(ErrorCode::invalid_argument, "slice_update_into", [&] {
    static_cast<void>(ops::value_and_grad(
        [&](const Arrays& a) {
          Array y = ops::zeros({2}, DType::f32, device());
          ops::slice_update_into(y, a[0], {});
          return ops::sum(y);
        },
        x));
  });
}

}  // namespace
}  // namespace linnet
