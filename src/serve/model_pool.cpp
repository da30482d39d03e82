#include "serve/model_pool.hpp"

#include <linnet/chat.hpp>

#include <algorithm>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <mutex>

#include "api/adapter_set.hpp"
#include "api/engine_of.hpp"
#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/printable.hpp"
#include "engine/engine.hpp"

namespace linnet::serve {

/// The built-in model is a few megabytes that are in memory anyway: it stays.
struct BuiltinModel {
  std::mutex mutex;
  std::optional<TextModel> model;
};

namespace {

SamplingDefaults read_sampling(const std::filesystem::path& folder) {
  SamplingDefaults result;
  const std::filesystem::path file = folder / "generation_config.json";
  if (!std::filesystem::exists(file)) return result;
  const Json json = Json::parse_file(file);
  if (!json.get("do_sample", false)) return result;
  const auto number = [&](std::string_view name) -> std::optional<float> {
    const auto value = json.find(name);
    return value ? std::optional(static_cast<float>(value->as_number())) : std::nullopt;
  };
  result.temperature = number("temperature");
  result.top_p = number("top_p");
  result.min_p = number("min_p");
  result.repetition_penalty = number("repetition_penalty");
  if (const auto k = json.find("top_k")) result.top_k = k->as_integer();
  return result;
}

/// Weights and workspace, and a cache for as many full contexts as requests run together, as far
/// as a quarter of the memory has room for them: with one context alone, requests would take turns.
int64_t budget_of(const MemoryPlan& plan, const ServeOptions& options, int64_t ceiling_bytes) {
  const int64_t rest = plan.total_bytes - plan.kv_cache_bytes;
  int64_t cache = options.cache_bytes;
  if (cache == 0) {
    cache = checked_mul(plan.kv_cache_bytes, options.load.max_batch);
    cache = std::min({cache, ceiling_bytes / 4, ceiling_bytes - rest});
    cache = std::max(cache, plan.kv_cache_bytes);
  }
  return checked_add(rest, cache);
}

ApiError no_model(const std::string& name) {
  return {404, fmt::format("there is no model \"{}\"", printable(name)), "model_not_found",
          "model"};
}

MemoryPlan plan_of(const ServedModel& model, const LoadOptions& load) {
  return model.folder.empty() ? plan_builtin_model(load) : plan_model(model.folder, load);
}

/// The same model and folder, under both names.
std::shared_ptr<ModelCard> adapter_card(const CardPtr& base, ServedAdapter adapter) {
  auto card = std::make_shared<ModelCard>(*base);
  card->base = base;
  card->name = base->name + ":" + adapter.name;
  card->adapter = std::move(adapter);
  return card;
}

bool has_adapter(const TextModel& model, const std::string& name) {
  return std::ranges::any_of(model.adapters(),
                             [&](const LoadedAdapter& loaded) { return loaded.name == name; });
}

void unload(const TextModel& model, const std::string& name) {
  try {
    model.unload_adapter(name);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
  }
}

/// What a model's adapters of the start take beside it.
int64_t adapter_bytes(const ServedModel& model, const MemoryPlan& plan,
                      const ServeOptions& options) {
  int64_t bytes = 0;
  for (const ServedAdapter& adapter : options.adapters) {
    const bool is_first = adapter.model.empty() && &model == &options.models.front();
    if (!is_first && adapter.model != model.name) continue;
    LoadOptions with = options.load;
    with.adapter = adapter.folder;
    const MemoryPlan other = plan_of(model, with);
    // The workspace is the same for all of them.
    if (bytes == 0) bytes = other.workspace_bytes - plan.workspace_bytes;
    bytes = checked_add(bytes, other.adapter_bytes);
  }
  return bytes;
}

ModelCard read_card(const ServedModel& model, const ServeOptions& options, int64_t ceiling_bytes) {
  const LoadOptions& load = options.load;
  const bool builtin = model.folder.empty();
  ModelCard card{.name = model.name, .folder = model.folder, .load = load};
  const MemoryPlan plan = plan_of(model, load);
  card.load.memory_budget =
      checked_add(budget_of(plan, options, ceiling_bytes), adapter_bytes(model, plan, options));
  card.info = builtin ? inspect_builtin_model() : inspect_model(model.folder);
  card.context_length = load.context_length > 0
                            ? std::min(load.context_length, card.info.max_context_length)
                            : card.info.max_context_length;
  if (!builtin) card.sampling = read_sampling(model.folder);
  try {
    const ChatTemplate chat_template =
        builtin ? load_builtin_chat_template() : load_chat_template(model.folder);
    card.chat_template = chat_template.source();
  } catch (const Error&) {
    // A chat with it is refused with the reason; all else works.
  }
  card.has_chat_template = !card.chat_template.empty();
  card.thinks = card.chat_template.find("enable_thinking") != std::string::npos;
  return card;
}

}  // namespace

ModelPool::ModelPool(const ServeOptions& options, Workers& workers)
    : load_wait_(options.load_wait),
      workers_(workers),
      store_(
          std::make_unique<ModelStore>(ModelStoreOptions{.ceiling_bytes = options.ceiling_bytes})),
      builtin_(std::make_shared<BuiltinModel>()) {
  require(!options.models.empty(), "there is no model to serve");
  for (const ServedModel& model : options.models) {
    require(find(model.name) == nullptr, "two models are called \"{}\"", printable(model.name));
    cards_.push_back(std::make_shared<const ModelCard>(
        read_card(model, options, store_->memory().ceiling_bytes)));
  }
  for (const ServedAdapter& adapter : options.adapters) {
    check_adapter_name(adapter.name);
    CardPtr base;
    try {
      base = base_of(adapter.model);
    } catch (const ApiError& error) {
      fail(ErrorCode::invalid_argument, "the adapter {}: {}", adapter.name, error.what());
    }
    const auto card = adapter_card(base, adapter);
    card->adapter_info = inspect_adapter(adapter.folder);
    require(find(card->name) == nullptr, "two models are called \"{}\"", printable(card->name));
    cards_.push_back(card);
  }
}

CardPtr ModelPool::find(const std::string& name) const {
  if (name.empty() && !cards_.empty()) return cards_.front();
  const auto found =
      std::ranges::find_if(cards_, [&](const CardPtr& card) { return card->name == name; });
  return found == cards_.end() ? nullptr : *found;
}

CardPtr ModelPool::card(const std::string& name) const {
  if (CardPtr found = find(name)) return found;
  throw no_model(name);
}

TextModel ModelPool::load(const ModelCard& card) {
  if (!card.folder.empty()) return store_->acquire(card.folder, card.load);
  const std::scoped_lock lock(builtin_->mutex);
  if (!builtin_->model) builtin_->model = load_builtin_model(card.load);
  return *builtin_->model;
}

asio::awaitable<TextModel> ModelPool::acquire_base(CardPtr card) {
  if (auto model = peek(*card); model && card->folder.empty()) co_return *std::move(model);
  // The loading goes on when the one who asked has stopped waiting: others want it too.
  struct Loading {
    std::optional<TextModel> model;
    std::exception_ptr error;
  };
  const auto loading = std::make_shared<Loading>();
  const auto executor = co_await asio::this_coro::executor;
  const auto done = std::make_shared<asio::steady_timer>(executor, load_wait_);
  auto task = [](ModelPool& pool, CardPtr wanted, std::shared_ptr<Loading> result,
                 std::shared_ptr<asio::steady_timer> signal) -> asio::awaitable<void> {
    try {
      auto call = [&pool, &wanted] { return pool.load(*wanted); };
      result->model = co_await pool.workers_.load(call);
      if (wanted == pool.cards_.front()) pool.ready_ = true;
    } catch (...) {
      result->error = std::current_exception();
    }
    signal->cancel();
  };
  auto started = task(*this, card, loading, done);
  asio::co_spawn(executor, std::move(started), asio::detached);
  boost::system::error_code ignored;
  co_await done->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (loading->error) std::rethrow_exception(loading->error);
  if (!loading->model)
    throw ApiError(503, fmt::format("{} is being loaded: try again", card->name), "loading");
  co_return *loading->model;
}

asio::awaitable<TextModel> ModelPool::acquire(CardPtr card) {
  TextModel model = co_await acquire_base(card->base ? card->base : card);
  if (!card->base) co_return model;
  // While the model was being loaded, another may have taken the name.
  const CardPtr now = this->card(card->name);
  if (has_adapter(model, now->adapter.name)) co_return model;
  auto load = [&] {
    const std::scoped_lock lock(adapters_mutex_);
    // Of those who wait for it the first loads it. One that took its place is as good.
    if (!has_adapter(model, now->adapter.name))
      model.load_adapter(now->adapter.name, now->adapter.folder);
  };
  co_await workers_.load(load);
  if (!find(now->name)) {  // taken away meanwhile
    unload(model, now->adapter.name);
    throw no_model(now->name);
  }
  co_return model;
}

CardPtr ModelPool::base_of(const std::string& name) const {
  CardPtr base = card(name);
  if (base->base)
    throw ApiError(400, fmt::format("{} has an adapter already", printable(base->name)),
                   "invalid_value", "model");
  return base;
}

asio::awaitable<CardPtr> ModelPool::add_adapter(ServedAdapter adapter) {
  check_adapter_name(adapter.name);
  const CardPtr base = base_of(adapter.model);
  auto card = adapter_card(base, std::move(adapter));
  const CardPtr before = find(card->name);
  if (before && !before->base)
    throw ApiError(400, fmt::format("{} is the name of a model", printable(card->name)),
                   "invalid_value", "name");
  TextModel model = co_await acquire_base(base);
  auto load = [&] {
    const std::scoped_lock lock(adapters_mutex_);
    card->adapter_info = model.load_adapter(card->adapter.name, card->adapter.folder).info;
  };
  co_await workers_.load(load);
  std::erase_if(cards_, [&](const CardPtr& other) { return other->name == card->name; });
  cards_.push_back(card);
  co_return card;
}

void ModelPool::remove_adapter(const std::string& name) {
  const CardPtr card = find(name);
  if (name.empty() || !card || !card->base)
    throw ApiError(404, fmt::format("there is no adapter \"{}\"", printable(name)),
                   "model_not_found");
  if (const std::optional<TextModel> model = peek(*card->base)) unload(*model, card->adapter.name);
  std::erase(cards_, card);
}

void ModelPool::release(const ModelCard& card) {
  if (!card.folder.empty()) store_->release(card.folder);
}

std::optional<TextModel> ModelPool::peek(const ModelCard& card) const {
  if (!card.folder.empty()) return store_->peek(card.folder, card.load);
  const std::unique_lock lock(builtin_->mutex, std::try_to_lock);  // held while it is loaded
  return lock ? builtin_->model : std::nullopt;
}

void ModelPool::measure(ServerGauges& gauges) const {
  const ModelStoreMemory memory = store_->memory();
  gauges.ceiling_bytes = memory.ceiling_bytes;
  gauges.reserved_bytes = memory.reserved_bytes;
  const std::vector<StoredModel> stored = store_->list();
  for (const CardPtr& card : cards_) {
    if (card->base) continue;
    ModelGauges gauge{.name = card->name, .context_length = card->context_length};
    const auto entry = std::ranges::find(stored, card->folder.string(), &StoredModel::name);
    gauge.in_use = entry != stored.end() && entry->in_use;
    if (const std::optional<TextModel> model = peek(*card)) {
      engine::Engine& engine = engine_of(*model);
      const engine::SchedulerState state = engine.scheduler().state();
      gauge.loaded = true;
      gauge.memory = model->memory();
      for (const LoadedAdapter& adapter : model->adapters()) {
        ++gauge.adapters;
        gauge.adapter_bytes += adapter.bytes;
      }
      gauge.running = state.running;
      gauge.queued = state.waiting;
      gauge.prefix_cache_bytes = state.prefix_cache_bytes;
      gauge.kv_blocks = engine.pool().blocks_in_use();
      gauge.kv_bytes = engine.pool().bytes_in_use();
      gauge.kv_budget_bytes = engine.pool().budget_bytes();
      gauge.in_use = gauge.in_use || state.running + state.waiting > 0;
    }
    gauges.models.push_back(std::move(gauge));
  }
}

}  // namespace linnet::serve
