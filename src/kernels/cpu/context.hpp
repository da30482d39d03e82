// Where a CPU kernel runs: on which threads, with which instruction set, and who watches.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.hpp"

namespace linnet::kernels {
class Trace;  // kernels/trace.hpp
}

namespace linnet::kernels::cpu {

/// Instruction sets that kernels are compiled for. Every one gives the same bits.
enum class Isa {
  scalar,
  avx2,          ///< AVX2 and FMA
  avx512f,       ///< AVX-512 F, BW, CD, DQ and VL
  avx512,        ///< the same with BF16: two steps of the contract's chains per instruction
  amx,           ///< the same with AMX tiles of bf16
  amx_emulated,  ///< AVX-512, the tile kernels run on a model of the tile registers: for tests
  neon,
};

/// "scalar", "avx2", "avx512f", "avx512", "amx", "amx_emulated", "neon".
std::string_view to_string(Isa isa) noexcept;

/// What elements and rows are computed with: "16 lanes of avx512"; for people.
std::string lanes_variant(Isa isa);

/// The sets that this build contains and this processor runs, best first. Never empty; never
/// amx_emulated. The first call asks the system to let this process use AMX, where there is any.
std::vector<Isa> available_isas();

/// available_isas(), and amx_emulated where AVX-512 runs: every way there is to compute here.
std::vector<Isa> testable_isas();

/// The set named by the environment variable LINNET_ISA, else the best available one. "avx512" is
/// the faster AVX-512 set without tiles: avx512f where BF16 is absent or slow (Intel).
/// Errors: invalid_argument for an unknown name, device if this processor or build lacks the set.
Isa isa_from_environment();

struct Context {
  ThreadPool& pool;
  Isa isa;
  Trace* trace = nullptr;  ///< where ops record themselves, if anywhere
};

}  // namespace linnet::kernels::cpu
