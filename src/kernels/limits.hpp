// What this machine allows: the speeds that no kernel can pass, to be measured in the same run as
// the kernels that are compared with them.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "kernels/cpu/context.hpp"

namespace linnet::kernels::cpu {

/// Reads `buffer` with all threads, once in each of several ways (runs side by side, prefetching),
/// and returns the bytes per second of the quickest. Meaningful for a buffer of at least some
/// hundred MiB, far larger than the caches, that was written before (untouched pages are all one
/// page of zeros). The best of several calls is the machine's limit.
double read_bandwidth(std::span<const std::byte> buffer, const Context& context);

/// Multiplies and adds in registers alone for about `seconds`, on all threads, with the widest
/// product that kernels of the context's instruction set may use; floating-point operations (two
/// for each product) per second. The best of several calls is the machine's limit.
double matmul_peak(double seconds, const Context& context);

/// That product: "AMX bf16 tiles", "float32 multiply-adds", ...
std::string_view matmul_instruction(Isa isa) noexcept;

}  // namespace linnet::kernels::cpu
