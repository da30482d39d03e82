#include "ops/axes.hpp"

namespace linnet::ops {

std::array<bool, Dims::kMaxRank> Axes::flags(int rank, std::string_view op) const {
  std::array<bool, Dims::kMaxRank> result{};
  if (all_) {
    for (int axis = 0; axis < rank; ++axis) result[static_cast<size_t>(axis)] = true;
    return result;
  }
  for (const int axis : axes_) {
    bool& flag = result[static_cast<size_t>(normalize_axis(axis, rank, op))];
    require(!flag, "{}: axis {} is given twice", op, axis);
    flag = true;
  }
  return result;
}

}  // namespace linnet::ops
