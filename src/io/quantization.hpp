// What config.json says about quantised weights, in MLX's form:
//   "quantization": {"group_size": 64, "bits": 4, "mode": "affine",
//                    "model.layers.0.mlp.down_proj": {"group_size": 32, "bits": 8},
//                    "lm_head": false}
// The three numbers hold for every module whose file has scales; a module (a tensor's full name
// without ".weight") may have numbers of its own, or be dense. Written by mlx-lm twice, as
// `quantization` and as `quantization_config`. The modes and methods of other writers are refused
// by name.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "base/json.hpp"
#include "base/quantization.hpp"

namespace linnet::io {

/// Immutable; may be read from several threads.
class QuantizationConfig {
 public:
  /// Of a checkpoint whose config says nothing: dense.
  QuantizationConfig() = default;

  /// Reads `quantization`, else `quantization_config`, of `config` or else of its text_config (as
  /// mlx-lm does, the first one found is the one that counts).
  /// Errors: unsupported naming a mode, method, width or field that linnet does not implement;
  /// malformed_file.
  static QuantizationConfig read(const Json& config);

  /// Whether the checkpoint says that it is quantised.
  [[nodiscard]] bool defined() const noexcept { return static_cast<bool>(general_); }
  /// What holds for modules without an entry of their own.
  [[nodiscard]] Quantization general() const noexcept { return general_; }

  /// How the weight of `module` is stored: what its own entry says, else general() if the file has
  /// "<module>.scales" (`has_scales`), else dense. As in mlx-lm, entries for modules that the file
  /// does not hold (towers, tied heads) are never looked at.
  /// Errors: malformed_file if there are scales of a module that is said to be dense, or of one
  /// that nothing is said about; not_found for scales that should be there; unsupported and
  /// malformed_file as read() for the module's entry.
  [[nodiscard]] Quantization of(std::string_view module, bool has_scales) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  Quantization general_;
  std::string where_ = "config.json";
  std::unordered_map<std::string, Json, Hash, std::equal_to<>> modules_;
};

}  // namespace linnet::io
