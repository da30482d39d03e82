#include "array/array.hpp"

#include <algorithm>
#include <cstring>

namespace linnet {
namespace {

/// Calls visit(offset) for every element in row-major order.
template <class Visit>
void for_each_offset(const Shape& shape, const Strides& strides, Visit visit) {
  if (std::any_of(shape.begin(), shape.end(), [](int64_t extent) { return extent == 0; })) return;
  Dims index = shape;
  for (int axis = 0; axis < shape.rank(); ++axis) index[axis] = 0;
  int64_t offset = 0;
  for (;;) {
    visit(offset);
    int axis = shape.rank() - 1;
    for (; axis >= 0; --axis) {
      offset += strides[axis];
      if (++index[axis] < shape[axis]) break;
      offset -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

template <class T>
void copy_elements(const Shape& shape, const Strides& strides, const std::byte* from, void* to) {
  auto* out = static_cast<T*>(to);
  const auto* in = reinterpret_cast<const T*>(from);
  for_each_offset(shape, strides, [&](int64_t offset) { *out++ = in[offset]; });
}

}  // namespace

int normalize_axis(int axis, int rank, std::string_view op) {
  require(axis >= -rank && axis < rank, "{}: axis {} of an array with {} axes", op, axis, rank);
  return axis < 0 ? axis + rank : axis;
}

Array Array::empty(const Shape& shape, DType dtype, const DevicePtr& device) {
  Array result;
  result.size_ = element_count(shape);
  result.storage_ = std::make_shared<Storage>(device, checked_mul(result.size_, size_of(dtype)));
  result.shape_ = shape;
  result.strides_ = dense_strides(shape);
  result.dtype_ = dtype;
  return result;
}

Array Array::zeros(const Shape& shape, DType dtype, const DevicePtr& device) {
  Array result = empty(shape, dtype, device);
  if (result.nbytes() > 0)
    std::memset(result.storage_->data(), 0, static_cast<size_t>(result.nbytes()));
  return result;
}

Array Array::over(const Bytes& bytes, const Shape& shape, DType dtype, const DevicePtr& device) {
  Array result;
  result.size_ = element_count(shape);
  const int64_t expected = checked_mul(result.size_, size_of(dtype));
  require(bytes.size() == expected, "{} bytes for {} {}, expected {}", bytes.size(),
          to_string(dtype), shape, expected);
  require(reinterpret_cast<uintptr_t>(bytes.view.data()) % static_cast<size_t>(size_of(dtype)) == 0,
          "memory at {} is not aligned for {}", static_cast<const void*>(bytes.view.data()),
          to_string(dtype));
  result.storage_ = std::make_shared<Storage>(device, bytes);
  result.shape_ = shape;
  result.strides_ = dense_strides(shape);
  result.dtype_ = dtype;
  return result;
}

int64_t Array::dim(int axis) const { return shape_[normalize_axis(axis, rank(), "dim")]; }

bool Array::is_contiguous() const noexcept {
  int64_t step = 1;
  for (int axis = rank() - 1; axis >= 0; --axis) {
    if (shape_[axis] != 1 && strides_[axis] != step) return size_ == 0;
    step *= shape_[axis];
  }
  return true;
}

Array Array::with_layout(const Shape& shape, const Strides& strides, int64_t offset) const {
  check_defined();
  require(shape.rank() == strides.rank(), "{} extents but {} strides", shape.rank(),
          strides.rank());
  const int64_t count = element_count(shape);
  if (count > 0) {
    // The lowest and the highest element that the view can reach.
    int64_t low = offset;
    int64_t high = offset;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      int64_t reach = 0;
      const bool overflow =
          __builtin_mul_overflow(shape[axis] - 1, strides[axis], &reach) ||
          __builtin_add_overflow(reach < 0 ? low : high, reach, reach < 0 ? &low : &high);
      require(!overflow, "strides {} over shape {} do not fit 63 bits", strides, shape);
    }
    const int64_t capacity = storage_->bytes() / size_of(dtype_);
    require(low >= 0 && high < capacity,
            "a view of shape {}, strides {}, offset {} reaches elements {}..{} of {}", shape,
            strides, offset, low, high, capacity);
  }
  Array result = *this;
  result.shape_ = shape;
  result.strides_ = strides;
  result.offset_ = count > 0 ? offset : 0;  // an empty view may start nowhere
  result.size_ = count;
  result.tape_.reset();
  result.tape_number_ = -1;
  return result;
}

Array Array::on_tape(std::shared_ptr<ops::Tape> tape, int64_t number) const {
  Array result = *this;
  result.tape_ = std::move(tape);
  result.tape_number_ = number;
  return result;
}

kernels::ConstView Array::view() const {
  check_defined();
  return {storage_->data() + offset_ * size_of(dtype_), dtype_, shape_, strides_};
}

kernels::View Array::mutable_view() {
  check_defined();
  if (storage_->read_only()) fail(ErrorCode::internal, "writing to a read-only array");
  return {storage_->data() + offset_ * size_of(dtype_), dtype_, shape_, strides_};
}

void Array::copy_logical(void* to) const {
  if (size_ == 0) return;
  const std::byte* from = storage_->data() + offset_ * size_of(dtype_);
  if (is_contiguous()) {
    std::memcpy(to, from, static_cast<size_t>(nbytes()));
    return;
  }
  switch (size_of(dtype_)) {
    case 1: return copy_elements<uint8_t>(shape_, strides_, from, to);
    case 2: return copy_elements<uint16_t>(shape_, strides_, from, to);
    case 4: return copy_elements<uint32_t>(shape_, strides_, from, to);
    default: return copy_elements<uint64_t>(shape_, strides_, from, to);
  }
}

std::vector<float> Array::to_floats() const {
  const auto convert = [this]<class T>(T) {
    const auto values = to_vector<T>();
    std::vector<float> result;
    result.reserve(values.size());
    for (const T value : values) {
      if constexpr (std::is_same_v<T, F16> || std::is_same_v<T, BF16>)
        result.push_back(to_float(value));
      else
        result.push_back(static_cast<float>(value));
    }
    return result;
  };
  switch (dtype_) {
    case DType::boolean: return convert(bool{});
    case DType::u8: return convert(uint8_t{});
    case DType::u32: return convert(uint32_t{});
    case DType::i32: return convert(int32_t{});
    case DType::i64: return convert(int64_t{});
    case DType::f16: return convert(F16{});
    case DType::bf16: return convert(BF16{});
    case DType::f32: break;
  }
  return to_vector<float>();
}

}  // namespace linnet
