// Rotary position embedding: frequencies with the scalings that Hugging Face checkpoints use,
// tables of cosines and sines, and the rotation.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "array/array.hpp"

namespace linnet::ops {

enum class RopeType { plain, linear, llama3, yarn };

/// Fields as in config.json's rope_parameters (transformers' modeling_rope_utils.py).
struct RopeParameters {
  RopeType type = RopeType::plain;
  double theta = 10000;
  double factor = 1;                       ///< linear, llama3, yarn
  double low_freq_factor = 1;              ///< llama3
  double high_freq_factor = 4;             ///< llama3
  double original_max_positions = 0;       ///< llama3, yarn
  double beta_fast = 32;                   ///< yarn
  double beta_slow = 1;                    ///< yarn
  std::optional<double> attention_factor;  ///< yarn; default from factor, mscale and mscale_all_dim
  double mscale = 0;                       ///< yarn; 0: not given
  double mscale_all_dim = 0;               ///< yarn; 0: not given
  bool truncate = true;                    ///< yarn: round the correction range to whole dimensions
};

/// Frequencies of one kind of layer.
struct RopeFrequencies {
  std::vector<float> inverse;  ///< [D/2], radians per position
  float magnitude = 1;         ///< cosines and sines are multiplied by it (yarn's attention factor)
};

/// plain:  theta^(-2i/D)
/// linear: plain / factor
/// llama3: wavelengths above original/low_freq_factor divided by factor, those below
///         original/high_freq_factor kept, a linear blend between (Llama 3.1 model card)
/// yarn:   a ramp from kept to divided between the dimensions that beta_fast and beta_slow give
///         (Peng et al. 2023, "YaRN")
/// Computed in double with base/math.hpp, rounded to f32 once.
/// Errors: invalid_argument for an odd head_dim or parameters out of range.
RopeFrequencies rope_frequencies(const RopeParameters& parameters, int64_t head_dim);

/// cos and sin, each [T, D/2] f32, of position * frequency (that product rounded to f32, as Hugging
/// Face does), times the magnitude.
struct RopeTable {
  Array cos;
  Array sin;
};
/// Errors: invalid_argument for a negative position.
RopeTable rope_table(const RopeFrequencies& frequencies, std::span<const int64_t> positions,
                     const DevicePtr& device);

/// y[i] = x[i] cos - x[i + D/2] sin,  y[i + D/2] = x[i + D/2] cos + x[i] sin
///   x [T, H, D] f32    result [T, H, D] f32
/// Errors: invalid_argument if the shapes do not fit the table. Devices: cpu.
Array rope(const Array& x, const RopeTable& table);

}  // namespace linnet::ops
