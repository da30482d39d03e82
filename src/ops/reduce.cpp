#include "ops/reduce.hpp"

#include "kernels/reduce.hpp"
#include "ops/rows.hpp"

namespace linnet::ops {
namespace {

/// Elements of a row whose result needs at least one.
void require_elements(const Rows& rows, const Array& x, std::string_view op) {
  require(rows.width > 0 || rows.count == 0, "{}: no elements to reduce in x {}", op, x.shape());
}

template <template <class> class Args, class T, class Result, class Kernel>
Array run(const Rows& rows, const Kernel& kernel) {
  Array y = Array::empty(rows.kept, dtype_of<Result>(), rows.dense.device());
  kernel(Args<T>{.x = rows.dense.data<T>(),
                 .y = y.mutable_data<Result>(),
                 .rows = rows.count,
                 .width = rows.width},
         rows.dense.device()->context());
  return y;
}

/// A result of f32 or i64, whichever x is computed in.
template <class Kernel>
Array reduce(const Array& x, const Rows& rows, const Kernel& kernel) {
  return with_compute_type(
      x.dtype(), [&]<class T>(T) { return run<kernels::ReduceArgs, T, T>(rows, kernel); });
}

template <class Kernel>
Array reduce_to_index(const Array& x, const Rows& rows, const Kernel& kernel) {
  return with_compute_type(x.dtype(), [&]<class T>(T) {
    return run<kernels::ReduceToIndexArgs, T, int64_t>(rows, kernel);
  });
}

template <class Kernel>
Array reduce_to_bool(const Array& x, const Rows& rows, const Kernel& kernel) {
  return with_compute_type(
      x.dtype(), [&]<class T>(T) { return run<kernels::ReduceToBoolArgs, T, bool>(rows, kernel); });
}

}  // namespace

Array sum(const Array& x, const Axes& axes, bool keepdims) {
  const Rows rows = rows_over(x, axes, keepdims, "sum");
  const Array y = reduce(
      x, rows, [](const auto& args, const auto& context) { kernels::cpu::sum(args, context); });
  return is_floating(x.dtype()) ? astype(y, x.dtype()) : y;
}

Array mean(const Array& x, const Axes& axes, bool keepdims) {
  const Rows rows = rows_over(x, axes, keepdims, "mean");
  require_elements(rows, x, "mean");
  const Array total = reduce(
      x, rows, [](const auto& args, const auto& context) { kernels::cpu::sum(args, context); });
  Array y = Array::empty(rows.kept, DType::f32, x.device());
  auto* out = y.mutable_data<float>();
  with_compute_type(x.dtype(), [&]<class T>(T) {
    using Quotient = std::conditional_t<std::is_same_v<T, float>, float, double>;
    const T* sums = total.data<T>();
    const auto n = static_cast<Quotient>(rows.width);
    x.device()->threads().parallel_for(rows.count, 4096, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        out[i] = static_cast<float>(static_cast<Quotient>(sums[i]) / n);
    });
    return 0;
  });
  return is_floating(x.dtype()) ? astype(y, x.dtype()) : y;
}

Array max(const Array& x, const Axes& axes, bool keepdims) {
  const Rows rows = rows_over(x, axes, keepdims, "max");
  require_elements(rows, x, "max");
  return astype(
      reduce(x, rows,
             [](const auto& args, const auto& context) { kernels::cpu::max(args, context); }),
      x.dtype());
}

Array min(const Array& x, const Axes& axes, bool keepdims) {
  const Rows rows = rows_over(x, axes, keepdims, "min");
  require_elements(rows, x, "min");
  return astype(
      reduce(x, rows,
             [](const auto& args, const auto& context) { kernels::cpu::min(args, context); }),
      x.dtype());
}

Array argmax(const Array& x, const Axes& axes, bool keepdims) {
  const Rows rows = rows_over(x, axes, keepdims, "argmax");
  require_elements(rows, x, "argmax");
  return reduce_to_index(
      x, rows, [](const auto& args, const auto& context) { kernels::cpu::argmax(args, context); });
}

Array argmin(const Array& x, const Axes& axes, bool keepdims) {
  const Rows rows = rows_over(x, axes, keepdims, "argmin");
  require_elements(rows, x, "argmin");
  return reduce_to_index(
      x, rows, [](const auto& args, const auto& context) { kernels::cpu::argmin(args, context); });
}

Array logsumexp(const Array& x, const Axes& axes, bool keepdims) {
  require(is_floating(x.dtype()), "logsumexp: x is {} {}, expected a floating dtype",
          to_string(x.dtype()), x.shape());
  const Rows rows = rows_over(x, axes, keepdims, "logsumexp");
  return astype(run<kernels::ReduceArgs, float, float>(rows, kernels::cpu::logsumexp), x.dtype());
}

Array any(const Array& x, const Axes& axes, bool keepdims) {
  const Rows rows = rows_over(x, axes, keepdims, "any");
  return reduce_to_bool(
      x, rows, [](const auto& args, const auto& context) { kernels::cpu::any(args, context); });
}

Array all(const Array& x, const Axes& axes, bool keepdims) {
  const Rows rows = rows_over(x, axes, keepdims, "all");
  return reduce_to_bool(
      x, rows, [](const auto& args, const auto& context) { kernels::cpu::all(args, context); });
}

}  // namespace linnet::ops
