// The server: listens, serves, and ends when it is told to.
//
// One thread does all that concerns the network: connections are coroutines on it. What takes long
// - parsing, tokenising, loading, reading prompts - runs on Workers; models compute on threads of
// their own and tell the network thread when a token is there.
#pragma once

#include <spdlog/logger.h>
#include <cstdint>
#include <memory>
#include <string>

#include "serve/options.hpp"

namespace linnet::serve {

class Server {
 public:
  /// Listens, and reads the headers of the models. Errors: invalid_argument for options out of
  /// range, and for an address that is not this machine's own without a key; device if it cannot
  /// listen; not_found and malformed_file for a certificate; as inspect_model.
  Server(ServeOptions options, std::shared_ptr<spdlog::logger> log);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// "http://127.0.0.1:8090", with the port that it listens on.
  [[nodiscard]] std::string url() const;
  [[nodiscard]] uint16_t port() const;

  /// What it answers.
  [[nodiscard]] const class Router& router() const;

  /// Loads the first model and serves until stop(). With `handle_signals`, SIGINT and SIGTERM are
  /// stop().
  void run(bool handle_signals);

  /// No connection is accepted any more; requests that run may end, for
  /// ServeOptions::drain_timeout. A second call ends them at once. From any thread.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace linnet::serve
