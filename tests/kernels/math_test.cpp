#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/cpu/context.hpp"

TEST(Isa, TheScalarVersionIsAlwaysThere) {
  const auto isas = linnet::kernels::cpu::available_isas();
  ASSERT_FALSE(isas.empty());
#if defined(__x86_64__)
  EXPECT_EQ(isas.back(), linnet::kernels::cpu::Isa::scalar);
#endif
}
