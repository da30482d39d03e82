#include "ops/cross_entropy.hpp"

#include <algorithm>

#include "kernels/cross_entropy.hpp"
#include "ops/cast.hpp"
#include "ops/creation.hpp"
#include "ops/elementwise.hpp"
#include "ops/reduce.hpp"
#include "ops/tape.hpp"
#include "ops/trace.hpp"
#include "ops/view.hpp"

namespace linnet::ops {
namespace {

void check(const Array& x, const PackedMatrix& head, std::span<const int32_t> targets,
           std::span<const float> weights) {
  require(x.rank() == 2 && x.dtype() == DType::f32 && x.dim(1) == head.inputs(),
          "cross_entropy: x is {} {}, expected f32 [R, {}]", to_string(x.dtype()), x.shape(),
          head.inputs());
  const auto rows = static_cast<size_t>(x.dim(0));
  require(targets.size() == rows && weights.size() == rows,
          "cross_entropy: {} targets and {} weights for {} rows", targets.size(), weights.size(),
          rows);
  for (const int32_t target : targets)
    require(target >= 0 && target < head.outputs(), "cross_entropy: the target {} is outside 0..{}",
            target, head.outputs() - 1);
}

/// The gradients of the loss itself; the rule only scales them.
struct Gradients {
  Array x;       // [R, M]
  Array source;  // [V, M], or undefined
};

}  // namespace

CrossEntropy linear_cross_entropy(const Array& x, const PackedMatrix& head,
                                  std::span<const int32_t> targets, std::span<const float> weights,
                                  const CrossEntropyOptions& options) {
  check(x, head, targets, weights);
  const DevicePtr& device = x.device();
  const int64_t rows = x.dim(0);
  Tape* tape = recording({&x, &head.source()});
  const bool wants_source = tape != nullptr && head.source().defined();
  PackedMatrix constant = head;
  constant.set_source({});
  const Array states = stop_gradient(x);
  const Array classes = Array::from(targets, {rows}, device);
  const Array row_weights = Array::from(weights, {rows}, device);
  Array losses = Array::empty({rows}, DType::f32, device);
  Array log_likelihood = Array::empty({rows}, DType::f32, device);
  Gradients gradients;
  if (tape != nullptr) gradients.x = Array::empty(x.shape(), DType::f32, device);
  const int64_t row_bytes = head.outputs() * size_of(DType::f32);
  const int64_t step = std::max<int64_t>(16, options.block_bytes / std::max<int64_t>(row_bytes, 1));
  for (int64_t first = 0; first < rows; first += step) {
    const int64_t count = std::min(step, rows - first);
    const Slice block{.start = first, .stop = first + count};
    const Array inputs = slice_axis(states, 0, block);
    Array logits = linear(inputs, constant, {}, options.rounding);
    {
      const auto span = trace_lanes("cross_entropy", logits, logits.nbytes());
      kernels::cpu::cross_entropy({.logits = logits.mutable_data<float>(),
                                   .targets = classes.data<int32_t>() + first,
                                   .weights = row_weights.data<float>() + first,
                                   .losses = losses.mutable_data<float>() + first,
                                   .log_likelihoods = log_likelihood.mutable_data<float>() + first,
                                   .rows = count,
                                   .width = head.outputs(),
                                   .label_smoothing = options.label_smoothing,
                                   .z_loss = options.z_loss,
                                   .gradient = tape != nullptr},
                                  device->context());
    }
    if (tape == nullptr) continue;
    slice_update_into(gradients.x, linear_transposed(logits, constant, options.rounding), {block});
    if (!wants_source) continue;
    gradients.source = plus(gradients.source, weight_gradient(logits, inputs, options.rounding));
  }
  CrossEntropy result{.loss = sum(mul(losses, row_weights)), .log_likelihood = log_likelihood};
  if (tape == nullptr) return result;
  if (wants_source && !gradients.source.defined())
    gradients.source = zeros(head.source().shape(), DType::f32, device);
  tape->record("cross_entropy", {&x, &head.source()}, {&result.loss},
               {.vjp =
                    [gradients](const Arrays& c) {
                      Arrays pulled{mul(gradients.x, c[0]), Array()};
                      if (gradients.source.defined()) pulled[1] = mul(gradients.source, c[0]);
                      return pulled;
                    },
                .jvp =
                    [gradients](const Arrays& t) {
                      Array total;
                      if (t[0].defined()) total = sum(mul(gradients.x, t[0]));
                      if (t[1].defined()) total = plus(total, sum(mul(gradients.source, t[1])));
                      return Arrays{total};
                    }});
  return result;
}

}  // namespace linnet::ops
