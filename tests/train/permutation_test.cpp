#include "train/permutation.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/error.hpp"

namespace linnet::train {
namespace {

TEST(Permutation, EveryNumberOnce) {
  for (const int64_t size : {0, 1, 2, 3, 4, 5, 15, 16, 17, 100, 1000}) {
    const Permutation order(size, {.seed = 1, .stream = 2});
    std::set<int64_t> seen;
    for (int64_t i = 0; i < size; ++i) {
      const int64_t to = order(i);
      EXPECT_TRUE(to >= 0 && to < size);
      seen.insert(to);
    }
    EXPECT_EQ(std::ssize(seen), size);
  }
}

TEST(Permutation, KeysGiveOrdersThatDiffer) {
  const int64_t size = 1000;
  const Permutation a(size, {.seed = 1});
  const Permutation b(size, {.seed = 2});
  int64_t same = 0;
  int64_t fixed = 0;
  for (int64_t i = 0; i < size; ++i) {
    same += a(i) == b(i);
    fixed += a(i) == i;
  }
  EXPECT_LT(same, 10);
  EXPECT_LT(fixed, 10);
}

TEST(Permutation, IsTheSameEverywhere) {
  const Permutation order(10, {.seed = 7, .stream = 3});
  std::vector<int64_t> found;
  for (int64_t i = 0; i < 10; ++i) found.push_back(order(i));
  EXPECT_EQ(found, (std::vector<int64_t>{1, 7, 3, 8, 9, 4, 6, 0, 2, 5}));
}

TEST(Permutation, RefusesWhatIsOutside) {
  EXPECT_THROW(Permutation(-1, {}), Error);
  EXPECT_THROW((void)Permutation(10, {})(10), Error);
  EXPECT_THROW((void)Permutation(10, {})(-1), Error);
}

}  // namespace
}  // namespace linnet::train
