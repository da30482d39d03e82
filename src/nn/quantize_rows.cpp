#include "nn/quantize_rows.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"

namespace linnet::nn {
namespace {

// Of the source. Large enough for many threads, small beside any model worth quantising.
constexpr int64_t kPartBytes = int64_t{8} << 20;
constexpr int64_t kRowMultiple = 16;

}  // namespace

void quantize_rows(const io::StoredTensor& tensor, const Quantization& quantization,
                   const DevicePtr& device,
                   const std::function<void(const ops::QuantizedRows&)>& take) {
  const auto dtype = io::to_dtype(tensor.dtype);
  require(tensor.shape.size() == 2 && dtype && is_floating(*dtype),
          "{} is {} with {} axes: it cannot be quantised", tensor.name, io::to_string(tensor.dtype),
          tensor.shape.size());
  const int64_t rows = tensor.shape[0];
  const int64_t columns = tensor.shape[1];
  const int64_t row_bytes = columns * size_of(*dtype);
  const int64_t step = std::max<int64_t>(
      kPartBytes / std::max<int64_t>(row_bytes, 1) / kRowMultiple * kRowMultiple, kRowMultiple);
  for (int64_t begin = 0; begin < rows; begin += step) {
    const int64_t count = std::min(step, rows - begin);
    Bytes part = tensor.bytes;
    part.view = part.view.subspan(static_cast<size_t>(begin * row_bytes),
                                  static_cast<size_t>(count * row_bytes));
    const Array w =
        Array::over(io::aligned_bytes(part, tensor.dtype), {count, columns}, *dtype, device);
    ops::QuantizedRows quantized;
    try {
      quantized = ops::quantize(w, quantization);
    } catch (const Error& error) {
      fail(error.code(), "{}, rows {} to {}: {}", tensor.name, begin, begin + count - 1,
           error.what());
    }
    take(quantized);
    release_pages(part);
  }
}

}  // namespace linnet::nn
