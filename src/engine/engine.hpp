// A model with its cache, serving requests step by step.
#pragma once

#include <mutex>
#include <span>
#include <unordered_set>
#include <vector>

#include "engine/kv_pool.hpp"
#include "models/model.hpp"

namespace linnet::engine {

/// Tokens of a prompt that one forward pass takes at most. Bounds the workspace; the bits do not
/// depend on it.
inline constexpr int64_t kPrefillChunk = 512;

/// Owns a model and its KvPool. Threads: forward passes are serialised by a mutex, so requests of
/// one engine may run on several threads.
class Engine {
 public:
  /// `workspace_bytes` of the device's budget are kept free of cache, for forward passes.
  Engine(std::unique_ptr<models::Model> model, int64_t context_length,
         std::unordered_set<int32_t> eos_ids, int64_t workspace_bytes = 0);

  [[nodiscard]] const models::Model& model() const noexcept { return *model_; }
  [[nodiscard]] int64_t context_length() const noexcept { return context_length_; }
  [[nodiscard]] const std::unordered_set<int32_t>& eos_ids() const noexcept { return eos_ids_; }
  KvPool& pool() noexcept { return pool_; }

  /// One forward pass.
  Array forward(const nn::Batch& batch);

  /// Logits of every position, [T, V] row-major.
  /// Errors: invalid_argument for ids outside the vocabulary or too many of them; out_of_memory.
  std::vector<float> logits(std::span<const int32_t> ids);

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
};

/// The batch of one sequence: `ids` at the positions after `first_position`, logits of the last row
/// or of all.
nn::Batch single_batch(std::span<const int32_t> ids, int64_t first_position,
                       std::span<const kernels::KvSequence> groups, bool all_logits);

}  // namespace linnet::engine
