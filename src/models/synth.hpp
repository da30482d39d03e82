// Checkpoints of real shapes with noise for weights: for timing, where the weights' values do not
// matter but their sizes do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/quantization.hpp"
#include "io/safetensors_writer.hpp"

namespace linnet::models {

enum class SynthFamily { gemma3, qwen3, llama };

/// Sizes of a model, as its published config.json has them.
struct SynthShape {
  std::string_view name;  ///< "gemma3-1b"
  SynthFamily family = SynthFamily::llama;
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t num_hidden_layers = 0;
  int64_t num_attention_heads = 0;
  int64_t num_key_value_heads = 0;
  int64_t head_dim = 0;
  int64_t max_position_embeddings = 0;
  bool tie_word_embeddings = true;
  double rms_norm_eps = 1e-6;
  double rope_theta = 1e6;
  double rope_factor = 1;      ///< linear for Gemma 3, llama3 for Llama; 1: not scaled
  int64_t sliding_window = 0;  ///< of Gemma 3: in five layers of six
  int32_t bos_token_id = 0;
  int32_t eos_token_id = 0;
};

/// gemma3-1b, gemma3-4b (its text model), qwen3-0.6b, qwen3-4b, qwen3-8b, llama3-1b (3.2),
/// llama3-8b (3.1).
std::span<const SynthShape> synth_shapes();

/// Errors: not_found naming all shapes.
const SynthShape& find_synth_shape(std::string_view name);

/// The tensors of a checkpoint of that shape under their published names: bf16, or with a
/// quantisation MLX's affine layout (weight U32, scales and biases bf16; norms stay bf16).
/// Errors: invalid_argument for a quantisation that MLX does not have or that the shape's matrices
/// are no multiple of.
std::vector<io::TensorSpec> synth_tensors(const SynthShape& shape,
                                          const Quantization& quantization);

/// Its config.json.
std::string synth_config(const SynthShape& shape, const Quantization& quantization);

struct SynthOptions {
  Quantization quantization = {};
  uint64_t seed = 0;
  /// A tensor file takes no further tensor beyond it.
  int64_t shard_bytes = 5'000'000'000;
  /// Called now and then with the bytes written; an exception from it ends the work.
  std::function<void(int64_t done_bytes, int64_t total_bytes)> progress = {};
};

/// Writes the checkpoint (no tokenizer) to `folder`, whole or not at all. Weights are uniform noise
/// of standard deviation 1 / sqrt(inputs) (0.02 in embedding and head), so activations and logits
/// stay finite; norm weights are near 1. The same shape, quantisation and seed give the same bytes.
/// Memory: about a megabyte. Errors: as synth_tensors and io::CheckpointWriter.
void write_synth(const SynthShape& shape, const std::filesystem::path& folder,
                 const SynthOptions& options = {});

}  // namespace linnet::models
