// Reductions of rows to one element each. Elements are float or int64_t: every other dtype is
// converted to one of them on the way in.
#pragma once

#include "kernels/cpu/context.hpp"

namespace linnet::kernels {

template <class T>
struct ReduceArgs {
  const T* x = nullptr;  // [rows, width]
  T* y = nullptr;        // [rows]
  int64_t rows = 0;
  int64_t width = 0;
};

template <class T>
struct ReduceToIndexArgs {
  const T* x = nullptr;  // [rows, width], width >= 1
  int64_t* y = nullptr;  // [rows]
  int64_t rows = 0;
  int64_t width = 0;
};

template <class T>
struct ReduceToBoolArgs {
  const T* x = nullptr;  // [rows, width]
  bool* y = nullptr;     // [rows]
  int64_t rows = 0;
  int64_t width = 0;
};

namespace cpu {
/// Floats: element i is added to lane i mod 16, then the fixed tree. Integers: modulo 2^64.
void sum(const ReduceArgs<float>& args, const Context& context);
void sum(const ReduceArgs<int64_t>& args, const Context& context);

/// The largest (smallest) element of rows that are not empty; NaN if there is one. A zero is +0.
void max(const ReduceArgs<float>& args, const Context& context);
void max(const ReduceArgs<int64_t>& args, const Context& context);
void min(const ReduceArgs<float>& args, const Context& context);
void min(const ReduceArgs<int64_t>& args, const Context& context);

/// The first index of the largest (smallest) element, or of the first NaN.
void argmax(const ReduceToIndexArgs<float>& args, const Context& context);
void argmax(const ReduceToIndexArgs<int64_t>& args, const Context& context);
void argmin(const ReduceToIndexArgs<float>& args, const Context& context);
void argmin(const ReduceToIndexArgs<int64_t>& args, const Context& context);

/// m + log(sum(exp(x - m))), m the largest element (0 if that is infinite); sums as in sum().
void logsumexp(const ReduceArgs<float>& args, const Context& context);

/// Whether one element (every element) is not zero; NaN is not, subnormals are.
void any(const ReduceToBoolArgs<float>& args, const Context& context);
void any(const ReduceToBoolArgs<int64_t>& args, const Context& context);
void all(const ReduceToBoolArgs<float>& args, const Context& context);
void all(const ReduceToBoolArgs<int64_t>& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
