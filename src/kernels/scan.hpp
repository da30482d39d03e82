// Running sums over rows.
#pragma once

#include "kernels/cpu/context.hpp"

namespace linnet::kernels {

template <class T>
struct ScanArgs {
  const T* x = nullptr;  // [rows, width]
  T* y = nullptr;        // [rows, width]; may be x
  int64_t rows = 0;
  int64_t width = 0;
  bool reverse = false;    // sums from the last element down
  bool exclusive = false;  // each sum without its own element, the first is 0
};

namespace cpu {
/// Elements are added one by one: in float, or modulo 2^64.
void cumsum(const ScanArgs<float>& args, const Context& context);
void cumsum(const ScanArgs<int64_t>& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
