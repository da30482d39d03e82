// Conversion of dense elements and copying with steps: what cast() and the block kernels share.
#pragma once

#include <cstdint>

#include "base/dtype.hpp"
#include "kernels/cpu/context.hpp"

namespace linnet::kernels::cpu {

/// Converts n dense elements; the rules are those of cast().
using Convert = void (*)(const void* from, void* to, int64_t n);

/// The conversion between two different dtypes.
Convert find_convert(DType from, DType to, Isa isa);

/// to[i * to_step] = from[i * from_step] for i in 0..n-1; `size` is an element's bytes, steps count
/// elements and may be zero (from) or negative.
void copy_run(int64_t size, const void* from, int64_t from_step, void* to, int64_t to_step,
              int64_t n);

}  // namespace linnet::kernels::cpu
