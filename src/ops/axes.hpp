// Which axes an op works over.
#pragma once

#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "array/array.hpp"

namespace linnet::ops {

/// All axes, one, or a list; negative ones count from the end.
class Axes {
 public:
  Axes() = default;                             ///< all axes; so is {}
  Axes(int axis) : all_(false), axes_{axis} {}  // NOLINT(google-explicit-constructor)
  Axes(std::initializer_list<int> axes)         // NOLINT(google-explicit-constructor)
      : all_(false), axes_(axes) {}
  /// None for an empty vector.
  explicit Axes(std::vector<int> axes) : all_(false), axes_(std::move(axes)) {}

  /// Which of `rank` axes are meant. Errors: invalid_argument naming `op` if one is outside
  /// -rank..rank - 1 or given twice.
  [[nodiscard]] std::array<bool, Dims::kMaxRank> flags(int rank, std::string_view op) const;

 private:
  bool all_ = true;
  std::vector<int> axes_;
};

}  // namespace linnet::ops
