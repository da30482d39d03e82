#include "ops/cast.hpp"

#include "kernels/cast.hpp"
#include "ops/tape.hpp"
#include "ops/trace.hpp"

namespace linnet::ops {
namespace {

Array copy_as(const Array& x, DType dtype) {
  Array y = Array::empty(x.shape(), dtype, x.device());
  const auto span = trace_lanes("cast", y, x.size() * size_of(x.dtype()));
  kernels::cpu::cast({.from = x.view(), .to = y.mutable_view()}, x.device()->context());
  Tape* tape = is_floating(dtype) ? recording({&x}) : nullptr;
  if (tape != nullptr) {
    // Derivatives are f32 whatever the dtype: rounding counts as the identity.
    const auto same = [](const Arrays& d) { return d; };
    tape->record("cast", {&x}, {&y}, {.vjp = same, .jvp = same});
  }
  return y;
}

}  // namespace

Array astype(const Array& x, DType dtype) { return x.dtype() == dtype ? x : copy_as(x, dtype); }

Array contiguous(const Array& x) { return x.is_contiguous() ? x : copy_as(x, x.dtype()); }

}  // namespace linnet::ops
