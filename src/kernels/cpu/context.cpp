#include "kernels/cpu/context.hpp"

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "base/error.hpp"
#include "kernels/cpu/dispatch.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace linnet::kernels::cpu {
namespace {

constexpr std::array kNames{
    std::pair{Isa::scalar, std::string_view("scalar")},
    std::pair{Isa::avx2, std::string_view("avx2")},
    std::pair{Isa::avx512f, std::string_view("avx512f")},
    std::pair{Isa::avx512, std::string_view("avx512")},
    std::pair{Isa::amx, std::string_view("amx")},
    std::pair{Isa::amx_emulated, std::string_view("amx_emulated")},
    std::pair{Isa::neon, std::string_view("neon")},
};

/// Beyond what Highway's AVX3 target needs (which hwy::SupportedTargets looks for).
struct Extensions {
  bool bf16 = false;       // AVX512_BF16
  bool fast_bf16 = false;  // whose dot product is faster than two multiply-adds
  bool amx = false;        // AMX-TILE and AMX-BF16, and the system lets us use them
};

Extensions find_extensions() {
  Extensions result;
#if defined(__x86_64__)
  if ((hwy::SupportedTargets() & HWY_AVX3) == 0) return result;
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) == 0) return result;
  result.bf16 = (eax & (1U << 5)) != 0;
  // Measured: Zen 4 issues one VDPBF16PS a cycle like any multiply-add; Emerald Rapids one every
  // other cycle, where it issues four multiply-adds.
  if (__get_cpuid(0, &eax, &ebx, &ecx, &edx) != 0) {
    constexpr unsigned kAuthenticAmd = 0x68747541;  // "Auth" in ebx
    result.fast_bf16 = result.bf16 && ebx == kAuthenticAmd;
  }
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return result;
  const bool tiles = (edx & (1U << 22)) != 0 && (edx & (1U << 24)) != 0;
  if (!tiles || !result.bf16) return result;
  // Tile registers are large, so Linux wants to be asked before a process first uses them
  // (Documentation/arch/x86/xstate.rst).
  constexpr long kRequestPermission = 0x1023;
  constexpr long kTileData = 18;
  result.amx = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#endif
  return result;
}

const Extensions& extensions() {
  static const Extensions found = find_extensions();
  return found;
}

bool runs_here(Isa isa) {
  const bool base = (highway_target(isa) & HWY_TARGETS & hwy::SupportedTargets()) != 0;
  switch (isa) {
    // Where vectors are part of the base architecture (AArch64) there is no separate scalar build;
    // Highway names it SCALAR instead of EMU128 for compilers with a fault in vector emulation.
    case Isa::scalar: return (HWY_TARGETS & (HWY_EMU128 | HWY_SCALAR)) != 0;
    case Isa::avx512: return base && extensions().bf16;
    case Isa::amx: return base && extensions().amx;
    default: return base;
  }
}

}  // namespace

std::string_view to_string(Isa isa) noexcept {
  for (const auto& [value, name] : kNames)
    if (value == isa) return name;
  return "?";
}

std::string lanes_variant(Isa isa) {
  const bool tiles = isa == Isa::amx || isa == Isa::amx_emulated;  // which are for products alone
  return fmt::format("16 lanes of {}", to_string(tiles ? Isa::avx512 : isa));
}

std::vector<Isa> available_isas() {
  std::vector<Isa> result;
  const Isa faster = extensions().fast_bf16 ? Isa::avx512 : Isa::avx512f;
  const Isa slower = extensions().fast_bf16 ? Isa::avx512f : Isa::avx512;
  for (const Isa isa : {Isa::amx, faster, slower, Isa::avx2, Isa::neon, Isa::scalar})
    if (runs_here(isa)) result.push_back(isa);
  return result;
}

std::vector<Isa> testable_isas() {
  std::vector<Isa> result = available_isas();
  if (runs_here(Isa::amx_emulated)) result.push_back(Isa::amx_emulated);
  return result;
}

Isa isa_from_environment() {
  const std::vector<Isa> available = available_isas();
  const char* forced = std::getenv("LINNET_ISA");
  if (forced == nullptr || *forced == '\0') return available.front();
  const auto found = std::ranges::find(kNames, std::string_view(forced),
                                       [](const auto& entry) { return entry.second; });
  if (found == kNames.end())
    fail(ErrorCode::invalid_argument,
         "LINNET_ISA={} is not one of scalar, avx2, avx512f, avx512, amx, amx_emulated, neon",
         forced);
  Isa isa = found->first;
  if (isa == Isa::avx512 && !extensions().fast_bf16) isa = Isa::avx512f;
  if (!runs_here(isa))
    fail(ErrorCode::device,
         "LINNET_ISA={}: this processor or build does not have it; best here is {}", forced,
         to_string(available.front()));
  return isa;
}

}  // namespace linnet::kernels::cpu
