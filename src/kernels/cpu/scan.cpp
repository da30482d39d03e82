#include "kernels/scan.hpp"

#include <algorithm>
#include <type_traits>

namespace linnet::kernels::cpu {
namespace {

// A running sum is one chain of additions whatever the vector width, so there is one version.
template <class T>
void cumsum_rows(const ScanArgs<T>& a, const Context& context) {
  using Sum = std::conditional_t<std::is_same_v<T, int64_t>, uint64_t, T>;  // wraps, not undefined
  const int64_t grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(a.width, 1));
  context.pool.parallel_for(a.rows, grain, [&a](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t step = a.reverse ? -1 : 1;
      int64_t at = row * a.width + (a.reverse ? a.width - 1 : 0);
      Sum sum = 0;
      for (int64_t i = 0; i < a.width; ++i, at += step) {
        const Sum next = sum + static_cast<Sum>(a.x[at]);
        a.y[at] = static_cast<T>(a.exclusive ? sum : next);
        sum = next;
      }
    }
  });
}

}  // namespace

void cumsum(const ScanArgs<float>& args, const Context& context) { cumsum_rows(args, context); }
void cumsum(const ScanArgs<int64_t>& args, const Context& context) { cumsum_rows(args, context); }

}  // namespace linnet::kernels::cpu
