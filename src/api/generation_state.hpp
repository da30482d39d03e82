// A running generation, behind its handle.
#pragma once

#include <optional>

#include "api/session_state.hpp"
#include "api/state.hpp"

namespace linnet {

struct Generation::State {
  State(std::shared_ptr<const TextModel::State> model_, std::vector<int32_t> prompt,
        const GenerateOptions& options, std::shared_ptr<Session::State> session_ = nullptr,
        engine::WhenBusy when_busy = engine::WhenBusy::fail);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::shared_ptr<const TextModel::State> model;  // outlives the request
  std::shared_ptr<Session::State> session;        // whose transcript grows; null: none
  engine::Request request;
  Token token;

  /// The session may be used again.
  void release_session();
};

}  // namespace linnet
