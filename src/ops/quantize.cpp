#include "ops/quantize.hpp"

#include "kernels/quantize.hpp"
#include "ops/cast.hpp"

namespace linnet::ops {

QuantizedRows quantize(const Array& w, const Quantization& quantization) {
  check_supported(quantization);
  require(w.rank() == 2 && is_floating(w.dtype()), "quantize: w is {} {}, expected floating [N, K]",
          to_string(w.dtype()), w.shape());
  const int64_t n = w.dim(0);
  const int64_t k = w.dim(1);
  require(k % quantization.group_size == 0,
          "quantize: the {} inputs of w {} are no multiple of the group size {}", k, w.shape(),
          quantization.group_size);
  const Array rows = k == 0 || w.strides()[1] == 1 ? w : contiguous(w);
  const DevicePtr& device = w.device();
  const Shape groups{n, k / quantization.group_size};
  QuantizedRows result{.words = Array::empty({n, k / 32 * quantization.bits}, DType::u32, device),
                       .scales = Array::empty(groups, w.dtype(), device),
                       .biases = Array::empty(groups, w.dtype(), device)};
  const int64_t failed = kernels::cpu::quantize({.weights = rows.view(),
                                                 .quantization = quantization,
                                                 .words = result.words.mutable_data<uint32_t>(),
                                                 .scales = result.scales.mutable_view().data,
                                                 .biases = result.biases.mutable_view().data},
                                                device->context());
  require(failed < 0,
          "quantize: row {} of w {} holds a NaN, an infinity or numbers too far apart for float32",
          failed, w.shape());
  return result;
}

Array dequantize(const QuantizedRows& quantized, const Quantization& quantization, DType dtype) {
  check_supported(quantization);
  const auto& [words, scales, biases] = quantized;
  require(words.rank() == 2 && words.dtype() == DType::u32,
          "dequantize: words are {} {}, expected u32 [N, K * {} / 32]", to_string(words.dtype()),
          words.shape(), quantization.bits);
  const int64_t n = words.dim(0);
  const int64_t k = scales.rank() == 2 ? scales.dim(1) * quantization.group_size : 0;
  require(scales.rank() == 2 && scales.dim(0) == n && is_floating(scales.dtype()) &&
              words.dim(1) == k / 32 * quantization.bits,
          "dequantize: scales are {} {}, which does not fit words {} with {} bits in groups of {}",
          to_string(scales.dtype()), scales.shape(), words.shape(), quantization.bits,
          quantization.group_size);
  require(biases.shape() == scales.shape() && biases.dtype() == scales.dtype(),
          "dequantize: biases are {} {}, scales {} {}", to_string(biases.dtype()), biases.shape(),
          to_string(scales.dtype()), scales.shape());
  require(is_floating(dtype), "dequantize: {} is no floating type", to_string(dtype));
  Array result = Array::empty({n, k}, dtype, words.device());
  const Array dense_words = contiguous(words);
  const Array dense_scales = contiguous(scales);
  const Array dense_biases = contiguous(biases);
  kernels::cpu::dequantize({.words = dense_words.data<uint32_t>(),
                            .scales = dense_scales.view(),
                            .biases = dense_biases.view(),
                            .quantization = quantization,
                            .weights = result.mutable_view()},
                           words.device()->context());
  return result;
}

}  // namespace linnet::ops
