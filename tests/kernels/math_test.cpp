#include <gtest/gtest.h>
#include "kernels/cpu/context.hpp"
TEST(Isa, BestIsAvailable) { EXPECT_FALSE(linnet::kernels::cpu::available_isas().empty()); }
