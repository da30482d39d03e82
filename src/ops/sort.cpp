#include "ops/sort.hpp"

#include "kernels/sort.hpp"
#include "ops/creation.hpp"
#include "ops/indexing.hpp"
#include "ops/rows.hpp"
#include "ops/tape.hpp"

namespace linnet::ops {
namespace {

AxisRows sortable_rows(const Array& x, int axis, std::string_view op) {
  // Before anything is copied: a broadcast view may be that long and take no memory.
  const int64_t width = x.shape()[normalize_axis(axis, x.rank(), op)];
  require(width < int64_t{1} << 32, "{}: axis {} of x {} has 2^32 elements or more", op, axis,
          x.shape());
  return rows_along(x, axis, op);
}

/// Room for `size` 64-bit words for each row worked on at the same time.
Array workspace_for(const AxisRows& rows, int64_t size) {
  const DevicePtr& device = rows.dense.device();
  const int64_t slots = kernels::cpu::parallel_rows(rows.count, device->context());
  return Array::empty({slots, size}, DType::i64, device);
}

uint64_t* words(Array& workspace) {
  return reinterpret_cast<uint64_t*>(workspace.mutable_data<int64_t>());
}

/// Sorts into those of the two arrays that are defined.
void sort_rows(const AxisRows& rows, Array& values, Array& indices) {
  Array workspace = workspace_for(rows, kernels::cpu::sort_workspace(rows.width));
  with_compute_type(rows.dense.dtype(), [&]<class T>(T) {
    kernels::cpu::sort(
        kernels::SortArgs<T>{
            .x = rows.dense.data<T>(),
            .values = values.defined() ? values.mutable_data<T>() : nullptr,
            .indices = indices.defined() ? indices.mutable_data<int64_t>() : nullptr,
            .workspace = words(workspace),
            .rows = rows.count,
            .width = rows.width},
        rows.dense.device()->context());
    return 0;
  });
}

/// Records that y is take_along_axis(x, indices, axis), no index twice.
Array chosen(std::string_view op, const Array& x, const Array& indices, int axis, Array y) {
  Tape* tape = is_floating(x.dtype()) ? recording({&x}) : nullptr;
  if (tape != nullptr)
    tape->record(
        op, {&x}, {&y},
        {.vjp =
             [indices, axis, shape = x.shape()](const Arrays& c) {
               const Array none = zeros(shape, DType::f32, c[0].device());
               return Arrays{put_along_axis(none, indices, c[0], axis)};
             },
         .jvp = [indices,
                 axis](const Arrays& t) { return Arrays{take_along_axis(t[0], indices, axis)}; }});
  return y;
}

}  // namespace

Array sort(const Array& given, int axis) {
  const Array x = stop_gradient(given);
  const AxisRows rows = sortable_rows(x, axis, "sort");
  Array values = Array::empty(rows.dense.shape(), rows.dense.dtype(), x.device());
  Array indices;
  const bool derivative = is_floating(x.dtype()) && recording({&given}) != nullptr;
  if (derivative) indices = Array::empty(rows.dense.shape(), DType::i64, x.device());
  sort_rows(rows, values, indices);
  const Array y = rows.restore(astype(values, x.dtype()));
  return derivative ? chosen("sort", given, rows.restore(indices), axis, y) : y;
}

Array argsort(const Array& given, int axis) {
  const Array x = stop_gradient(given);
  const AxisRows rows = sortable_rows(x, axis, "argsort");
  Array indices = Array::empty(rows.dense.shape(), DType::i64, x.device());
  Array none;
  sort_rows(rows, none, indices);
  return rows.restore(indices);
}

Array argpartition(const Array& given, int64_t kth, int axis) {
  const Array x = stop_gradient(given);
  const AxisRows rows = sortable_rows(x, axis, "argpartition");
  require(kth >= -rows.width && kth < rows.width,
          "argpartition: kth {} of {} elements along axis {} of x {}", kth, rows.width, axis,
          x.shape());
  Array indices = Array::empty(rows.dense.shape(), DType::i64, x.device());
  Array workspace = workspace_for(rows, kernels::cpu::sort_workspace(rows.width));
  with_compute_type(x.dtype(), [&]<class T>(T) {
    kernels::cpu::argpartition(kernels::PartitionArgs<T>{.x = rows.dense.data<T>(),
                                                         .indices = indices.mutable_data<int64_t>(),
                                                         .workspace = words(workspace),
                                                         .rows = rows.count,
                                                         .width = rows.width,
                                                         .kth = kth < 0 ? kth + rows.width : kth},
                               x.device()->context());
    return 0;
  });
  return rows.restore(indices);
}

TopK topk(const Array& given, int64_t k, int axis) {
  const Array x = stop_gradient(given);
  const AxisRows rows = sortable_rows(x, axis, "topk");
  require(k >= 0 && k <= rows.width, "topk: k {} of {} elements along axis {} of x {}", k,
          rows.width, axis, x.shape());
  Array values = Array::empty(rows.result_shape(k), rows.dense.dtype(), x.device());
  Array indices = Array::empty(rows.result_shape(k), DType::i64, x.device());
  if (indices.size() > 0) {
    Array workspace = workspace_for(rows, kernels::cpu::top_k_workspace(rows.width, k));
    with_compute_type(x.dtype(), [&]<class T>(T) {
      kernels::cpu::top_k(kernels::TopKArgs<T>{.x = rows.dense.data<T>(),
                                               .values = values.mutable_data<T>(),
                                               .indices = indices.mutable_data<int64_t>(),
                                               .workspace = words(workspace),
                                               .rows = rows.count,
                                               .width = rows.width,
                                               .k = k},
                          x.device()->context());
      return 0;
    });
  }
  const Array places = rows.restore(indices);
  return {chosen("topk", given, places, axis, rows.restore(astype(values, x.dtype()))), places};
}

}  // namespace linnet::ops
