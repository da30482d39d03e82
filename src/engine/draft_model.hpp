// A small model that guesses what a large one will say.
#pragma once

#include <memory>

#include "engine/kv_pool.hpp"
#include "engine/kv_sequence.hpp"
#include "engine/speculator.hpp"
#include "models/model.hpp"

namespace linnet::engine {

/// The model, on the device of the one that it guesses for, and memory for its cache, which is a
/// part of its own. Not thread-safe: the engine thread's.
class DraftModel {
 public:
  /// Caches take `cache_bytes` at most, over all requests.
  DraftModel(std::unique_ptr<models::Model> model, int64_t cache_bytes, int64_t context_length);

  /// What one request has of it. The DraftModel must outlive it.
  std::unique_ptr<Drafter> new_drafter();

 private:
  friend class ModelDrafter;
  std::unique_ptr<models::Model> model_;
  KvPool pool_;
  int64_t context_length_;
};

}  // namespace linnet::engine
