// What stands behind a Session.
#pragma once

#include <linnet/session.hpp>

#include <atomic>
#include <mutex>

#include "api/state.hpp"
#include "engine/held_cache.hpp"

namespace linnet {

struct Session::State {
  explicit State(std::shared_ptr<const TextModel::State> model_) : model(std::move(model_)) {}

  std::shared_ptr<const TextModel::State> model;  // outlives the cache
  std::shared_ptr<engine::HeldCache> cache = std::make_shared<engine::HeldCache>();
  mutable std::mutex mutex;  // of the transcript
  std::vector<int32_t> ids;
  std::atomic<bool> generating{false};

  /// Errors: invalid_argument while a generation runs.
  void require_rest() const;
};

}  // namespace linnet
