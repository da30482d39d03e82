#include <linnet/discover.hpp>
#include <linnet/model_store.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>

#include "api/engine_of.hpp"
#include "api/state.hpp"
#include "array/device.hpp"
#include "base/checked.hpp"
#include "base/error.hpp"

namespace linnet {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using SharedState = std::shared_ptr<const TextModel::State>;

/// What makes two loads of one folder the same. Bound by structure, so that an option that is added
/// must be thought of here.
auto key_of(const LoadOptions& options) {
  [[maybe_unused]] const auto& [compute, quantize, context_length, memory_budget, threads,
                                max_batch, max_queue, prefix_cache_bytes, adapter, draft, device,
                                progress] = options;
  return std::tuple(compute, quantize.bits, quantize.group_size, context_length, memory_budget,
                    threads, max_batch, max_queue, prefix_cache_bytes, adapter, draft,
                    device.empty() ? std::string(kCpuBackend) : device);
}

/// When a model was last used. Handles of it outlive the store.
struct LastUse {
  std::atomic<Clock::rep> ticks{Clock::now().time_since_epoch().count()};

  void now() noexcept {
    ticks.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  }
};

/// A model and its place. All members are guarded by the store's mutex.
struct Entry {
  fs::path folder;  // canonical
  LoadOptions options;
  int64_t bytes = 0;
  SharedState model = {};  // nothing while it is loaded, or if that failed
  std::optional<Error> error = {};
  bool loading = true;
  int waiting = 0;  // calls that wait for it, or were woken and have not taken it yet
  std::shared_ptr<LastUse> last_use = std::make_shared<LastUse>();

  /// With one owner no handle exists, and none can come: only the store makes them from its own.
  [[nodiscard]] bool in_use() const { return loading || waiting > 0 || model.use_count() > 1; }
};

/// A handle whose end is noted. It is counted apart from the model itself, which it owns until
/// then: all handles and their copies are gone once the store is the only owner.
TextModel hand_out(const Entry& entry) {
  entry.last_use->now();
  const TextModel::State* state = entry.model.get();
  return ModelLoader::wrap(SharedState(
      state, [owner = entry.model, last_use = entry.last_use](const TextModel::State*) mutable {
        last_use->now();
        owner.reset();
      }));
}

/// The folder as it is compared.
fs::path folder_of(const fs::path& model) {
  const fs::path folder = find_model(model.native());
  std::error_code error;
  fs::path result = fs::canonical(folder, error);
  if (error) fail(ErrorCode::not_found, "{}: {}", folder.string(), error.message());
  return result;
}

}  // namespace

struct ModelStore::State {
  using EntryPtr = std::shared_ptr<Entry>;

  int64_t ceiling = 0;
  int64_t cache_bytes = 0;
  mutable std::mutex mutex;
  std::condition_variable loaded;  // or failed
  std::vector<EntryPtr> entries;
  ModelStoreStatistics statistics;

  [[nodiscard]] EntryPtr find(const fs::path& folder, const LoadOptions& options) const {
    for (const EntryPtr& entry : entries)
      if (entry->folder == folder && key_of(entry->options) == key_of(options)) return entry;
    return nullptr;
  }

  [[nodiscard]] int64_t reserved() const {
    int64_t sum = 0;
    for (const EntryPtr& entry : entries) sum += entry->bytes;
    return sum;
  }

  [[nodiscard]] int64_t share_of(const fs::path& folder, const LoadOptions& options) const {
    const MemoryPlan plan = plan_model(folder, options);
    if (options.memory_budget > 0) return options.memory_budget;
    return checked_add(plan.total_bytes - plan.kv_cache_bytes,
                       cache_bytes > 0 ? cache_bytes : plan.kv_cache_bytes);
  }

  /// Takes the entry out and frees its model, before its bytes count as free.
  void free(const EntryPtr& entry) {
    entry->model.reset();
    std::erase(entries, entry);
  }

  /// Frees idle models until so many bytes are free. Errors: out_of_memory, and then none is freed.
  void make_room(const fs::path& folder, int64_t bytes) {
    int64_t held = 0;
    std::string holders;
    std::vector<EntryPtr> idle;
    for (const EntryPtr& entry : entries) {
      if (!entry->in_use()) {
        idle.push_back(entry);
        continue;
      }
      held += entry->bytes;
      holders +=
          fmt::format("{}{} holds {} ({})", holders.empty() ? ": " : ", ", entry->folder.string(),
                      entry->bytes, entry->loading ? "being loaded" : "in use");
    }
    if (bytes > ceiling - held) {
      ++statistics.failures;
      fail(ErrorCode::out_of_memory,
           "{} needs {} bytes, and {} of the store's {} are free or held by idle models{}",
           folder.string(), bytes, ceiling - held, ceiling, holders);
    }
    std::ranges::stable_sort(idle, {}, [](const EntryPtr& entry) {
      return entry->last_use->ticks.load(std::memory_order_relaxed);
    });
    for (const EntryPtr& entry : idle) {
      if (bytes <= ceiling - reserved()) break;
      free(entry);
      ++statistics.evictions;
    }
  }

  /// The entry to load, with its bytes set aside; nothing if another call was first. Takes the
  /// lock only after the files were looked at.
  EntryPtr reserve(const fs::path& folder, const LoadOptions& options) {
    const int64_t bytes = share_of(folder, options);
    const std::scoped_lock lock(mutex);
    if (find(folder, options)) return nullptr;
    make_room(folder, bytes);
    auto entry =
        std::make_shared<Entry>(Entry{.folder = folder, .options = options, .bytes = bytes});
    entry->options.progress = {};
    entries.push_back(entry);
    return entry;
  }

  TextModel load(const EntryPtr& entry, LoadOptions options) {
    options.memory_budget = entry->bytes;
    std::optional<Error> error;
    try {
      SharedState model = ModelLoader::share(load_model(entry->folder, options));
      const std::scoped_lock lock(mutex);
      entry->model = std::move(model);
      entry->loading = false;
      ++statistics.loads;
      loaded.notify_all();
      return hand_out(*entry);
    } catch (const Error& failed) {
      // That one caller stopped is no error of the others.
      if (failed.code() != ErrorCode::cancelled) error = failed;
      give_up(entry, error);
      throw;
    } catch (...) {
      give_up(entry, error);
      throw;
    }
  }

  void give_up(const EntryPtr& entry, const std::optional<Error>& error) {
    const std::scoped_lock lock(mutex);
    entry->error = error;
    entry->loading = false;
    free(entry);
    ++statistics.failures;
    loaded.notify_all();
  }

  /// The model if it is there, or is there once a load is over that runs. Errors: that load's.
  std::optional<TextModel> take(const fs::path& folder, const LoadOptions& options) {
    std::unique_lock lock(mutex);
    while (const EntryPtr entry = find(folder, options)) {
      ++entry->waiting;
      loaded.wait(lock, [&] { return !entry->loading; });
      --entry->waiting;
      if (entry->error) throw *entry->error;
      if (!entry->model) continue;
      ++statistics.hits;
      return hand_out(*entry);
    }
    return std::nullopt;
  }
};

ModelStore::ModelStore(const ModelStoreOptions& options) : state_(std::make_unique<State>()) {
  require(options.ceiling_bytes >= 0, "ceiling_bytes {} is negative", options.ceiling_bytes);
  require(options.cache_bytes >= 0, "cache_bytes {} is negative", options.cache_bytes);
  state_->ceiling = options.ceiling_bytes > 0 ? options.ceiling_bytes : physical_memory();
  state_->cache_bytes = options.cache_bytes;
}

ModelStore::~ModelStore() = default;

TextModel ModelStore::acquire(const fs::path& model, const LoadOptions& options) {
  const fs::path folder = folder_of(model);
  while (true) {
    if (auto there = state_->take(folder, options)) return *std::move(there);
    if (const auto entry = state_->reserve(folder, options)) return state_->load(entry, options);
  }
}

std::optional<TextModel> ModelStore::peek(const fs::path& model, const LoadOptions& options) const {
  const fs::path folder = folder_of(model);
  const std::scoped_lock lock(state_->mutex);
  const auto entry = state_->find(folder, options);
  if (!entry || !entry->model) return std::nullopt;
  return ModelLoader::wrap(entry->model);
}

int64_t ModelStore::release(const fs::path& model) {
  fs::path folder;
  try {
    folder = folder_of(model);
  } catch (const Error&) {
    folder = fs::absolute(model).lexically_normal();  // of a folder that is gone
  }
  const std::scoped_lock lock(state_->mutex);
  int64_t freed = 0;
  for (const auto& entry : std::vector(state_->entries)) {
    if (entry->folder != folder || entry->in_use()) continue;
    state_->free(entry);
    ++freed;
  }
  return freed;
}

std::vector<StoredModel> ModelStore::list() const {
  std::vector<StoredModel> result;
  const std::scoped_lock lock(state_->mutex);
  for (const auto& entry : state_->entries)
    result.push_back(
        {.name = entry->folder.string(),
         .options = entry->options,
         .bytes = entry->bytes,
         .active_bytes = entry->model
                             ? entry->model->engine->model().device()->memory().stats().active_bytes
                             : 0,
         .loading = entry->loading,
         .in_use = entry->in_use(),
         .last_use = Clock::time_point(Clock::duration(entry->last_use->ticks.load()))});
  std::ranges::stable_sort(result, std::greater<>(), &StoredModel::last_use);
  return result;
}

ModelStoreStatistics ModelStore::statistics() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->statistics;
}

ModelStoreMemory ModelStore::memory() const {
  const std::scoped_lock lock(state_->mutex);
  ModelStoreMemory result{.ceiling_bytes = state_->ceiling, .reserved_bytes = state_->reserved()};
  for (const auto& entry : state_->entries) {
    if (!entry->model) continue;
    const MemoryStats stats = entry->model->engine->model().device()->memory().stats();
    result.active_bytes += stats.active_bytes;
    result.cached_bytes += stats.cached_bytes;
  }
  return result;
}

}  // namespace linnet
