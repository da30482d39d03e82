#include "kernels/indexing.hpp"

#include <algorithm>
#include <cstddef>

#include "kernels/cpu/convert.hpp"
#include "kernels/runs.hpp"

namespace linnet::kernels::cpu {
namespace {

/// Axes begin..end of a view as one operand.
Runs<1> axes_of(const ConstView& x, int begin, int end) {
  Shape shape;
  Strides strides;
  for (int axis = begin; axis < end; ++axis) {
    shape.push_back(x.shape[axis]);
    strides.push_back(x.strides[axis]);
  }
  return merge_axes<1>(shape, {strides});
}

/// The operands of an along-axis kernel: indices, x with the axis standing still, and the other.
Runs<3> along(const AlongAxisArgs& args, const Strides& other) {
  Strides still = args.x.strides;
  still[args.axis] = 0;
  return merge_axes<3>(args.indices.shape, {args.indices.strides, still, other});
}

template <class T>
void take_along(const AlongAxisArgs& args, const View& y, const Context& context) {
  const auto runs = along(args, y.strides);
  const int64_t step = args.x.strides[args.axis];
  const auto* indices = static_cast<const int64_t*>(args.indices.data);
  const auto* x = static_cast<const T*>(args.x.data);
  auto* to = static_cast<T*>(y.data);
  const auto run = [&](const std::array<int64_t, 3>& offset, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const int64_t index = indices[offset[0] + i * runs.inner(0)];
      to[offset[2] + i * runs.inner(2)] = x[offset[1] + i * runs.inner(1) + index * step];
    }
  };
  context.pool.parallel_for(
      runs.total, 16384, [&](int64_t begin, int64_t end) { for_each_run(runs, begin, end, run); });
}

template <class T>
void put_along(const AlongAxisArgs& args, const ConstView& values) {
  const auto runs = along(args, values.strides);
  const int64_t step = args.x.strides[args.axis];
  const auto* indices = static_cast<const int64_t*>(args.indices.data);
  auto* x = static_cast<T*>(const_cast<void*>(args.x.data));
  const auto* from = static_cast<const T*>(values.data);
  for_each_run(runs, 0, runs.total, [&](const std::array<int64_t, 3>& offset, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const int64_t index = indices[offset[0] + i * runs.inner(0)];
      x[offset[1] + i * runs.inner(1) + index * step] = from[offset[2] + i * runs.inner(2)];
    }
  });
}

}  // namespace

void scatter_add(const ScatterAddArgs& a, const Context& context) {
  // Columns are shared out: several j may meet in one element, and they stay on one thread.
  const int64_t columns = a.outer * a.inner;
  const int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(a.count, 1));
  context.pool.parallel_for(columns, grain, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin / a.inner; o * a.inner < end; ++o) {
      const int64_t first = std::max(begin - o * a.inner, int64_t{0});
      const int64_t last = std::min(end - o * a.inner, a.inner);
      for (int64_t j = 0; j < a.count; ++j) {
        const int64_t from = (o * a.count + j) * a.inner;
        for (int64_t i = first; i < last; ++i) {
          const int64_t index = a.shared ? a.indices[j] : a.indices[from + i];
          a.y[(o * a.extent + index) * a.inner + i] += a.values[from + i];
        }
      }
    }
  });
}

void take(const TakeArgs& args, const Context& context) {
  const Runs<1> outer = axes_of(args.x, 0, args.axis);
  const Runs<1> inner = axes_of(args.x, args.axis + 1, args.x.shape.rank());
  const int64_t size = size_of(args.x.dtype);
  const int64_t step = args.x.strides[args.axis];
  const auto* x = static_cast<const std::byte*>(args.x.data);
  auto* y = static_cast<std::byte*>(args.y);
  // Rows a thread takes at a time: about 64 KiB, so that the fork pays.
  const int64_t grain = std::max<int64_t>(1, 65536 / std::max<int64_t>(inner.total * size, 1));
  context.pool.parallel_for(outer.total * args.count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t start = args.indices[row % args.count] * step;
      int64_t rest = row / args.count;
      for (int axis = outer.rank - 1; axis >= 0; --axis) {
        start += rest % outer.extent[axis] * outer.stride[0][axis];
        rest /= outer.extent[axis];
      }
      std::byte* to = y + row * inner.total * size;
      for_each_run(inner, 0, inner.total, [&](const std::array<int64_t, 1>& offset, int64_t n) {
        copy_run(size, x + (start + offset[0]) * size, inner.inner(0), to, 1, n);
        to += n * size;
      });
    }
  });
}

void take_along_axis(const AlongAxisArgs& args, const View& y, const Context& context) {
  switch (size_of(args.x.dtype)) {
    case 1: return take_along<uint8_t>(args, y, context);
    case 2: return take_along<uint16_t>(args, y, context);
    case 4: return take_along<uint32_t>(args, y, context);
    default: return take_along<uint64_t>(args, y, context);
  }
}

void put_along_axis(const AlongAxisArgs& args, const ConstView& values, const Context&) {
  switch (size_of(args.x.dtype)) {
    case 1: return put_along<uint8_t>(args, values);
    case 2: return put_along<uint16_t>(args, values);
    case 4: return put_along<uint32_t>(args, values);
    default: return put_along<uint64_t>(args, values);
  }
}

}  // namespace linnet::kernels::cpu
