// Choosing the entry of a Highway dispatch table. Highway's own choice is one process-wide
// variable; linnet passes the instruction set with each call, so that two models (or two tests) may
// differ. Include after hwy/highway.h, in the section that is compiled once.
#pragma once

#include <hwy/targets.h>

#include <cstddef>

#include "kernels/cpu/context.hpp"

namespace linnet::kernels::cpu {

/// Highway's bit for an instruction set; 0 for the portable version.
constexpr int64_t highway_target(Isa isa) {
  switch (isa) {
    case Isa::scalar: return 0;
    case Isa::avx2: return HWY_AVX2;
    case Isa::avx512f:
    case Isa::avx512:
    case Isa::amx:
    case Isa::amx_emulated: return HWY_AVX3;
    case Isa::neon: return HWY_NEON;
  }
  return 0;
}

/// The function for `isa` in a table made by HWY_EXPORT.
template <class Function, size_t N>
Function choose(Function const (&table)[N], Isa isa) {
  if constexpr (N == 1) {
    return table[0];  // this build holds one version only
  } else {
    hwy::ChosenTarget target;
    target.Update(highway_target(isa));
    return table[target.GetIndex()];
  }
}

}  // namespace linnet::kernels::cpu
