#include "models/synth.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/checked.hpp"
#include "base/half.hpp"
#include "io/checkpoint_writer.hpp"

namespace linnet::models {
namespace {

constexpr std::array kShapes{
    SynthShape{.name = "gemma3-1b",
               .family = SynthFamily::gemma3,
               .vocab_size = 262144,
               .hidden_size = 1152,
               .intermediate_size = 6912,
               .num_hidden_layers = 26,
               .num_attention_heads = 4,
               .num_key_value_heads = 1,
               .head_dim = 256,
               .max_position_embeddings = 32768,
               .sliding_window = 512,
               .bos_token_id = 2,
               .eos_token_id = 1},
    SynthShape{.name = "gemma3-4b",
               .family = SynthFamily::gemma3,
               .vocab_size = 262208,
               .hidden_size = 2560,
               .intermediate_size = 10240,
               .num_hidden_layers = 34,
               .num_attention_heads = 8,
               .num_key_value_heads = 4,
               .head_dim = 256,
               .max_position_embeddings = 131072,
               .rope_factor = 8,
               .sliding_window = 1024,
               .bos_token_id = 2,
               .eos_token_id = 1},
    SynthShape{.name = "qwen3-0.6b",
               .family = SynthFamily::qwen3,
               .vocab_size = 151936,
               .hidden_size = 1024,
               .intermediate_size = 3072,
               .num_hidden_layers = 28,
               .num_attention_heads = 16,
               .num_key_value_heads = 8,
               .head_dim = 128,
               .max_position_embeddings = 40960,
               .bos_token_id = 151643,
               .eos_token_id = 151645},
    SynthShape{.name = "qwen3-4b",
               .family = SynthFamily::qwen3,
               .vocab_size = 151936,
               .hidden_size = 2560,
               .intermediate_size = 9728,
               .num_hidden_layers = 36,
               .num_attention_heads = 32,
               .num_key_value_heads = 8,
               .head_dim = 128,
               .max_position_embeddings = 40960,
               .bos_token_id = 151643,
               .eos_token_id = 151645},
    SynthShape{.name = "qwen3-8b",
               .family = SynthFamily::qwen3,
               .vocab_size = 151936,
               .hidden_size = 4096,
               .intermediate_size = 12288,
               .num_hidden_layers = 36,
               .num_attention_heads = 32,
               .num_key_value_heads = 8,
               .head_dim = 128,
               .max_position_embeddings = 40960,
               .tie_word_embeddings = false,
               .bos_token_id = 151643,
               .eos_token_id = 151645},
    SynthShape{.name = "llama3-1b",
               .family = SynthFamily::llama,
               .vocab_size = 128256,
               .hidden_size = 2048,
               .intermediate_size = 8192,
               .num_hidden_layers = 16,
               .num_attention_heads = 32,
               .num_key_value_heads = 8,
               .head_dim = 64,
               .max_position_embeddings = 131072,
               .rms_norm_eps = 1e-5,
               .rope_theta = 5e5,
               .rope_factor = 32,
               .bos_token_id = 128000,
               .eos_token_id = 128001},
    SynthShape{.name = "llama3-8b",
               .family = SynthFamily::llama,
               .vocab_size = 128256,
               .hidden_size = 4096,
               .intermediate_size = 14336,
               .num_hidden_layers = 32,
               .num_attention_heads = 32,
               .num_key_value_heads = 8,
               .head_dim = 128,
               .max_position_embeddings = 131072,
               .tie_word_embeddings = false,
               .rms_norm_eps = 1e-5,
               .rope_theta = 5e5,
               .rope_factor = 8,
               .bos_token_id = 128000,
               .eos_token_id = 128001},
};

/// One linear map or vector of the model, before quantisation splits it into files' tensors.
struct Part {
  std::string name;  // without ".weight"
  int64_t outputs = 0;
  int64_t inputs = 0;  // 0: a vector of `outputs`
};

std::vector<Part> parts_of(const SynthShape& s) {
  const int64_t m = s.hidden_size;
  const int64_t f = s.intermediate_size;
  const int64_t q = s.num_attention_heads * s.head_dim;
  const int64_t kv = s.num_key_value_heads * s.head_dim;
  std::vector<Part> parts{{"model.embed_tokens", s.vocab_size, m}};
  for (int64_t i = 0; i < s.num_hidden_layers; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    const auto add = [&](const char* name, int64_t outputs, int64_t inputs) {
      parts.push_back({layer + name, outputs, inputs});
    };
    add("input_layernorm", m, 0);
    add("self_attn.q_proj", q, m);
    add("self_attn.k_proj", kv, m);
    add("self_attn.v_proj", kv, m);
    add("self_attn.o_proj", m, q);
    if (s.family != SynthFamily::llama) {
      add("self_attn.q_norm", s.head_dim, 0);
      add("self_attn.k_norm", s.head_dim, 0);
    }
    add("post_attention_layernorm", m, 0);
    if (s.family == SynthFamily::gemma3) {
      add("pre_feedforward_layernorm", m, 0);
      add("post_feedforward_layernorm", m, 0);
    }
    add("mlp.gate_proj", f, m);
    add("mlp.up_proj", f, m);
    add("mlp.down_proj", m, f);
  }
  parts.push_back({"model.norm", m, 0});
  if (!s.tie_word_embeddings) parts.push_back({"lm_head", s.vocab_size, m});
  return parts;
}

/// Random words by counting: word i of a key is a hash of both (SplitMix64's finaliser; Steele, Lea
/// and Flood, 2014). Quick enough not to be seen beside the disk, which Philox is not.
class Noise {
 public:
  Noise(uint64_t seed, uint64_t stream) : key_(mix(seed ^ mix(stream))) {}

  [[nodiscard]] uint64_t word(uint64_t index) const {
    return mix(key_ + (index + 1) * 0x9e3779b97f4a7c15ULL);
  }
  /// Number `index` in [-1, 1): a quarter of a word.
  [[nodiscard]] float number(uint64_t index) const {
    const auto bits = static_cast<int16_t>(word(index / 4) >> (16 * (index % 4)));
    return static_cast<float>(bits) * 0x1p-15F;
  }

 private:
  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  uint64_t key_;
};

/// How the elements of a tensor are made: middle + spread * noise, or plain random words.
struct Filling {
  bool words = false;
  float middle = 0;
  float spread = 0;
};

/// Uniform noise in [-a, a) has the standard deviation a / sqrt(3).
float half_width(const Part& part) {
  const bool table = part.name == "model.embed_tokens" || part.name == "lm_head";
  const double deviation = table ? 0.02 : 1 / std::sqrt(static_cast<double>(part.inputs));
  return static_cast<float>(deviation * std::sqrt(3.0));
}

struct Tensor {
  io::TensorSpec spec;
  Filling filling;
};

std::vector<Tensor> tensors_of(const SynthShape& shape, const Quantization& quantization) {
  if (quantization) check_supported(quantization);
  const float norm = shape.family == SynthFamily::gemma3 ? 0.0F : 1.0F;  // Gemma adds 1 itself
  std::vector<Tensor> result;
  for (const Part& part : parts_of(shape)) {
    const auto add = [&](const char* suffix, io::StoredDType dtype, std::vector<int64_t> extents,
                         const Filling& filling) {
      result.push_back({{part.name + suffix, dtype, std::move(extents)}, filling});
    };
    using io::StoredDType;
    if (part.inputs == 0) {
      add(".weight", StoredDType::bf16, {part.outputs}, {.middle = norm, .spread = 0.1F});
      continue;
    }
    const float width = half_width(part);
    if (!quantization) {
      add(".weight", StoredDType::bf16, {part.outputs, part.inputs}, {.spread = width});
      continue;
    }
    require(part.inputs % quantization.group_size == 0,
            "{} has {} inputs, no multiple of the group size {}", part.name, part.inputs,
            quantization.group_size);
    // scale * q + bias covers [-width, width] as q covers 0 .. 2^bits - 1.
    const auto levels = static_cast<float>((1 << quantization.bits) - 1);
    const float scale = 2 * width / levels;
    const int64_t groups = part.inputs / quantization.group_size;
    add(".weight", StoredDType::u32, {part.outputs, part.inputs * quantization.bits / 32},
        {.words = true});
    add(".scales", StoredDType::bf16, {part.outputs, groups},
        {.middle = scale, .spread = scale / 8});
    add(".biases", StoredDType::bf16, {part.outputs, groups},
        {.middle = -width, .spread = width / 8});
  }
  return result;
}

/// Elements `first`, `first` + 1, ... of a tensor.
void fill(std::span<std::byte> bytes, const Filling& filling, const Noise& noise, uint64_t first) {
  if (filling.words) {  // first and the bytes are multiples of eight
    for (size_t i = 0; i < bytes.size(); i += sizeof(uint64_t)) {
      const uint64_t word = noise.word((first + i) / sizeof(uint64_t));
      std::memcpy(bytes.data() + i, &word, std::min(sizeof(word), bytes.size() - i));
    }
    return;
  }
  for (size_t i = 0; i < bytes.size() / sizeof(BF16); ++i) {
    const BF16 value = to_bf16(filling.middle + filling.spread * noise.number(first / 2 + i));
    std::memcpy(bytes.data() + i * sizeof(value), &value, sizeof(value));
  }
}

}  // namespace

std::span<const SynthShape> synth_shapes() { return kShapes; }

const SynthShape& find_synth_shape(std::string_view name) {
  const auto* found = std::ranges::find(kShapes, name, &SynthShape::name);
  if (found == kShapes.end()) {
    std::vector<std::string_view> known;
    for (const SynthShape& shape : kShapes) known.push_back(shape.name);
    fail(ErrorCode::not_found, "\"{}\" is not one of the shapes {}", name, fmt::join(known, ", "));
  }
  return *found;
}

std::vector<io::TensorSpec> synth_tensors(const SynthShape& shape,
                                          const Quantization& quantization) {
  std::vector<io::TensorSpec> result;
  for (Tensor& tensor : tensors_of(shape, quantization)) result.push_back(std::move(tensor.spec));
  return result;
}

std::string synth_config(const SynthShape& s, const Quantization& quantization) {
  nlohmann::ordered_json config;
  switch (s.family) {
    case SynthFamily::gemma3:
      config["architectures"] = {"Gemma3ForCausalLM"};
      config["model_type"] = "gemma3_text";
      config["hidden_activation"] = "gelu_pytorch_tanh";
      config["query_pre_attn_scalar"] = 256;
      config["attn_logit_softcapping"] = nullptr;
      config["final_logit_softcapping"] = nullptr;
      config["sliding_window"] = s.sliding_window;
      config["sliding_window_pattern"] = 6;
      config["rope_local_base_freq"] = 10000;
      if (s.rope_factor != 1)
        config["rope_scaling"] = {{"factor", s.rope_factor}, {"rope_type", "linear"}};
      break;
    case SynthFamily::qwen3:
      config["architectures"] = {"Qwen3ForCausalLM"};
      config["model_type"] = "qwen3";
      config["hidden_act"] = "silu";
      config["sliding_window"] = nullptr;
      config["use_sliding_window"] = false;
      config["max_window_layers"] = s.num_hidden_layers;
      config["rope_scaling"] = nullptr;
      break;
    case SynthFamily::llama:
      config["architectures"] = {"LlamaForCausalLM"};
      config["model_type"] = "llama";
      config["hidden_act"] = "silu";
      config["mlp_bias"] = false;
      config["rope_scaling"] = nullptr;
      if (s.rope_factor != 1)
        config["rope_scaling"] = {{"factor", s.rope_factor},
                                  {"low_freq_factor", 1.0},
                                  {"high_freq_factor", 4.0},
                                  {"original_max_position_embeddings", 8192},
                                  {"rope_type", "llama3"}};
      break;
  }
  config["attention_bias"] = false;
  config["vocab_size"] = s.vocab_size;
  config["hidden_size"] = s.hidden_size;
  config["intermediate_size"] = s.intermediate_size;
  config["num_hidden_layers"] = s.num_hidden_layers;
  config["num_attention_heads"] = s.num_attention_heads;
  config["num_key_value_heads"] = s.num_key_value_heads;
  config["head_dim"] = s.head_dim;
  config["max_position_embeddings"] = s.max_position_embeddings;
  config["rms_norm_eps"] = s.rms_norm_eps;
  config["rope_theta"] = s.rope_theta;
  config["tie_word_embeddings"] = s.tie_word_embeddings;
  config["bos_token_id"] = s.bos_token_id;
  config["eos_token_id"] = s.eos_token_id;
  config["torch_dtype"] = "bfloat16";
  if (quantization) {
    // MLX writes both.
    for (const char* key : {"quantization", "quantization_config"})
      config[key] = {{"group_size", quantization.group_size}, {"bits", quantization.bits}};
  }
  return config.dump(2) + "\n";
}

void write_synth(const SynthShape& shape, const std::filesystem::path& folder,
                 const SynthOptions& options) {
  // CheckpointWriter asks for the tensors in an order of its own; noise is keyed by the place here.
  std::map<std::string, std::pair<Filling, uint64_t>, std::less<>> fillings;
  for (const Tensor& tensor : tensors_of(shape, options.quantization))
    fillings.emplace(tensor.spec.name, std::pair{tensor.filling, fillings.size()});
  io::CheckpointWriter writer(folder, synth_tensors(shape, options.quantization),
                              {.shard_bytes = options.shard_bytes,
                               .metadata = {{"format", options.quantization ? "mlx" : "pt"}}});
  std::vector<std::byte> buffer(size_t{1} << 20);
  int64_t done = 0;
  for (const io::TensorSpec& spec : writer.tensors()) {
    const auto& [filling, stream] = fillings.find(spec.name)->second;
    const Noise noise(options.seed, stream);
    const int64_t size = io::stored_bytes(spec.dtype, spec.shape);
    for (int64_t begin = 0; begin < size;) {
      const int64_t count = std::min(size - begin, static_cast<int64_t>(buffer.size()));
      const std::span bytes = std::span(buffer).first(static_cast<size_t>(count));
      fill(bytes, filling, noise, static_cast<uint64_t>(begin));
      writer.write(spec.name, bytes);
      begin += count;
      done += count;
      if (options.progress) options.progress(done, writer.total_bytes());
    }
  }
  writer.add_file("config.json", synth_config(shape, options.quantization));
  writer.commit();
}

}  // namespace linnet::models
