#include "kernels/cpu/context.hpp"

#include <hwy/highway.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/error.hpp"
#include "kernels/cpu/dispatch.hpp"

namespace linnet::kernels::cpu {

std::string_view to_string(Isa isa) noexcept {
  switch (isa) {
    case Isa::scalar: return "scalar";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::neon: return "neon";
  }
  return "?";
}

std::vector<Isa> available_isas() {
  const int64_t runs = hwy::SupportedTargets();
  std::vector<Isa> result;
  for (Isa isa : {Isa::avx512, Isa::avx2, Isa::neon})
    if ((highway_target(isa) & HWY_TARGETS & runs) != 0) result.push_back(isa);
  // Where vectors are part of the base architecture (AArch64) there is no separate scalar build;
  // Highway names it SCALAR instead of EMU128 for compilers with a fault in vector emulation.
  if ((HWY_TARGETS & (HWY_EMU128 | HWY_SCALAR)) != 0) result.push_back(Isa::scalar);
  return result;
}

Isa isa_from_environment() {
  const std::vector<Isa> available = available_isas();
  const char* forced = std::getenv("LINNET_ISA");
  if (forced == nullptr || *forced == '\0') return available.front();
  for (Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (to_string(isa) != forced) continue;
    if (std::find(available.begin(), available.end(), isa) == available.end())
      fail(ErrorCode::device,
           "LINNET_ISA={}: this processor or build does not have it; best here is {}", forced,
           to_string(available.front()));
    return isa;
  }
  fail(ErrorCode::invalid_argument, "LINNET_ISA={} is not one of scalar, avx2, avx512, neon",
       forced);
}

}  // namespace linnet::kernels::cpu
