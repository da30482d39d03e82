// How much longer than usual a random test runs: scripts/long-tests.sh sets LINNET_TEST_SCALE.
#pragma once

#include <cstdlib>

namespace linnet::test {

/// `rounds`, times LINNET_TEST_SCALE where that is a number from 1 to 1000.
inline int scaled(int rounds) {
  const char* text = std::getenv("LINNET_TEST_SCALE");
  const int scale = text == nullptr ? 1 : std::atoi(text);
  return scale >= 1 && scale <= 1000 ? rounds * scale : rounds;
}

}  // namespace linnet::test
