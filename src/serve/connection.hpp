// One client's connection: HTTP/1.1 over TCP or TLS.
//
// Requests are read one after the other, each with limits and deadlines: a header that trickles in
// (slowloris), a body that is too large, a client that takes nothing. Whoever may not ask, or asks
// for what is not there, hears so before the body is read. While a request is served the connection
// is read on, so that a client that leaves is noticed at once; what else it sends (a request ahead
// of the answer) waits in the buffer.
#pragma once

#include <spdlog/logger.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "serve/options.hpp"
#include "serve/router.hpp"
#include "serve/telemetry.hpp"

namespace linnet::serve {

/// What all connections share. Lives longer than they.
struct ConnectionContext {
  const ServeOptions& options;
  const Router& router;
  Telemetry& telemetry;
  spdlog::logger& log;
  bool draining = false;  ///< no further requests are read
  int64_t serving = 0;    ///< requests that are being answered
  uint64_t served = 0;    ///< that were
};

/// Used on the network thread.
class Connection {
 public:
  virtual ~Connection() = default;
  /// Serves the client until one of the two ends it. Never throws.
  virtual asio::awaitable<void> run() = 0;
  /// Ends it if it waits for a request.
  virtual void close_if_idle() = 0;
  /// Tells the request that is being served to end.
  virtual void give_up() = 0;
  /// Ends it, whatever it does.
  virtual void close() = 0;
};

/// With TLS if there is a context for it.
std::shared_ptr<Connection> make_connection(ConnectionContext& context,
                                            asio::ip::tcp::socket socket, asio::ssl::context* tls);

}  // namespace linnet::serve
