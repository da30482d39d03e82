#include "ops/random.hpp"

#include <cmath>

#include "kernels/softmax.hpp"
#include "ops/cast.hpp"
#include "ops/trace.hpp"

namespace linnet::ops {
namespace {

// Elements of a block of random bits, and blocks that a thread takes at a time.
constexpr int64_t kPerBlock = 4;
constexpr int64_t kGrain = 1024;

/// Fills an array block by block: fill(words, values) makes four floats of four words.
template <class Fill>
Array generate(const Shape& shape, const Key& key, const DevicePtr& device, DType dtype,
               const Fill& fill) {
  Array result = Array::empty(shape, DType::f32, device);
  auto* out = result.mutable_data<float>();
  const int64_t size = result.size();
  const auto span = trace_lanes("random", result, 0);
  device->threads().parallel_for(ceil_div(size, kPerBlock), kGrain,
                                 [&](int64_t begin, int64_t end) {
                                   for (int64_t block = begin; block < end; ++block) {
                                     float values[kPerBlock] = {};
                                     fill(random_block(key, static_cast<uint64_t>(block)), values);
                                     const int64_t first = block * kPerBlock;
                                     for (int64_t i = 0; i < kPerBlock && first + i < size; ++i)
                                       out[first + i] = values[i];
                                   }
                                 });
  return astype(result, dtype);
}

}  // namespace

Array uniform(const Shape& shape, const Key& key, const DevicePtr& device,
              const UniformOptions& options) {
  const DType dtype = options.dtype;
  const float low = options.low;
  const float high = options.high;
  const float range = high - low;
  require(is_floating(dtype), "uniform: dtype is {}, expected a floating one", to_string(dtype));
  require(low < high && std::isfinite(range), "uniform: the range is {}..{} for shape {}", low,
          high, shape);
  // Rounding low + u * range may reach high.
  const float largest = std::nextafter(high, low);
  return generate(shape, key, device, dtype,
                  [low, range, largest](const RandomWords& words, float* values) {
                    for (size_t i = 0; i < words.size(); ++i) {
                      const float u = static_cast<float>(words[i] >> 8) * 0x1p-24F;
                      const float value = low + u * range;
                      values[i] = value < largest ? value : largest;
                    }
                  });
}

Array normal(const Shape& shape, const Key& key, const DevicePtr& device,
             const NormalOptions& options) {
  const DType dtype = options.dtype;
  const double mean = static_cast<double>(options.mean);
  const double stddev = static_cast<double>(options.stddev);
  require(is_floating(dtype), "normal: dtype is {}, expected a floating one", to_string(dtype));
  require(std::isfinite(mean) && std::isfinite(stddev) && stddev >= 0,
          "normal: mean {} and standard deviation {} for shape {}", mean, stddev, shape);
  return generate(shape, key, device, dtype,
                  [mean, stddev](const RandomWords& words, float* values) {
                    for (size_t pair = 0; pair < words.size(); pair += 2)
                      for (const double z : normal_pair(words[pair], words[pair + 1]))
                        *values++ = static_cast<float>(mean + stddev * z);
                  });
}

Array categorical(const Array& logits, const Key& key) {
  require(logits.rank() >= 1 && is_floating(logits.dtype()) && logits.dim(-1) > 0,
          "categorical: logits is {} {}, expected floating [..., V]", to_string(logits.dtype()),
          logits.shape());
  const Array dense = contiguous(astype(logits, DType::f32));
  Shape shape = logits.shape();
  shape.erase(shape.rank() - 1);
  Array result = Array::empty(shape, DType::i64, logits.device());
  const int64_t rows = result.size();
  std::vector<double> uniforms(static_cast<size_t>(rows));
  for (size_t row = 0; row < uniforms.size(); ++row) {
    const RandomWords words = random_block(key, row);
    uniforms[row] = unit_double(words[0], words[1]);
  }
  kernels::cpu::categorical({.logits = dense.data<float>(),
                             .uniform = uniforms.data(),
                             .y = result.mutable_data<int64_t>(),
                             .rows = rows,
                             .width = logits.dim(-1)},
                            logits.device()->context());
  const int64_t* drawn = result.data<int64_t>();
  for (int64_t row = 0; row < rows; ++row)
    require(drawn[row] >= 0,
            "categorical: row {} of logits {} has NaN, +infinity or nothing but -infinity", row,
            logits.shape());
  return result;
}

}  // namespace linnet::ops
