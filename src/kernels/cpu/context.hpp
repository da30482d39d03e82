// Where a CPU kernel runs: on which threads and with which instruction set.
#pragma once

#include <string_view>
#include <vector>

#include "base/thread_pool.hpp"

namespace linnet::kernels::cpu {

/// Instruction sets that kernels are compiled for. Every one gives the same bits.
enum class Isa { scalar, avx2, avx512, neon };

/// "scalar", "avx2", "avx512", "neon".
std::string_view to_string(Isa isa) noexcept;

/// The sets that this build contains and this processor runs, best first. Never empty.
std::vector<Isa> available_isas();

/// The set named by the environment variable LINNET_ISA, else the best available one.
/// Errors: invalid_argument for an unknown name, device if this processor or build lacks the set.
Isa isa_from_environment();

struct Context {
  ThreadPool& pool;
  Isa isa;
};

}  // namespace linnet::kernels::cpu
