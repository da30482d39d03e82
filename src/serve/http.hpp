// A request and its answer, as routes see them. What is on the wire is connection.cpp's business.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace linnet::serve {

namespace asio = boost::asio;

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string id;      ///< of this server, unique; answered as x-request-id
  std::string method;  ///< "GET"
  std::string path;    ///< percent-decoded, without the query
  std::string query;   ///< behind the "?", as it was sent
  Headers headers;
  std::string body;
  std::string remote;   ///< the client's address
  bool secure = false;  ///< came over TLS
  /// Requested when the client has left, or when the server gives up waiting for the answer.
  std::stop_token gone;

  /// A header's value by its name in lower case; empty if it is not there.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// The whole answer.
struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  Headers headers = {};
  std::string body = {};
  /// Instead of `body`: bytes that live as long as the program.
  std::string_view embedded = {};
};

/// Where the answer to one request goes. A call that throws has found the client gone or too slow;
/// there is nobody to tell then. Not thread-safe: used on the network thread alone.
class Responder {
 public:
  virtual ~Responder() = default;
  /// The whole answer at once; nothing may follow.
  virtual asio::awaitable<void> send(HttpResponse response) = 0;
  /// Begins an answer that comes piece by piece, with status 200.
  virtual asio::awaitable<void> begin(std::string content_type) = 0;
  virtual asio::awaitable<void> write(std::string bytes) = 0;
  virtual asio::awaitable<void> end() = 0;
  /// Whether the answer has begun, so that its status cannot change any more.
  [[nodiscard]] virtual bool begun() const noexcept = 0;
};

/// What a route notes of a request for the log and the counters.
struct RequestNotes {
  std::string model;
  std::string error;   ///< what was answered instead of a result
  std::string prompt;  ///< if prompts are logged
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t generated_tokens = 0;
  double first_token_ms = 0;
};

/// One request on its way.
struct Exchange {
  HttpRequest request;
  Responder& responder;
  RequestNotes notes = {};
};

using Handler = std::function<asio::awaitable<void>(Exchange&)>;

}  // namespace linnet::serve
