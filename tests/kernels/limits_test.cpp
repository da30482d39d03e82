// The loops that measure the machine run on every instruction set and give speeds that are numbers.
// (What the numbers are is the machine's business.)
#include "kernels/limits.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace linnet::kernels::cpu {
namespace {

TEST(Limits, EveryInstructionSetIsMeasured) {
  const std::vector<std::byte> buffer(size_t{9} << 20, std::byte{1});
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (const Isa isa : testable_isas()) {
      const Context context{pool, isa};
      const double read = read_bandwidth(buffer, context);
      const double peak = matmul_peak(1e-3, context);
      EXPECT_TRUE(std::isfinite(read) && read > 0) << to_string(isa) << ": " << read;
      EXPECT_TRUE(std::isfinite(peak) && peak > 0) << to_string(isa) << ": " << peak;
      EXPECT_FALSE(matmul_instruction(isa).empty());
    }
  }
}

}  // namespace
}  // namespace linnet::kernels::cpu
