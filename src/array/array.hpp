// Array: an n-dimensional strided view of a Storage. Copies share the bytes.
//
// Threads: an Array object is a value and is not synchronised; arrays over one storage may be read
// from several threads at once. Ops never write to an array that existed before the call, except
// those named
// *_into.
#pragma once

#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "array/storage.hpp"
#include "base/dtype.hpp"
#include "base/error.hpp"
#include "base/half.hpp"
#include "base/shape.hpp"
#include "kernels/view.hpp"

namespace linnet::ops {
class Tape;  // ops/tape.hpp
}

namespace linnet {

/// The DType of a C++ element type; bool, uint8_t, uint32_t, int32_t, int64_t, F16, BF16, float.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, bool>)
    return DType::boolean;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return DType::u8;
  else if constexpr (std::is_same_v<T, uint32_t>)
    return DType::u32;
  else if constexpr (std::is_same_v<T, int32_t>)
    return DType::i32;
  else if constexpr (std::is_same_v<T, int64_t>)
    return DType::i64;
  else if constexpr (std::is_same_v<T, F16>)
    return DType::f16;
  else if constexpr (std::is_same_v<T, BF16>)
    return DType::bf16;
  else {
    static_assert(std::is_same_v<T, float>, "no DType for this element type");
    return DType::f32;
  }
}

class Array {
 public:
  /// An undefined array: defined() is false and nothing else may be asked of it.
  Array() = default;

  /// A dense array with undefined contents. Errors: out_of_memory; invalid_argument for a bad
  /// shape.
  static Array empty(const Shape& shape, DType dtype, const DevicePtr& device);
  static Array zeros(const Shape& shape, DType dtype, const DevicePtr& device);
  /// A dense array with a copy of `values`, in row-major order.
  /// Errors: invalid_argument if their number is not the shape's.
  template <class T>
  static Array from(std::span<const T> values, const Shape& shape, const DevicePtr& device);
  template <class T>
  static Array from(const std::vector<T>& values, const Shape& shape, const DevicePtr& device) {
    return from(std::span<const T>(values), shape, device);
  }
  /// A read-only dense array over memory that is not the pool's (a mapped file).
  /// Errors: invalid_argument if the sizes disagree or the address is not aligned for the dtype.
  static Array over(const Bytes& bytes, const Shape& shape, DType dtype, const DevicePtr& device);

  [[nodiscard]] bool defined() const noexcept { return storage_ != nullptr; }
  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }
  [[nodiscard]] const Strides& strides() const noexcept { return strides_; }
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] int rank() const noexcept { return shape_.rank(); }
  /// Extent of an axis; negative axes count from the end. Errors: invalid_argument.
  [[nodiscard]] int64_t dim(int axis) const;
  [[nodiscard]] int64_t size() const noexcept { return size_; }  ///< number of elements
  [[nodiscard]] int64_t nbytes() const noexcept { return size_ * size_of(dtype_); }
  /// Errors: invalid_argument if the array is undefined; so for views and data.
  [[nodiscard]] const DevicePtr& device() const {
    check_defined();
    return storage_->device();
  }
  [[nodiscard]] int64_t offset() const noexcept { return offset_; }  ///< in elements
  /// Row-major without gaps.
  [[nodiscard]] bool is_contiguous() const noexcept;

  /// The tape that gradients of this array are taken by, and its number there (ops/tape.hpp); null
  /// for a constant, which is what every array is unless an op or a tape says otherwise.
  [[nodiscard]] const std::shared_ptr<ops::Tape>& tape() const noexcept { return tape_; }
  [[nodiscard]] int64_t tape_number() const noexcept { return tape_number_; }
  /// The same elements as number `number` of a tape; of a null tape: as a constant.
  [[nodiscard]] Array on_tape(std::shared_ptr<ops::Tape> tape, int64_t number) const;

  /// Another view of the same storage, a constant. Errors: invalid_argument if it could reach
  /// outside the storage.
  [[nodiscard]] Array with_layout(const Shape& shape, const Strides& strides, int64_t offset) const;

  /// For kernels.
  [[nodiscard]] kernels::ConstView view() const;
  /// For kernels that fill an array just made. Errors: internal if the storage is read-only.
  [[nodiscard]] kernels::View mutable_view();
  /// The elements of a contiguous array as they lie in memory, to be written to a file. Errors:
  /// internal if it is not contiguous.
  [[nodiscard]] std::span<const std::byte> bytes() const {
    check_direct(dtype_);
    return {storage_->data() + offset_ * size_of(dtype_), static_cast<size_t>(nbytes())};
  }
  /// The first element of a contiguous array. Errors: internal if it is not contiguous or not of T.
  template <class T>
  [[nodiscard]] const T* data() const {
    check_direct(dtype_of<T>());
    return reinterpret_cast<const T*>(storage_->data()) + offset_;
  }
  template <class T>
  [[nodiscard]] T* mutable_data() {
    check_direct(dtype_of<T>());
    if (storage_->read_only()) fail(ErrorCode::internal, "writing to a read-only array");
    return reinterpret_cast<T*>(storage_->data()) + offset_;
  }

  /// All elements in logical (row-major) order, whatever the strides.
  /// Errors: invalid_argument if T is not the array's dtype.
  template <class T>
  [[nodiscard]] std::vector<T> to_vector() const;
  /// The same, converted to float from any dtype.
  [[nodiscard]] std::vector<float> to_floats() const;
  /// The only element. Errors: invalid_argument if size() is not 1 or T is not the dtype.
  template <class T>
  [[nodiscard]] T item() const {
    require(size_ == 1, "item() of an array of shape {}", shape_);
    return to_vector<T>().front();
  }

 private:
  void check_defined() const { require(defined(), "an undefined array is used"); }
  void check_direct(DType dtype) const {
    check_defined();
    if (dtype != dtype_ || !is_contiguous())
      fail(ErrorCode::internal, "direct access as {} to a {} array of shape {}, strides {}",
           to_string(dtype), to_string(dtype_), shape_, strides_);
  }
  /// Copies all elements in logical order, of size_of(dtype()) bytes each.
  void copy_logical(void* to) const;

  std::shared_ptr<Storage> storage_;
  Shape shape_;
  Strides strides_;
  int64_t offset_ = 0;
  int64_t size_ = 0;
  DType dtype_ = DType::f32;
  std::shared_ptr<ops::Tape> tape_;
  int64_t tape_number_ = -1;
};

template <class T>
Array Array::from(std::span<const T> values, const Shape& shape, const DevicePtr& device) {
  require(static_cast<int64_t>(values.size()) == element_count(shape), "{} values for shape {}",
          values.size(), shape);
  Array result = empty(shape, dtype_of<T>(), device);
  std::copy(values.begin(), values.end(), reinterpret_cast<T*>(result.storage_->data()));
  return result;
}

template <class T>
std::vector<T> Array::to_vector() const {
  require(dtype_ == dtype_of<T>(), "reading a {} array as {}", to_string(dtype_),
          to_string(dtype_of<T>()));
  if constexpr (std::is_same_v<T, bool>) {
    const auto bytes = std::make_unique<uint8_t[]>(static_cast<size_t>(size_));
    copy_logical(bytes.get());
    return std::vector<bool>(bytes.get(), bytes.get() + size_);
  } else {
    std::vector<T> result(static_cast<size_t>(size_));
    copy_logical(result.data());
    return result;
  }
}

/// -1 is the last axis. Errors: invalid_argument naming `op` if the axis is outside -rank..rank-1.
int normalize_axis(int axis, int rank, std::string_view op);

}  // namespace linnet
