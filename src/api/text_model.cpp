#include <linnet/model.hpp>

#include "api/engine_of.hpp"
#include "api/state.hpp"
#include "base/error.hpp"

namespace linnet {

const text::Tokenizer& TextModel::State::require_tokenizer() const {
  require(tokenizer.has_value(), "{} has no tokenizer.json: text must be given as token ids",
          info.name);
  return *tokenizer;
}

TextModel::TextModel(std::shared_ptr<const State> state) : state_(std::move(state)) {}

std::shared_ptr<const nn::Adapter> TextModel::State::adapter(const std::string& name) const {
  return name.empty() ? engine->adapter() : adapters.find(name);
}

std::vector<float> TextModel::logits(std::span<const int32_t> ids,
                                     const std::string& adapter) const {
  return state_->engine->logits(ids, state_->adapter(adapter));
}

LoadedAdapter TextModel::load_adapter(const std::string& name,
                                      const std::filesystem::path& folder) const {
  return state_->adapters.load(*state_->engine, state_->adapter_base, name, folder);
}

void TextModel::unload_adapter(const std::string& name) const { state_->adapters.unload(name); }

std::vector<LoadedAdapter> TextModel::adapters() const { return state_->adapters.list(); }

std::vector<int32_t> TextModel::encode(std::string_view text, bool add_special_tokens) const {
  return state_->require_tokenizer().encode(text, add_special_tokens);
}

std::string TextModel::decode(std::span<const int32_t> ids) const {
  const text::Tokenizer& tokenizer = state_->require_tokenizer();
  state_->engine->check_vocabulary(ids);
  return tokenizer.decode(ids);
}

Tokenizer TextModel::tokenizer() const {
  return TokenizerLoader::wrap(state_->require_tokenizer());
}

const ModelInfo& TextModel::info() const noexcept { return state_->info; }

MemoryPlan TextModel::plan() const { return state_->plan; }

MemoryUsage TextModel::memory() const {
  const MemoryStats stats = state_->engine->model().device()->memory().stats();
  return {.active_bytes = stats.active_bytes,
          .cached_bytes = stats.cached_bytes,
          .peak_bytes = stats.peak_bytes,
          .limit_bytes = stats.limit_bytes,
          .system_allocations = stats.system_allocations};
}

engine::Engine& engine_of(const TextModel& model) { return *ModelLoader::state(model).engine; }

}  // namespace linnet
