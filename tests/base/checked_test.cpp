#include "base/checked.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/expect_error.hpp"

namespace linnet {
namespace {

using test::expect_error;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(Checked, ComputesWhatFits) {
  EXPECT_EQ(checked_mul(0, kMax), 0);
  EXPECT_EQ(checked_mul(1, kMax), kMax);
  EXPECT_EQ(checked_mul(int64_t{1} << 31, int64_t{1} << 31), int64_t{1} << 62);
  EXPECT_EQ(checked_mul(3037000499, 3037000499), 9223372030926249001);  // the largest square
  EXPECT_EQ(checked_add(kMax, 0), kMax);
  EXPECT_EQ(checked_add(kMax - 5, 5), kMax);
  EXPECT_EQ(checked_product({}), 1);
  EXPECT_EQ(checked_product(std::vector<int64_t>{2, 3, 5}), 30);
  EXPECT_EQ(checked_product(std::vector<int64_t>{0, kMax, kMax}), 0);
}

TEST(Checked, RefusesWhatDoesNot) {
  const auto refused = [](const auto& body) {
    expect_error(ErrorCode::invalid_argument, "does not fit 63 bits", body);
  };
  refused([] { (void)checked_mul(int64_t{1} << 32, int64_t{1} << 31); });
  refused([] { (void)checked_mul(3037000500, 3037000500); });
  refused([] { (void)checked_mul(kMax, kMax); });
  refused([] { (void)checked_mul(-1, 1); });
  refused([] { (void)checked_mul(-2, -2); });
  refused([] { (void)checked_mul(0, -1); });
  refused([] { (void)checked_add(kMax, 1); });
  refused([] { (void)checked_add(-1, 1); });
  refused([] { (void)checked_add(1, -1); });
  refused([] { (void)checked_product(std::vector<int64_t>{kMax, 2, 0}); });
  refused([] { (void)checked_product(std::vector<int64_t>{-1}); });
  expect_error(ErrorCode::invalid_argument, "4294967296 x 2147483648",
               [] { (void)checked_mul(int64_t{1} << 32, int64_t{1} << 31); });
}

TEST(Checked, Rounds) {
  static_assert(round_up(0, 8) == 0 && round_up(1, 8) == 8 && round_up(8, 8) == 8);
  static_assert(round_up(9, 1) == 9 && round_up(7, 3) == 9);
  static_assert(ceil_div(0, 4) == 0 && ceil_div(1, 4) == 1 && ceil_div(8, 4) == 2);
  static_assert(ceil_div(9, 4) == 3);
}

}  // namespace
}  // namespace linnet
