// Extents and strides: up to eight 64-bit numbers without a heap allocation. On the lowest floor
// because kernels, arrays and files all speak of them.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "base/checked.hpp"

namespace linnet {

/// A list of at most kMaxRank integers, outermost axis first.
class Dims {
 public:
  static constexpr int kMaxRank = 8;

  Dims() = default;
  Dims(std::initializer_list<int64_t> values) : Dims(std::span(values.begin(), values.size())) {}
  /// Errors: invalid_argument for more than kMaxRank values.
  explicit Dims(std::span<const int64_t> values) {
    for (int64_t value : values) push_back(value);
  }

  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] bool empty() const noexcept { return rank_ == 0; }
  int64_t& operator[](int axis) noexcept { return values_[static_cast<size_t>(axis)]; }
  int64_t operator[](int axis) const noexcept { return values_[static_cast<size_t>(axis)]; }
  [[nodiscard]] const int64_t* begin() const noexcept { return values_.data(); }
  [[nodiscard]] const int64_t* end() const noexcept { return values_.data() + rank_; }
  [[nodiscard]] int64_t back() const noexcept { return (*this)[rank_ - 1]; }
  [[nodiscard]] std::span<const int64_t> span() const noexcept { return {begin(), end()}; }

  /// Errors: invalid_argument beyond kMaxRank.
  void push_back(int64_t value) { insert(rank_, value); }
  /// Inserts before `axis` (0..rank). Errors: invalid_argument beyond kMaxRank.
  void insert(int axis, int64_t value) {
    require(rank_ < kMaxRank, "an array has at most {} axes", kMaxRank);
    for (int i = rank_; i > axis; --i) (*this)[i] = (*this)[i - 1];
    (*this)[axis] = value;
    ++rank_;
  }
  void erase(int axis) noexcept {
    for (int i = axis; i + 1 < rank_; ++i) (*this)[i] = (*this)[i + 1];
    --rank_;
  }

  friend bool operator==(const Dims& a, const Dims& b) noexcept {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

 private:
  std::array<int64_t, kMaxRank> values_{};
  int rank_ = 0;
};

using Shape = Dims;    ///< extents, each >= 0
using Strides = Dims;  ///< distances in elements; may be zero (broadcast) or negative

/// The number of elements (1 for rank 0). Errors: invalid_argument if it does not fit 63 bits.
inline int64_t element_count(const Shape& shape) { return checked_product(shape.span()); }

/// Row-major strides of a dense array of this shape.
Strides dense_strides(const Shape& shape);

/// "[2, 3]"
std::string to_string(const Dims& dims);

}  // namespace linnet

template <>
struct fmt::formatter<linnet::Dims> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const linnet::Dims& dims, Context& context) const {
    return fmt::formatter<std::string>::format(linnet::to_string(dims), context);
  }
};
