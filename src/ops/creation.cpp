#include "ops/creation.hpp"

#include <cmath>

#include "kernels/cast.hpp"
#include "ops/cast.hpp"

namespace linnet::ops {

Array full(const Shape& shape, const Scalar& value, DType dtype, const DevicePtr& device) {
  const Array one = broadcast_view("full", to_array(value, dtype, device), shape);
  Array y = Array::empty(shape, dtype, device);
  kernels::cpu::cast({.from = one.view(), .to = y.mutable_view()}, device->context());
  return y;
}

Array zeros(const Shape& shape, DType dtype, const DevicePtr& device) {
  return Array::zeros(shape, dtype, device);
}

Array ones(const Shape& shape, DType dtype, const DevicePtr& device) {
  return full(shape, 1, dtype, device);
}

Array full_like(const Array& x, const Scalar& value) {
  return full(x.shape(), value, x.dtype(), x.device());
}

Array zeros_like(const Array& x) { return Array::zeros(x.shape(), x.dtype(), x.device()); }

Array ones_like(const Array& x) { return full_like(x, 1); }

namespace {

Array arange_integers(int64_t start, int64_t stop, int64_t step, DType dtype,
                      const DevicePtr& device) {
  require(step != 0, "arange: the step is 0");
  // 128 bits: stop - start may not fit 64.
  const __int128 span = static_cast<__int128>(stop) - start;
  const bool empty = step > 0 ? span <= 0 : span >= 0;
  const __int128 count = empty ? 0 : (span - (step > 0 ? 1 : -1)) / step + 1;
  require(count < (__int128{1} << 48), "arange: {}..{} by {} has too many elements", start, stop,
          step);
  const auto n = static_cast<int64_t>(count);
  // i * step alone may not fit 64 bits where the sum does, so both wrap.
  const auto value = [&](int64_t i) {
    return static_cast<int64_t>(static_cast<uint64_t>(start) +
                                static_cast<uint64_t>(i) * static_cast<uint64_t>(step));
  };
  if (n > 0) {  // the first and the last value must fit the dtype
    to_array(start, dtype, device);
    to_array(value(n - 1), dtype, device);
  }
  Array values = Array::empty({n}, DType::i64, device);
  auto* data = n > 0 ? values.mutable_data<int64_t>() : nullptr;
  for (int64_t i = 0; i < n; ++i) data[i] = value(i);
  return astype(values, dtype);
}

}  // namespace

Array arange(const Scalar& start, const Scalar& stop, const Scalar& step, DType dtype,
             const DevicePtr& device) {
  if (!is_floating(dtype)) {
    for (const Scalar* scalar : {&start, &stop, &step})
      require(static_cast<double>(scalar->to_int()) == scalar->to_double(),
              "arange: {} is not whole, and the dtype is {}", scalar->to_double(),
              to_string(dtype));
    return arange_integers(start.to_int(), stop.to_int(), step.to_int(), dtype, device);
  }
  const double from = start.to_double();
  const double by = step.to_double();
  const double count = std::ceil((stop.to_double() - from) / by);
  require(by != 0 && std::isfinite(count) && count < 0x1p48,
          "arange: {}..{} by {} is not a finite number of elements", from, stop.to_double(), by);
  const auto n = count > 0 ? static_cast<int64_t>(count) : int64_t{0};
  Array values = Array::empty({n}, DType::f32, device);
  auto* data = n > 0 ? values.mutable_data<float>() : nullptr;
  for (int64_t i = 0; i < n; ++i) data[i] = static_cast<float>(from + static_cast<double>(i) * by);
  return astype(values, dtype);
}

Array arange(int64_t stop, DType dtype, const DevicePtr& device) {
  return arange(0, stop, 1, dtype, device);
}

}  // namespace linnet::ops
