#include "ops/cast.hpp"

#include "kernels/cast.hpp"
#include "ops/trace.hpp"

namespace linnet::ops {
namespace {

Array copy_as(const Array& x, DType dtype) {
  Array y = Array::empty(x.shape(), dtype, x.device());
  const auto span = trace_lanes("cast", y, x.size() * size_of(x.dtype()));
  kernels::cpu::cast({.from = x.view(), .to = y.mutable_view()}, x.device()->context());
  return y;
}

}  // namespace

Array astype(const Array& x, DType dtype) { return x.dtype() == dtype ? x : copy_as(x, dtype); }

Array contiguous(const Array& x) { return x.is_contiguous() ? x : copy_as(x, x.dtype()); }

}  // namespace linnet::ops
