#include "ops/scan.hpp"

#include "kernels/scan.hpp"
#include "ops/rows.hpp"

namespace linnet::ops {

Array cumsum(const Array& x, int axis, const ScanOptions& options) {
  const AxisRows rows = rows_along(x, axis, "cumsum");
  const Array y = with_compute_type(x.dtype(), [&]<class T>(T) {
    Array sums = Array::empty(rows.dense.shape(), dtype_of<T>(), x.device());
    kernels::cpu::cumsum(kernels::ScanArgs<T>{.x = rows.dense.data<T>(),
                                              .y = sums.mutable_data<T>(),
                                              .rows = rows.count,
                                              .width = rows.width,
                                              .reverse = options.reverse,
                                              .exclusive = options.exclusive},
                         x.device()->context());
    return sums;
  });
  return rows.restore(is_floating(x.dtype()) ? astype(y, x.dtype()) : y);
}

}  // namespace linnet::ops
