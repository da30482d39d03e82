// Element-wise kernels over operands of any dtype and layout. An operand is read in blocks of dense
// elements of the type that the kernel computes in; where it is dense and of that type already it
// is read and written in place, in one long run. So a kernel is one function per op, not one per
// combination of dtypes and layouts.
#pragma once

#include <array>
#include <cstddef>

#include "kernels/cpu/convert.hpp"
#include "kernels/runs.hpp"
#include "kernels/view.hpp"

namespace linnet::kernels::cpu {

/// Computes n elements: in[i] and out are dense, of the types that the op was looked up for.
using BlockFunction = void (*)(const void* const* in, void* out, int64_t n);

/// Elements of a block: three operands and their raw copies (12 KiB) stay in the first cache.
inline constexpr int64_t kBlock = 256;

/// Room for a block of any dtype.
struct alignas(64) Block {
  std::byte bytes[kBlock * 8];
};

/// One operand of a block kernel.
class BlockOperand {
 public:
  /// `as`: the dtype in which the kernel sees the operand; `step`: elements between neighbours.
  BlockOperand() = default;
  BlockOperand(const void* data, DType dtype, DType as, int64_t step, bool input, Isa isa)
      : data_(static_cast<const std::byte*>(data)),
        size_(size_of(dtype)),
        step_(step),
        direct_(dtype == as && step == 1) {
    if (dtype != as) convert_ = input ? find_convert(dtype, as, isa) : find_convert(as, dtype, isa);
  }

  [[nodiscard]] bool direct() const { return direct_; }
  /// The same element again and again.
  [[nodiscard]] bool constant() const { return step_ == 0; }
  [[nodiscard]] const std::byte* at(int64_t offset) const { return data_ + offset * size_; }

  /// n <= kBlock elements from element `offset` on; where they had to be copied they are in
  /// `block`.
  const void* read(int64_t offset, int64_t n, Block& block) const {
    if (direct_) return at(offset);
    if (convert_ == nullptr) {
      copy_run(size_, at(offset), step_, block.bytes, 1, n);
    } else if (step_ == 1) {
      convert_(at(offset), block.bytes, n);
    } else {
      Block raw;
      copy_run(size_, at(offset), step_, raw.bytes, 1, n);
      convert_(raw.bytes, block.bytes, n);
    }
    return block.bytes;
  }

  /// Stores what the kernel wrote to `block`.
  void write(const Block& block, int64_t offset, int64_t n) const {
    auto* to = const_cast<std::byte*>(at(offset));
    if (convert_ == nullptr) {
      copy_run(size_, block.bytes, 1, to, step_, n);
    } else if (step_ == 1) {
      convert_(block.bytes, to, n);
    } else {
      Block raw;
      convert_(block.bytes, raw.bytes, n);
      copy_run(size_, raw.bytes, 1, to, step_, n);
    }
  }

 private:
  const std::byte* data_ = nullptr;
  int64_t size_ = 0;
  int64_t step_ = 0;
  bool direct_ = false;
  Convert convert_ = nullptr;
};

/// y = function(x[0], ..., x[N - 1]) for every element. All views have y's shape (a broadcast
/// operand has strides of zero); the function sees operand i as x_as[i] and y as y_as.
template <int N>
void map_blocks(BlockFunction function, const View& y, DType y_as,
                const std::array<ConstView, N>& x, const std::array<DType, N>& x_as,
                const Context& context) {
  constexpr int64_t grain = 8192;  // elements a thread takes at a time, so that the fork pays
  std::array<Strides, N + 1> strides;
  strides[0] = y.strides;
  for (int i = 0; i < N; ++i) strides[i + 1] = x[i].strides;
  const auto runs = merge_axes<N + 1>(y.shape, strides);

  const BlockOperand out(y.data, y.dtype, y_as, runs.inner(0), false, context.isa);
  std::array<BlockOperand, N> in;
  bool direct = out.direct();
  for (int i = 0; i < N; ++i) {
    in[i] = BlockOperand(x[i].data, x[i].dtype, x_as[i], runs.inner(i + 1), true, context.isa);
    direct = direct && in[i].direct();
  }

  const auto run = [&](const std::array<int64_t, N + 1>& offset, int64_t n) {
    const void* from[N];
    if (direct) {
      for (int i = 0; i < N; ++i) from[i] = in[i].at(offset[i + 1]);
      return function(from, const_cast<std::byte*>(out.at(offset[0])), n);
    }
    Block blocks[N];
    Block result;
    for (int64_t done = 0; done < n; done += kBlock) {
      const int64_t count = std::min(kBlock, n - done);
      for (int i = 0; i < N; ++i)
        if (done == 0 || !in[i].constant())
          from[i] = in[i].read(offset[i + 1] + done * runs.inner(i + 1), count, blocks[i]);
      const int64_t to = offset[0] + done * runs.inner(0);
      if (out.direct()) {
        function(from, const_cast<std::byte*>(out.at(to)), count);
      } else {
        function(from, result.bytes, count);
        out.write(result, to, count);
      }
    }
  };
  context.pool.parallel_for(
      runs.total, grain, [&](int64_t begin, int64_t end) { for_each_run(runs, begin, end, run); });
}

}  // namespace linnet::kernels::cpu
