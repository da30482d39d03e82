// What a fuzz target holds to be always true.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace linnet::fuzz {

/// Ends the process, which libFuzzer reports with the input, unless `condition` holds.
inline void check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz: not true: %s\n", what);
  std::abort();
}

}  // namespace linnet::fuzz
