#include "ops/scan.hpp"

#include "kernels/scan.hpp"
#include "ops/rows.hpp"
#include "ops/tape.hpp"

namespace linnet::ops {

Array cumsum(const Array& given, int axis, const ScanOptions& options) {
  const Array x = stop_gradient(given);
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
  Array result = rows.restore(is_floating(x.dtype()) ? astype(y, x.dtype()) : y);
  Tape* tape = is_floating(x.dtype()) ? recording({&given}) : nullptr;
  if (tape != nullptr)
    tape->record(
        "cumsum", {&given}, {&result},
        {.vjp =
             [axis, options](const Arrays& c) {
               ScanOptions back = options;
               back.reverse = !options.reverse;
               return Arrays{cumsum(c[0], axis, back)};
             },
         .jvp = [axis, options](const Arrays& t) { return Arrays{cumsum(t[0], axis, options)}; }});
  return result;
}

}  // namespace linnet::ops
