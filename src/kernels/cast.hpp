// Copying between element types and layouts.
#pragma once

#include "kernels/cpu/context.hpp"
#include "kernels/view.hpp"

namespace linnet::kernels {

struct CastArgs {
  ConstView from;
  View to;  // the shape of from; no two of its elements may share an address
};

namespace cpu {
/// to[i] = from[i] for every index, converted to to's dtype:
///   float to float    to nearest, ties to even; to_bf16 and to_f16 of base/half.hpp
///   float to integer  towards zero; outside the range the nearest end of it; NaN gives 0
///   integer to float  to nearest f32, then as float to float
///   integer to integer  the low bits (two's complement)
///   anything to bool  x != 0; bool to anything: 0 or 1
void cast(const CastArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
