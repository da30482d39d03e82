#include "ops/rope.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/math.hpp"
#include "kernels/rope.hpp"
#include "ops/cast.hpp"
#include "ops/elementwise.hpp"
#include "ops/tape.hpp"
#include "ops/trace.hpp"

namespace linnet::ops {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;

std::vector<double> plain_frequencies(double theta, int64_t head_dim) {
  std::vector<double> result;
  for (int64_t i = 0; i < head_dim / 2; ++i)
    result.push_back(
        portable::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim)));
  return result;
}

double llama3_frequency(const RopeParameters& p, double frequency) {
  const double wavelength = kTwoPi / frequency;
  if (wavelength > p.original_max_positions / p.low_freq_factor) return frequency / p.factor;
  if (wavelength < p.original_max_positions / p.high_freq_factor) return frequency;
  const double smooth = (p.original_max_positions / wavelength - p.low_freq_factor) /
                        (p.high_freq_factor - p.low_freq_factor);
  return (1 - smooth) * frequency / p.factor + smooth * frequency;
}

/// The dimension that turns `rotations` times over the original context.
double yarn_dimension(const RopeParameters& p, double rotations, int64_t head_dim) {
  return static_cast<double>(head_dim) *
         portable::log(p.original_max_positions / (rotations * kTwoPi)) /
         (2 * portable::log(p.theta));
}

void apply_yarn(const RopeParameters& p, int64_t head_dim, std::vector<double>& frequencies) {
  double low = yarn_dimension(p, p.beta_fast, head_dim);
  double high = yarn_dimension(p, p.beta_slow, head_dim);
  if (p.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(head_dim - 1));
  if (low == high) high += 0.001;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] = frequencies[i] / p.factor * ramp + frequencies[i] * (1 - ramp);
  }
}

double yarn_magnitude(const RopeParameters& p) {
  if (p.attention_factor) return *p.attention_factor;
  const auto scale = [&](double mscale) {
    return p.factor <= 1 ? 1.0 : 0.1 * mscale * portable::log(p.factor) + 1.0;
  };
  if (p.mscale != 0 && p.mscale_all_dim != 0) return scale(p.mscale) / scale(p.mscale_all_dim);
  return scale(1.0);
}

}  // namespace

RopeFrequencies rope_frequencies(const RopeParameters& p, int64_t head_dim) {
  require(head_dim > 0 && head_dim % 2 == 0, "rope: head_dim {} is not even and positive",
          head_dim);
  require(std::isfinite(p.theta) && p.theta > 1, "rope: theta {} is not above 1", p.theta);
  require(std::isfinite(p.factor) && p.factor > 0, "rope: factor {} is not positive", p.factor);
  std::vector<double> frequencies = plain_frequencies(p.theta, head_dim);
  RopeFrequencies result;
  switch (p.type) {
    case RopeType::plain: break;
    case RopeType::linear:
      for (double& f : frequencies) f /= p.factor;
      break;
    case RopeType::llama3:
      require(p.original_max_positions > 0, "rope llama3: original_max_position_embeddings is {}",
              p.original_max_positions);
      require(p.low_freq_factor > 0 && p.high_freq_factor > p.low_freq_factor,
              "rope llama3: low_freq_factor {} and high_freq_factor {} are not rising",
              p.low_freq_factor, p.high_freq_factor);
      for (double& f : frequencies) f = llama3_frequency(p, f);
      break;
    case RopeType::yarn:
      require(p.original_max_positions > 0, "rope yarn: original_max_position_embeddings is {}",
              p.original_max_positions);
      require(p.beta_fast > 0 && p.beta_slow > 0, "rope yarn: beta_fast {} and beta_slow {}",
              p.beta_fast, p.beta_slow);
      apply_yarn(p, head_dim, frequencies);
      result.magnitude = static_cast<float>(yarn_magnitude(p));
      break;
  }
  for (const double f : frequencies) result.inverse.push_back(static_cast<float>(f));
  return result;
}

RopeTable rope_table(const RopeFrequencies& frequencies, std::span<const int64_t> positions,
                     const DevicePtr& device) {
  const auto rows = static_cast<int64_t>(positions.size());
  const auto half = static_cast<int64_t>(frequencies.inverse.size());
  for (const int64_t position : positions)
    require(position >= 0, "rope: position {} is negative", position);
  RopeTable table{Array::empty({rows, half}, DType::f32, device),
                  Array::empty({rows, half}, DType::f32, device)};
  const auto span = trace_lanes("rope_table", table.cos, table.sin.size() * size_of(DType::f32));
  float* cos = table.cos.mutable_data<float>();
  float* sin = table.sin.mutable_data<float>();
  const double magnitude = frequencies.magnitude;
  device->threads().parallel_for(rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const auto position = static_cast<float>(positions[static_cast<size_t>(row)]);
      for (int64_t i = 0; i < half; ++i) {
        const double angle = position * frequencies.inverse[static_cast<size_t>(i)];
        cos[row * half + i] = static_cast<float>(portable::cos(angle) * magnitude);
        sin[row * half + i] = static_cast<float>(portable::sin(angle) * magnitude);
      }
    }
  });
  return table;
}

Array rope(const Array& x, const RopeTable& table) {
  require(x.rank() == 3 && x.dtype() == DType::f32, "rope: x is {} {}, expected f32 [T, H, D]",
          to_string(x.dtype()), x.shape());
  require(table.cos.shape() == (Shape{x.dim(0), x.dim(2) / 2}) && x.dim(2) % 2 == 0,
          "rope: x is {}, the table {}", x.shape(), table.cos.shape());
  const Array dense = contiguous(stop_gradient(x));
  Array y = Array::empty(x.shape(), DType::f32, x.device());
  // A rotation's transpose is the rotation back.
  if (Tape* tape = recording({&x}))
    tape->record("rope", {&x}, {&y},
                 {.vjp =
                      [table](const Arrays& c) {
                        return Arrays{rope(c[0], {table.cos, neg(table.sin)})};
                      },
                  .jvp = [table](const Arrays& t) { return Arrays{rope(t[0], table)}; }});
  const auto span = trace_lanes("rope", y, y.size() * size_of(DType::f32));
  kernels::cpu::rope({.x = dense.data<float>(),
                      .cos = table.cos.data<float>(),
                      .sin = table.sin.data<float>(),
                      .y = y.mutable_data<float>(),
                      .rows = x.dim(0),
                      .heads = x.dim(1),
                      .head_dim = x.dim(2)},
                     x.device()->context());
  return y;
}

}  // namespace linnet::ops
