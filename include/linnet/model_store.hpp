// Several models in one process, under one number of bytes.
#pragma once

#include <linnet/model.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace linnet {

/// Values out of range are ErrorCode::invalid_argument.
struct ModelStoreOptions {
  /// Bytes that all models of the store may take together; 0: the machine's physical memory.
  int64_t ceiling_bytes = 0;
  /// Bytes for keys and values, of running requests and of the prefix cache, in each model's share;
  /// 0: those of one sequence as long as the model's context.
  int64_t cache_bytes = 0;
};

/// A model of a store.
struct StoredModel {
  std::string name;  ///< its folder
  LoadOptions options;
  int64_t bytes = 0;         ///< its share of the ceiling
  int64_t active_bytes = 0;  ///< of these, in use now; 0 while it is loaded
  bool loading = false;
  bool in_use = false;  ///< something outside the store holds it, or it is being loaded
  /// When it was last given out, or the last that held it let go.
  std::chrono::steady_clock::time_point last_use;
};

/// Since the store was made.
struct ModelStoreStatistics {
  int64_t loads = 0;      ///< models that were loaded
  int64_t hits = 0;       ///< calls of acquire() that found theirs loaded or being loaded
  int64_t failures = 0;   ///< loads that failed, or did not fit
  int64_t evictions = 0;  ///< models that made room for others
};

/// Bytes of a store's models together.
struct ModelStoreMemory {
  int64_t ceiling_bytes = 0;
  int64_t reserved_bytes = 0;  ///< the shares of all models, those being loaded included
  int64_t active_bytes = 0;    ///< MemoryUsage::active_bytes of the loaded ones
  int64_t cached_bytes = 0;    ///< MemoryUsage::cached_bytes of the loaded ones
};

/// Loads models when they are asked for and keeps them until another one needs the room.
///
/// Each model has a share of the ceiling: LoadOptions::memory_budget if it is given, otherwise what
/// plan_model says for weights, workspace and a draft model, and the cache's bytes. The share is
/// set aside before anything is loaded and is the model's memory_budget, so that neither loads at
/// the same time nor requests pass the ceiling. Room is made by freeing models that nobody uses,
/// the least recently used first. A model is in use while a TextModel, Generation or Session of it
/// exists outside the store; it is never freed then.
///
/// Threads: all functions may be called from any thread. Models given out may outlive the store,
/// which counts them no longer then.
class ModelStore {
 public:
  explicit ModelStore(const ModelStoreOptions& options = {});
  ~ModelStore();
  ModelStore(const ModelStore&) = delete;
  ModelStore& operator=(const ModelStore&) = delete;

  /// The model of a folder, or of a name as find_model takes it, loaded if it is not there. Models
  /// loaded with different options (all but `progress`) are different models. Calls for one that is
  /// being loaded wait for it and have its error, unless it was cancelled by the one who loads it:
  /// then the next of them loads.
  /// Errors: as find_model and load_model; out_of_memory, naming who holds what, if it does not fit
  /// beside the models that are in use. Nothing is freed for one that does not fit.
  [[nodiscard]] TextModel acquire(const std::filesystem::path& model,
                                  const LoadOptions& options = {});

  /// The model if it is loaded now, for a look at it: that is no use of it, as far as the order
  /// goes in which models make room.
  [[nodiscard]] std::optional<TextModel> peek(const std::filesystem::path& model,
                                              const LoadOptions& options = {}) const;

  /// Frees the models of that folder or name that nobody uses, whatever their options; those in use
  /// stay. Returns how many were freed.
  int64_t release(const std::filesystem::path& model);

  /// Its models, the most recently used first.
  [[nodiscard]] std::vector<StoredModel> list() const;
  [[nodiscard]] ModelStoreStatistics statistics() const;
  [[nodiscard]] ModelStoreMemory memory() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace linnet
