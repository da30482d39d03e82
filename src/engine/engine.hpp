// A model with its cache and its scheduler.
#pragma once

#include <mutex>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/draft_model.hpp"
#include "engine/kv_pool.hpp"
#include "engine/scheduler.hpp"
#include "models/model.hpp"

namespace linnet::engine {

/// Tokens of a prompt that one forward pass takes at most. Bounds the workspace; the bits do not
/// depend on it.
inline constexpr int64_t kPrefillChunk = 512;
/// The same for a pass that runs between two layers of another, beside one row of each request that
/// decodes.
inline constexpr int64_t kNestedChunk = 128;

struct EngineOptions {
  int64_t context_length = 0;
  std::unordered_set<int32_t> eos_ids = {};
  /// Of the device's budget, kept free of cache for forward passes.
  int64_t workspace_bytes = 0;
  SchedulerOptions scheduler = {};
  std::unique_ptr<DraftModel> draft = nullptr;  ///< of the same vocabulary; null: none
  /// Of requests that name no other; null: none.
  std::shared_ptr<const nn::Adapter> adapter = nullptr;
};

/// Owns a model, its KvPool and the thread that serves requests. All functions may be called from
/// any thread; forward passes are serialised by a mutex.
class Engine {
 public:
  Engine(std::unique_ptr<models::Model> model, EngineOptions options);

  [[nodiscard]] const models::Model& model() const noexcept { return *model_; }
  [[nodiscard]] int64_t context_length() const noexcept { return context_length_; }
  [[nodiscard]] const std::unordered_set<int32_t>& eos_ids() const noexcept { return eos_ids_; }
  KvPool& pool() noexcept { return pool_; }
  Scheduler& scheduler() noexcept { return scheduler_; }
  [[nodiscard]] const std::shared_ptr<const nn::Adapter>& adapter() const noexcept {
    return adapter_;
  }
  /// What guesses for a request: the draft model if there is one, else prompt lookup.
  std::unique_ptr<Drafter> new_drafter();

  /// One forward pass: logits, or what the head makes them of.
  Array forward(const nn::Batch& batch);
  Array states(const nn::Batch& batch);

  /// Logits of every position, [T, V] row-major.
  /// Errors: invalid_argument for ids outside the vocabulary or too many of them; otherwise as
  /// ReadJob::wait.
  std::vector<float> logits(std::span<const int32_t> ids,
                            std::shared_ptr<const nn::Adapter> adapter = nullptr);

  /// What the model computes without adapters, as 32 hexadecimal digits: a checksum of its shape
  /// and of the logits of a short text. The same bits on every machine, so also the same digits;
  /// other weights, another quantisation or arithmetic give others. Computed by the first call.
  /// Errors: as logits().
  std::string fingerprint();

  /// Errors: invalid_argument if ids are none, more than the context takes, or outside the
  /// vocabulary.
  void check_ids(std::span<const int32_t> ids) const;
  /// Errors: invalid_argument for an id outside the vocabulary.
  void check_vocabulary(std::span<const int32_t> ids) const;

 private:
  std::unique_ptr<models::Model> model_;
  KvPool pool_;
  int64_t context_length_;
  std::unordered_set<int32_t> eos_ids_;
  std::mutex step_;
  std::mutex fingerprint_mutex_;
  std::string fingerprint_;
  std::unique_ptr<DraftModel> draft_;
  std::shared_ptr<const nn::Adapter> adapter_;
  Scheduler scheduler_;  // last: its thread uses the others
};

/// The batch of one sequence: `ids` at the positions after `first_position`, logits of the last row
/// or of all.
nn::Batch single_batch(std::span<const int32_t> ids, int64_t first_position,
                       std::span<const kernels::KvSequence> groups, bool all_logits,
                       const nn::Adapter* adapter = nullptr);

}  // namespace linnet::engine
