#include <unordered_set>

#include "api/state.hpp"
#include "base/checksum.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "models/registry.hpp"
#include "nn/adapter_load.hpp"

namespace linnet {
namespace {

/// End-of-sequence ids: generation_config.json's eos_token_id, else config.json's; a number or a
/// list.
std::unordered_set<int32_t> read_eos_ids(const io::Checkpoint& checkpoint, int64_t vocab_size) {
  std::optional<Json> entry;
  if (checkpoint.generation_config()) entry = checkpoint.generation_config()->find("eos_token_id");
  if (!entry) entry = checkpoint.config().find("eos_token_id");
  if (!entry) entry = models::text_config(checkpoint.config()).find("eos_token_id");
  std::unordered_set<int32_t> result;
  if (!entry) return result;
  const auto add = [&](const Json& id) {
    const int64_t value = id.as_integer();
    if (value < 0 || value >= vocab_size)
      fail(ErrorCode::malformed_file, "{} is {}, outside the vocabulary of {}", id.where(), value,
           vocab_size);
    result.insert(static_cast<int32_t>(value));
  };
  if (entry->is_array())
    for (const Json& id : entry->elements()) add(id);
  else
    add(*entry);
  return result;
}

void check_load_options(const LoadOptions& options) {
  require(options.memory_budget >= 0, "memory_budget {} is negative", options.memory_budget);
  require(options.threads >= 0 && options.threads <= 4096, "threads {} is outside 0..4096",
          options.threads);
  require(options.device.empty() || options.device == kCpuBackend,
          "device \"{}\" is not known: load_model has \"{}\"", printable(options.device),
          kCpuBackend);
}

/// The draft model on the device of the model that it guesses for; null if there is to be none.
std::unique_ptr<engine::DraftModel> load_draft(const LoadOptions& options,
                                               const models::Model& target,
                                               const MemoryPlan& plan) {
  if (options.draft.empty()) return nullptr;
  const io::Checkpoint checkpoint = io::Checkpoint::open(options.draft);
  models::LoadedModel loaded =
      models::load(checkpoint, target.device(), {.compute = options.compute});
  return std::make_unique<engine::DraftModel>(std::move(loaded.model), plan.draft_cache_bytes,
                                              plan.context_length);
}

}  // namespace

std::optional<text::Tokenizer> read_tokenizer(const io::Checkpoint& checkpoint) {
  const auto tokenizer = checkpoint.file("tokenizer.json");
  if (!tokenizer) return std::nullopt;
  const auto config = checkpoint.file("tokenizer_config.json");
  const auto map = checkpoint.file("special_tokens_map.json");
  const auto text_of = [](const std::optional<Bytes>& file) {
    return file ? std::optional(file->text()) : std::nullopt;
  };
  return text::Tokenizer::parse(tokenizer->text(), text_of(config), text_of(map));
}

TextModel ModelLoader::load(const io::Checkpoint& checkpoint, const LoadOptions& options) {
  check_load_options(options);
  auto state = std::make_shared<TextModel::State>();
  state->plan = make_plan(checkpoint, options);
  const DevicePtr device =
      Device::cpu({.threads = options.threads, .memory_limit = options.memory_budget});
  const MemoryPlan& plan = state->plan;
  // The cache is taken per request, so only what every request needs must fit now.
  const int64_t limit = device->memory().stats().limit_bytes;
  const int64_t needed = plan.total_bytes - plan.kv_cache_bytes;
  if (needed > limit)
    fail(ErrorCode::out_of_memory,
         "{} needs {} bytes for weights and {} for workspace{}{}, the budget is {}",
         checkpoint.name(), plan.weight_bytes, plan.workspace_bytes,
         options.adapter.empty() ? ""
                                 : fmt::format(", and {} for the adapter {}", plan.adapter_bytes,
                                               options.adapter.string()),
         options.draft.empty() ? ""
                               : fmt::format(", and {} for the draft model {}",
                                             plan.draft_weight_bytes + plan.draft_cache_bytes,
                                             options.draft.string()),
         limit);
  state->info = describe(checkpoint);
  state->tokenizer = read_tokenizer(checkpoint);
  if (const auto file = checkpoint.file("tokenizer.json")) {
    Checksum checksum;
    checksum.add(file->view);
    state->tokenizer_checksum = checksum.hex();
  }
  state->chat_form = read_chat_form(checkpoint, state->tokenizer);
  auto eos_ids = read_eos_ids(checkpoint, state->info.vocab_size);
  state->info.formats = state->plan.formats;
  state->info.quantization = to_string(plan.formats.front());
  nn::StoredWeights::Options weight_options{.compute = options.compute,
                                            .quantize = quantization_of(options.quantize)};
  if (options.progress)
    weight_options.progress = [&](int64_t done) {
      options.progress({.done_bytes = done, .total_bytes = state->info.stored_bytes});
    };
  models::LoadedModel loaded = models::load(checkpoint, device, weight_options);
  state->adapter_base = {.identity = nn::base_identity(loaded.tensors),
                         .modules = std::move(loaded.modules)};
  std::shared_ptr<const nn::Adapter> adapter;
  if (!options.adapter.empty())
    adapter = read_adapter(io::AdapterFile::open(options.adapter), state->adapter_base,
                           options.adapter.string(), device);
  else
    state->adapter_base.workspace_bytes =
        adapter_workspace_bytes(loaded.model->config(), options, plan.context_length);
  std::unique_ptr<engine::DraftModel> draft = load_draft(options, *loaded.model, plan);
  state->engine = std::make_unique<engine::Engine>(
      std::move(loaded.model),
      engine::EngineOptions{.context_length = plan.context_length,
                            .eos_ids = std::move(eos_ids),
                            .workspace_bytes = plan.workspace_bytes + plan.draft_cache_bytes,
                            .scheduler = {.max_batch = options.max_batch,
                                          .max_queue = options.max_queue,
                                          .prefix_cache_bytes = options.prefix_cache_bytes},
                            .draft = std::move(draft),
                            .adapter = std::move(adapter)});
  return TextModel(std::move(state));
}

TextModel load_model(const std::filesystem::path& folder, const LoadOptions& options) {
  return ModelLoader::load(io::Checkpoint::open(folder), options);
}

TextModel load_builtin_model(const LoadOptions& options) {
  return ModelLoader::load(builtin_checkpoint(), options);
}

ModelInfo inspect_model(const std::filesystem::path& folder) {
  return describe(io::Checkpoint::open(folder));
}

ModelInfo inspect_builtin_model() { return describe(builtin_checkpoint()); }

MemoryPlan plan_model(const std::filesystem::path& folder, const LoadOptions& options) {
  return make_plan(io::Checkpoint::open(folder), options);
}

MemoryPlan plan_builtin_model(const LoadOptions& options) {
  return make_plan(builtin_checkpoint(), options);
}

}  // namespace linnet
