#include "ops/reduce.hpp"

#include "kernels/reduce.hpp"
#include "ops/creation.hpp"
#include "ops/elementwise.hpp"
#include "ops/rows.hpp"
#include "ops/tape.hpp"
#include "ops/view.hpp"

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

/// x's shape with extents of 1 for the axes that were reduced.
Shape kept_shape(const Array& x, const Axes& axes, std::string_view op) {
  const auto flags = axes.flags(x.rank(), op);
  Shape shape = x.shape();
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (flags[static_cast<size_t>(axis)]) shape[axis] = 1;
  return shape;
}

/// Records y = reduction of x, which weighs x's elements by `weights()` (f32 of x's shape, or a
/// scalar): y's derivative is the sum of the weighted derivatives of x.
template <class Weights>
Array weighted(std::string_view op, const Array& x, const Axes& axes, bool keepdims, Array y,
               const Weights& weights) {
  Tape* tape = is_floating(x.dtype()) ? recording({&x}) : nullptr;
  if (tape == nullptr) return y;
  const Shape kept = kept_shape(x, axes, op);
  tape->record(
      op, {&x}, {&y},
      {.vjp =
           [weights, kept, shape = x.shape()](const Arrays& c) {
             return Arrays{mul(broadcast_to(reshape(c[0], kept), shape), Operand(weights()))};
           },
       .jvp =
           [weights, axes, keepdims](const Arrays& t) {
             return Arrays{sum(mul(t[0], Operand(weights())), axes, keepdims)};
           }});
  return y;
}

/// The share of each element in the largest or smallest one, y: ties share it equally.
Array shares(const Array& x, const Array& y, const Shape& kept, const Axes& axes) {
  const Array chosen = astype(equal(x, reshape(y, kept)), DType::f32);
  return div(chosen, sum(chosen, axes, true));
}

}  // namespace

Array sum(const Array& given, const Axes& axes, bool keepdims) {
  const Array x = stop_gradient(given);
  const Rows rows = rows_over(x, axes, keepdims, "sum");
  const Array y = reduce(
      x, rows, [](const auto& args, const auto& context) { kernels::cpu::sum(args, context); });
  return weighted("sum", given, axes, keepdims, is_floating(x.dtype()) ? astype(y, x.dtype()) : y,
                  [] { return Scalar(1.0F); });
}

Array mean(const Array& given, const Axes& axes, bool keepdims) {
  const Array x = stop_gradient(given);
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
  const float share = 1.0F / static_cast<float>(rows.width);
  return weighted("mean", given, axes, keepdims, is_floating(x.dtype()) ? astype(y, x.dtype()) : y,
                  [share] { return Scalar(share); });
}

Array max(const Array& given, const Axes& axes, bool keepdims) {
  const Array x = stop_gradient(given);
  const Rows rows = rows_over(x, axes, keepdims, "max");
  require_elements(rows, x, "max");
  const Array y = astype(
      reduce(x, rows,
             [](const auto& args, const auto& context) { kernels::cpu::max(args, context); }),
      x.dtype());
  return weighted("max", given, axes, keepdims, y, [x, y, axes, kept = kept_shape(x, axes, "max")] {
    return shares(x, y, kept, axes);
  });
}

Array min(const Array& given, const Axes& axes, bool keepdims) {
  const Array x = stop_gradient(given);
  const Rows rows = rows_over(x, axes, keepdims, "min");
  require_elements(rows, x, "min");
  const Array y = astype(
      reduce(x, rows,
             [](const auto& args, const auto& context) { kernels::cpu::min(args, context); }),
      x.dtype());
  return weighted("min", given, axes, keepdims, y, [x, y, axes, kept = kept_shape(x, axes, "min")] {
    return shares(x, y, kept, axes);
  });
}

Array argmax(const Array& given, const Axes& axes, bool keepdims) {
  const Array x = stop_gradient(given);
  const Rows rows = rows_over(x, axes, keepdims, "argmax");
  require_elements(rows, x, "argmax");
  return reduce_to_index(
      x, rows, [](const auto& args, const auto& context) { kernels::cpu::argmax(args, context); });
}

Array argmin(const Array& given, const Axes& axes, bool keepdims) {
  const Array x = stop_gradient(given);
  const Rows rows = rows_over(x, axes, keepdims, "argmin");
  require_elements(rows, x, "argmin");
  return reduce_to_index(
      x, rows, [](const auto& args, const auto& context) { kernels::cpu::argmin(args, context); });
}

Array logsumexp(const Array& given, const Axes& axes, bool keepdims) {
  const Array x = stop_gradient(given);
  require(is_floating(x.dtype()), "logsumexp: x is {} {}, expected a floating dtype",
          to_string(x.dtype()), x.shape());
  const Rows rows = rows_over(x, axes, keepdims, "logsumexp");
  const Array y =
      astype(run<kernels::ReduceArgs, float, float>(rows, kernels::cpu::logsumexp), x.dtype());
  return weighted("logsumexp", given, axes, keepdims, y,
                  [x, y, kept = kept_shape(x, axes, "logsumexp")] {
                    return exp(sub(as_f32(x), reshape(as_f32(y), kept)));
                  });
}

Array any(const Array& given, const Axes& axes, bool keepdims) {
  const Array x = stop_gradient(given);
  const Rows rows = rows_over(x, axes, keepdims, "any");
  return reduce_to_bool(
      x, rows, [](const auto& args, const auto& context) { kernels::cpu::any(args, context); });
}

Array all(const Array& given, const Axes& axes, bool keepdims) {
  const Array x = stop_gradient(given);
  const Rows rows = rows_over(x, axes, keepdims, "all");
  return reduce_to_bool(
      x, rows, [](const auto& args, const auto& context) { kernels::cpu::all(args, context); });
}

}  // namespace linnet::ops
