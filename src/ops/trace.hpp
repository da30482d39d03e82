// How ops record themselves in their device's trace (kernels/trace.hpp).
#pragma once

#include <string_view>

#include "array/array.hpp"
#include "kernels/trace.hpp"

namespace linnet::ops {

/// Of an op that goes over rows or elements with the 16 virtual lanes and gives `y`, reading
/// `read_bytes` of arrays. Keep it alive while the kernel runs.
inline kernels::Span trace_lanes(std::string_view op, const Array& y, int64_t read_bytes) {
  return {y.device()->context().trace, [&] {
            return kernels::Work{.op = op,
                                 .shape = fmt::format("{}", y.shape()),
                                 .kernel = kernels::cpu::lanes_variant(y.device()->isa()),
                                 .passing_bytes = read_bytes + y.size() * size_of(y.dtype())};
          }};
}

}  // namespace linnet::ops
