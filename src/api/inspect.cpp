// What a checkpoint is and what it will take, from its headers alone.
#include <algorithm>

#include "api/state.hpp"
#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "engine/kv_sequence.hpp"
#include "kernels/attention.hpp"
#include "kernels/low_rank.hpp"
#include "kernels/matmul.hpp"
#include "models/registry.hpp"
#include "nn/adapter_load.hpp"

namespace linnet {
namespace {

/// A model without weights, for its config and cache layout. One thread: nothing is computed.
models::LoadedModel plan_only(const io::Checkpoint& checkpoint, Compute compute,
                              Quantization quantize) {
  return models::load(checkpoint, Device::cpu({.threads = 1}),
                      {.compute = compute, .plan_only = true, .quantize = quantize});
}

/// The matrices by format, of which `quantization` is one.
std::vector<MatrixFormat> formats_of(std::span<const nn::TensorUse> tensors,
                                     Quantization nn::TensorUse::*quantization) {
  std::vector<MatrixFormat> formats;
  for (const nn::TensorUse& tensor : tensors) {
    if (!tensor.is_matrix()) continue;
    const Quantization q = tensor.*quantization;
    auto format = std::ranges::find_if(formats, [&](const MatrixFormat& f) {
      return f.bits == q.bits && f.group_size == q.group_size;
    });
    if (format == formats.end())
      format = formats.insert(format,
                              {.bits = q.bits, .group_size = q.group_size, .first = tensor.name});
    ++format->matrices;
    format->parameters += tensor.outputs * tensor.inputs;
  }
  std::ranges::stable_sort(formats, std::greater<>(), &MatrixFormat::parameters);
  return formats;
}

int64_t cache_bytes(const std::vector<nn::CacheGroup>& groups, int64_t tokens) {
  int64_t bytes = 0;
  for (const nn::CacheGroup& group : groups) {
    const int64_t blocks =
        engine::KvSequence::blocks_needed(group.window, tokens, engine::kPrefillChunk);
    bytes = checked_add(bytes, checked_mul(blocks, MemoryPool::class_bytes(group.block_bytes())));
  }
  return bytes;
}

/// The most that a forward pass over `tokens` holds at once beside weights and cache: the residual
/// stream, a norm's output, the widest stage of a block (attention with its projections, or the
/// gated feed-forward product), what a product needs to work, and the logits of `sampled` rows, one
/// of them in the forms that the sampler makes of it. Matrices of several formats are multiplied
/// one by one, and the feed-forward part then keeps gate, up and their product.
int64_t forward_bytes(const models::DecoderConfig& c, int64_t tokens, int64_t sampled, int threads,
                      bool mixed) {
  const int64_t q = c.num_attention_heads * c.head_dim;
  const int64_t kv = c.num_key_value_heads * c.head_dim;
  const int64_t per_token = 4 * c.hidden_size +
                            std::max((mixed ? 4 : 1) * c.intermediate_size, 4 * q + 4 * kv) +
                            2 * c.head_dim * static_cast<int64_t>(c.rope.size());
  const int64_t floats = checked_add(checked_mul(tokens, per_token), (5 + sampled) * c.vocab_size);
  const int64_t inputs = std::max({c.hidden_size, q, c.intermediate_size});
  // Groups of 32 are the smallest there are. Attention and products do not work at the same time.
  const kernels::KvLayout layout{.kv_heads = c.num_key_value_heads, .head_dim = c.head_dim};
  const int64_t working =
      std::max(kernels::cpu::linear_workspace(tokens, inputs, 32, threads),
               kernels::cpu::attention_workspace(layout, c.num_attention_heads, threads));
  const int64_t bytes = checked_add(checked_mul(floats, 4), working);
  // The pool rounds a block up by at most an eighth.
  return checked_add(bytes, bytes / 8);
}

}  // namespace

Quantization quantization_of(const QuantizeOptions& options) {
  if (options.bits == 0) return {};
  const Quantization result{.bits = options.bits, .group_size = options.group_size};
  check_supported(result);
  return result;
}

std::string to_string(const MatrixFormat& format) {
  if (format.bits == 0) return "none";
  return fmt::format("{} bits in groups of {}", format.bits, format.group_size);
}

ModelInfo describe(const io::Checkpoint& checkpoint) {
  const models::Family& family = models::family_of(checkpoint);
  const models::LoadedModel planned = plan_only(checkpoint, Compute::bf16, {});
  const models::DecoderConfig& c = planned.model->config();
  ModelInfo info{.name = checkpoint.name(),
                 .architecture = std::string(family.architecture),
                 .model_type = std::string(family.model_type),
                 .parameters = planned.elements,
                 .stored_bytes = planned.stored_bytes,
                 .dtype = std::string(to_string(planned.main_dtype)),
                 .formats = formats_of(planned.tensors, &nn::TensorUse::stored),
                 .vocab_size = c.vocab_size,
                 .hidden_size = c.hidden_size,
                 .intermediate_size = c.intermediate_size,
                 .num_layers = c.num_hidden_layers,
                 .num_attention_heads = c.num_attention_heads,
                 .num_key_value_heads = c.num_key_value_heads,
                 .head_dim = c.head_dim,
                 .max_context_length = c.max_position_embeddings,
                 .tied_embeddings = c.tie_word_embeddings,
                 .has_tokenizer = checkpoint.file("tokenizer.json").has_value()};
  info.quantization = to_string(info.formats.front());
  for (const models::LayerAttention& layer : c.layers) {
    if (layer.window == 0) continue;
    info.sliding_window = layer.window;
    ++info.sliding_layers;
  }
  for (const io::CheckpointFile& file : checkpoint.files())
    info.files.push_back({.name = file.name, .bytes = file.size});
  return info;
}

/// Of the largest pass, and of one that runs between its layers, which others may need meanwhile.
int64_t workspace_bytes(const models::DecoderConfig& c, int64_t context, const LoadOptions& options,
                        bool mixed) {
  const int threads = options.threads > 0 ? options.threads : physical_cores();
  const int64_t bytes =
      forward_bytes(c, std::min(engine::kPrefillChunk, context), options.max_batch, threads, mixed);
  if (options.max_batch == 1) return bytes;
  const int64_t nested = std::min(engine::kNestedChunk, context) + options.max_batch;
  return checked_add(bytes, forward_bytes(c, nested, options.max_batch, threads, mixed));
}

/// What a draft model takes beside the model itself, whose config is `target`.
void add_draft(MemoryPlan& plan, const models::DecoderConfig& target, const LoadOptions& options) {
  if (options.draft.empty()) return;
  const io::Checkpoint checkpoint = io::Checkpoint::open(options.draft);
  const models::LoadedModel planned = plan_only(checkpoint, options.compute, {});
  const models::DecoderConfig& c = planned.model->config();
  require(c.vocab_size == target.vocab_size,
          "the draft model {} has a vocabulary of {}, the model one of {}: it cannot guess for it",
          checkpoint.name(), c.vocab_size, target.vocab_size);
  plan.draft_weight_bytes = planned.weight_bytes;
  plan.draft_cache_bytes = cache_bytes(planned.model->cache_groups(), plan.context_length);
  // One of the two computes at a time.
  LoadOptions alone = options;
  alone.max_batch = 1;
  plan.workspace_bytes =
      std::max(plan.workspace_bytes, workspace_bytes(c, plan.context_length, alone, true));
}

int64_t adapter_workspace_bytes(const models::DecoderConfig& c, const LoadOptions& options,
                                int64_t context_length) {
  const int64_t rows = std::min(engine::kPrefillChunk, context_length) + 2 * options.max_batch;
  const int64_t widest = std::max(c.intermediate_size,
                                  (c.num_attention_heads + 2 * c.num_key_value_heads) * c.head_dim);
  const int threads = options.threads > 0 ? options.threads : physical_cores();
  constexpr int64_t kUsualRank = 64;
  return checked_add(checked_mul(4 * rows, 6 * widest + 3 * c.hidden_size),
                     kernels::cpu::low_rank_workspace(widest, kUsualRank, threads));
}

/// What an adapter takes: its weights, and what passes hold for it.
void add_adapter(MemoryPlan& plan, const models::DecoderConfig& c, const LoadOptions& options) {
  if (options.adapter.empty()) return;
  plan.adapter_bytes =
      nn::packed_bytes(io::AdapterFile::open(options.adapter, io::AdapterParts::shapes));
  plan.workspace_bytes += adapter_workspace_bytes(c, options, plan.context_length);
}

MemoryPlan make_plan(const io::Checkpoint& checkpoint, const LoadOptions& options) {
  const models::LoadedModel planned =
      plan_only(checkpoint, options.compute, quantization_of(options.quantize));
  const models::DecoderConfig& c = planned.model->config();
  require(options.context_length >= 0 && options.context_length <= c.max_position_embeddings,
          "context_length {} is outside 0..{} (max_position_embeddings)", options.context_length,
          c.max_position_embeddings);
  require(options.max_batch >= 1 && options.max_batch <= 256, "max_batch {} is outside 1..256",
          options.max_batch);
  require(options.max_queue >= 0, "max_queue {} is negative", options.max_queue);
  require(options.prefix_cache_bytes >= 0, "prefix_cache_bytes {} is negative",
          options.prefix_cache_bytes);
  MemoryPlan plan;
  plan.context_length =
      options.context_length > 0 ? options.context_length : c.max_position_embeddings;
  plan.weight_bytes = planned.weight_bytes;
  plan.formats = formats_of(planned.tensors, &nn::TensorUse::loaded);
  plan.kv_cache_bytes = cache_bytes(planned.model->cache_groups(), plan.context_length);
  plan.workspace_bytes = workspace_bytes(c, plan.context_length, options, plan.formats.size() > 1);
  plan.prefix_cache_bytes = options.prefix_cache_bytes;
  add_adapter(plan, c, options);
  add_draft(plan, c, options);
  for (const int64_t bytes :
       {plan.weight_bytes, plan.adapter_bytes, plan.kv_cache_bytes, plan.workspace_bytes,
        plan.draft_weight_bytes, plan.draft_cache_bytes})
    plan.total_bytes = checked_add(plan.total_bytes, bytes);
  return plan;
}

}  // namespace linnet
