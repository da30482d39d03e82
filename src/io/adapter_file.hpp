// Files of low-rank adapters, as PEFT and as mlx-lm write them.
//
//   PEFT  adapter_config.json (peft_type LORA, r, lora_alpha, use_rslora, ...) and
//         adapter_model.safetensors with base_model.model.MODULE.lora_A.weight [r, K] and
//         ....lora_B.weight [N, r]; the scale is lora_alpha / r, or lora_alpha / sqrt(r)
//   MLX   adapter_config.json (fine_tune_type lora, lora_parameters) and adapters.safetensors with
//         MODULE.lora_a [K, r] and MODULE.lora_b [r, N], transposed; the scale is
//         lora_parameters.scale
//
// A field of the configuration that changes what an adapter computes and is not implemented (DoRA,
// biases, saved modules, ...) is an error that names it, unless it has the value that means "off".
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace linnet {
class Json;
}

namespace linnet::io {

class SafetensorsFile;

enum class AdapterFormat { peft, mlx };

/// "peft", "mlx".
std::string_view to_string(AdapterFormat format) noexcept;
/// The name of the file of its tensors.
std::string_view tensors_name(AdapterFormat format) noexcept;

/// One adapted projection: y += scale * (x A^T) B^T.
struct AdapterModule {
  std::string name;  ///< in a plain checkpoint, without prefix: "layers.0.self_attn.q_proj"
  int64_t rank = 0;
  int64_t inputs = 0;    ///< K
  int64_t outputs = 0;   ///< N
  std::vector<float> a;  ///< [r, K]; empty if only shapes were read
  std::vector<float> b;  ///< [N, r]; the same
  float scale = 1;
};

/// What is read of an adapter.
enum class AdapterParts {
  all,
  shapes,  ///< all but the numbers, of which no page is touched
};

struct AdapterFile {
  AdapterFormat format = AdapterFormat::peft;
  int64_t rank = 0;
  double alpha = 0;  ///< scale * rank, or scale * sqrt(rank) with rslora
  bool rslora = false;
  double dropout = 0;         ///< that it was trained with
  std::string base_model;     ///< the name that its base had; may be empty
  std::string base_checksum;  ///< nn::base_identity() of it; empty if the file does not say
  std::vector<AdapterModule> modules;

  /// Last parts of the modules' names, each once: "q_proj", "v_proj".
  [[nodiscard]] std::vector<std::string> targets() const;

  /// Reads a folder of either format. Errors: not_found for a missing file; malformed_file naming
  /// the field or tensor; unsupported for what is not implemented.
  static AdapterFile open(const std::filesystem::path& folder,
                          AdapterParts parts = AdapterParts::all);
  /// The same of what its two files hold.
  static AdapterFile parse(const Json& config, const SafetensorsFile& tensors,
                           AdapterParts parts = AdapterParts::all);
};

/// Writes a folder of that format in place of an adapter that may be there. Everything is written
/// beside it first; then the old configuration goes, the tensors are put in place and the new
/// configuration last, so that no reader ever sees the tensors of one adapter with the scale of
/// another: a kill between leaves a folder without adapter. Tensors are float32.
/// Errors: invalid_argument for an adapter whose modules differ in scale or rank (MLX); device.
void write_adapter(const std::filesystem::path& folder, AdapterFormat format,
                   const AdapterFile& adapter);

}  // namespace linnet::io
