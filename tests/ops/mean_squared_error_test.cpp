// Its derivatives are in tests/ops/gradient_test.cpp.
#include "ops/mean_squared_error.hpp"

#include <gtest/gtest.h>

#include "support/expect_error.hpp"
#include "sweep.hpp"

namespace linnet {
namespace {

TEST(MeanSquaredError, IsTheMeanOfSquaredDifferences) {
  for (const DevicePtr& device : test::all_devices()) {
    const Array x = Array::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3}, device);
    const Array target = Array::from(std::vector<float>{1, 0, 3, 7, 5, 5}, {2, 3}, device);
    const Array loss = ops::mean_squared_error(x, target);
    EXPECT_EQ(loss.rank(), 0);
    EXPECT_EQ(loss.item<float>(), 14.0F / 6.0F) << test::name(device);
  }
}

TEST(MeanSquaredError, NamesWhatDoesNotFit) {
  const Array x = Array::from(std::vector<float>{1, 2}, {2}, test::device());
  const Array wide = Array::from(std::vector<float>{1, 2}, {1, 2}, test::device());
  test::expect_error(ErrorCode::invalid_argument, "[1, 2]",
                     [&] { static_cast<void>(ops::mean_squared_error(x, wide)); });
  const Array none = Array::from(std::vector<float>{}, {0}, test::device());
  test::expect_error(ErrorCode::invalid_argument, "with elements",
                     [&] { static_cast<void>(ops::mean_squared_error(none, none)); });
}

}  // namespace
}  // namespace linnet
