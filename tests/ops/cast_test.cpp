#include "ops/cast.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace linnet {
namespace {

TEST(Cast, SmokeAllPairs) {
  for (auto isa : kernels::cpu::available_isas()) {
    const auto device = Device::cpu({.threads = 2}, isa);
    const Array x =
        Array::from<float>({0, 1, 2, 3, 4, 100}, {2, 3}, device).with_layout({3, 2}, {1, 3}, 0);
    for (int a = 0; a < 8; ++a)
      for (int b = 0; b < 8; ++b) {
        const auto y = ops::astype(ops::astype(x, static_cast<DType>(a)), static_cast<DType>(b));
        const bool b1 = a == 0 || b == 0;
        EXPECT_EQ(y.to_floats(), (b1 ? std::vector<float>{0, 1, 1, 1, 1, 1}
                                     : std::vector<float>{0, 3, 1, 4, 2, 100}));
      }
    EXPECT_EQ(ops::contiguous(x).to_floats(), (std::vector<float>{0, 3, 1, 4, 2, 100}));
  }
}

TEST(Cast, HalvesAllBits) {
  for (auto isa : kernels::cpu::available_isas()) {
    const auto device = Device::cpu({.threads = 2}, isa);
    std::vector<F16> all(65536);
    for (size_t i = 0; i < all.size(); ++i) all[i].bits = static_cast<uint16_t>(i);
    const Array x = Array::from(all, {65536}, device);
    const auto f = ops::astype(x, DType::f32).to_vector<float>();
    const auto back = ops::astype(ops::astype(x, DType::f32), DType::f16).to_vector<F16>();
    for (size_t i = 0; i < all.size(); ++i) {
      const float expect = to_float(all[i]);
      ASSERT_EQ(std::bit_cast<uint32_t>(f[i]), std::bit_cast<uint32_t>(expect)) << i;
      ASSERT_EQ(back[i].bits, to_f16(expect).bits) << i;
      if (!std::isnan(expect)) {
        ASSERT_EQ(back[i].bits, all[i].bits) << i;
      }
    }
  }
}

}  // namespace
}  // namespace linnet
