#include "serve/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <optional>

#include "base/printable.hpp"
#include "serve/access_log.hpp"
#include "serve/admission.hpp"
#include "serve/percent.hpp"
#include "serve/random_id.hpp"

namespace linnet::serve {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using TlsStream = asio::ssl::stream<tcp::socket>;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
/// Bytes that are read ahead of an answer.
constexpr size_t kReadAhead = size_t{64} << 10;
/// What a client that is not listening may still send after an error before it is cut off.
constexpr Milliseconds kLinger{3'000};
/// A body of a refused request that is still read, so that the connection can go on.
constexpr uint64_t kSmallBody = uint64_t{64} << 10;
/// What the system holds of an answer that the client does not take.
constexpr int kSendBuffer = 256 << 10;

/// Thrown out of a handler whose client is gone.
struct ClientGone {};

/// Counts a request while it is answered.
class Serving {
 public:
  explicit Serving(ConnectionContext& context) : context_(context) { ++context_.serving; }
  ~Serving() {
    --context_.serving;
    ++context_.served;
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

 private:
  ConnectionContext& context_;
};

std::string status_line(int status, unsigned version) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(status));
  return fmt::format("HTTP/1.{} {} {}\r\n", version >= 11 ? 1 : 0, status,
                     std::string_view(reason.data(), reason.size()));
}

/// Where the body ends must be beyond doubt, or a request can hide in another's body.
template <class Message>
bool has_clear_framing(const Message& message) {
  const size_t count = message.count(http::field::transfer_encoding);
  return count == 0 ||
         (count == 1 && boost::beast::iequals(message[http::field::transfer_encoding], "chunked"));
}

/// Two would be two answers to the question which server is meant (RFC 9112, 3.2).
template <class Message>
void check_host(const Message& message, unsigned version) {
  const size_t hosts = message.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && version >= 11))
    throw ApiError(400, fmt::format("the request has {} Host headers, not one", hosts));
}

template <class Stream>
class StreamConnection final : public Connection, Responder {
 public:
  StreamConnection(ConnectionContext& context, Stream stream)
      : context_(context),
        stream_(std::move(stream)),
        deadline_(stream_.get_executor()),
        watch_ended_(stream_.get_executor(), Clock::time_point::max()) {}

  asio::awaitable<void> run() override;
  void close_if_idle() override {
    if (idle_) close();
  }
  void give_up() override { gone_.request_stop(); }
  void close() override {
    error_code ignored;
    socket().close(ignored);
  }

 private:
  using Parser = http::request_parser<http::string_body>;
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;

  tcp::socket& socket() {
    if constexpr (kTls)
      return stream_.next_layer();
    else
      return stream_;
  }

  // Deadlines. When one passes, what waits on the socket ends with an error, and timed_out_ says
  // why.
  void arm(Milliseconds time) {
    const uint64_t number = ++armed_;
    deadline_.expires_after(time);
    deadline_.async_wait([this, number, self = alive_](const error_code& error) {
      if (error || !*self || number != armed_) return;
      timed_out_ = true;
      error_code ignored;
      socket().cancel(ignored);
    });
  }
  void disarm() {
    ++armed_;
    deadline_.cancel();
  }

  asio::awaitable<bool> handshake();
  asio::awaitable<bool> wait_for_request();
  /// One request and its answer; whether another may follow.
  asio::awaitable<bool> serve_one();
  [[nodiscard]] std::optional<ApiError> problem_of(const error_code& error, const char* part) const;
  const Route* admit(const Parser& parser, const error_code& error, HttpRequest& request,
                     std::optional<ApiError>& refused);
  [[nodiscard]] HttpResponse preflight(const HttpRequest& request) const;
  asio::awaitable<bool> read_rest(Parser& parser, const HttpRequest& request,
                                  std::optional<ApiError>& refused);
  asio::awaitable<void> handle(const Route& route, HttpRequest request);
  asio::awaitable<void> fail_with(const ApiError& error, Dialect dialect);
  asio::awaitable<void> watch();
  asio::awaitable<void> linger();
  HttpRequest describe(const Parser& parser);
  void note(const HttpRequest& request, const RequestNotes& notes, std::string_view route,
            Outcome outcome, Clock::time_point started);

  // Responder
  asio::awaitable<void> send(HttpResponse response) override;
  asio::awaitable<void> begin(std::string content_type) override;
  asio::awaitable<void> write(std::string bytes) override;
  asio::awaitable<void> end() override;
  [[nodiscard]] bool begun() const noexcept override { return begun_; }

  [[nodiscard]] std::string head(int status, std::string_view content_type,
                                 const Headers& headers) const;
  asio::awaitable<void> write_all(std::string_view bytes);

  ConnectionContext& context_;
  Stream stream_;
  boost::beast::flat_buffer buffer_;
  asio::steady_timer deadline_;
  asio::steady_timer watch_ended_;
  uint64_t armed_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool timed_out_ = false;
  bool idle_ = false;
  std::string remote_;

  // Of the request that is being served.
  std::stop_source gone_{std::nostopstate};
  bool client_left_ = false;
  bool watching_ = false;
  bool begun_ = false;
  bool keep_alive_ = false;
  bool chunked_ = false;
  bool head_only_ = false;
  unsigned version_ = 11;
  int status_ = 0;
  uint64_t sent_bytes_ = 0;
  std::string request_id_;
  std::string allowed_origin_;
};

template <class Stream>
asio::awaitable<void> StreamConnection<Stream>::run() {
  error_code ignored;
  const auto endpoint = socket().remote_endpoint(ignored);
  remote_ = endpoint.address().to_string();
  socket().set_option(tcp::no_delay(true), ignored);
  socket().set_option(asio::socket_base::send_buffer_size(kSendBuffer), ignored);
  try {
    if (co_await handshake())
      while (co_await wait_for_request())
        if (!co_await serve_one()) break;
  } catch (const ClientGone&) {
    // Noted where it was found out.
  } catch (const std::exception& error) {
    context_.log.error("connection from {}: {}", remote_, error.what());
  }
  disarm();
  *alive_ = false;
  socket().shutdown(tcp::socket::shutdown_both, ignored);
  socket().close(ignored);
}

template <class Stream>
asio::awaitable<bool> StreamConnection<Stream>::handshake() {
  if constexpr (kTls) {
    arm(context_.options.header_timeout);
    const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kTuple);
    disarm();
    if (error) context_.log.debug("TLS handshake with {}: {}", remote_, error.message());
    co_return !error;
  }
  co_return true;
}

template <class Stream>
asio::awaitable<bool> StreamConnection<Stream>::wait_for_request() {
  if (context_.draining) co_return false;
  if (buffer_.size() > 0) co_return true;
  idle_ = true;
  arm(context_.options.idle_timeout);
  const auto [error, bytes] = co_await stream_.async_read_some(buffer_.prepare(4096), kTuple);
  disarm();
  idle_ = false;
  buffer_.commit(bytes);
  co_return !error;
}

template <class Stream>
HttpRequest StreamConnection<Stream>::describe(const Parser& parser) {
  const auto& message = parser.get();
  HttpRequest request{.id = request_id_};
  request.method = std::string_view(message.method_string().data(), message.method_string().size());
  const std::string_view target(message.target().data(), message.target().size());
  const size_t question = target.find('?');
  request.path = percent_decode(target.substr(0, question));
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  for (const auto& field : message) {
    std::string name(field.name_string().data(), field.name_string().size());
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    request.headers.emplace_back(std::move(name),
                                 std::string(field.value().data(), field.value().size()));
  }
  request.remote = remote_;
  request.secure = kTls;
  return request;
}

template <class Stream>
asio::awaitable<bool> StreamConnection<Stream>::serve_one() {
  const Clock::time_point started = Clock::now();
  request_id_ = random_id("req_");
  begun_ = client_left_ = chunked_ = head_only_ = false;
  keep_alive_ = true;
  status_ = 0;
  sent_bytes_ = 0;
  allowed_origin_.clear();
  gone_ = std::stop_source();

  Parser parser;
  parser.header_limit(static_cast<uint32_t>(context_.options.max_header_bytes));
  parser.body_limit(static_cast<uint64_t>(context_.options.max_body_bytes));
  arm(context_.options.header_timeout);
  const auto [error, header_bytes] =
      co_await http::async_read_header(stream_, buffer_, parser, kTuple);
  disarm();
  if (error && error != http::error::body_limit) {
    keep_alive_ = false;
    if (const std::optional<ApiError> problem = problem_of(error, "header")) {
      co_await fail_with(*problem, Dialect::openai);
      note({.id = request_id_, .method = "-", .path = "-"}, {}, "(bad request)", Outcome::failed,
           started);
      co_await linger();
    }
    co_return false;
  }

  version_ = parser.get().version();
  keep_alive_ = parser.keep_alive();
  HttpRequest request;
  std::optional<ApiError> refused;
  const Route* const route = admit(parser, error, request, refused);
  if (!co_await read_rest(parser, request, refused)) co_return false;

  if (refused) {
    const Dialect dialect = Router::dialect_of(request.path);
    RequestNotes notes;
    notes.error = refused->what();
    co_await fail_with(*refused, dialect);
    note(request, notes, route != nullptr ? route->pattern : "(refused)", Outcome::failed, started);
  } else if (route == nullptr) {
    HttpResponse response = preflight(request);
    co_await send(std::move(response));
  } else {
    request.body = std::move(parser.get().body());
    co_await handle(*route, std::move(request));
  }
  if (!keep_alive_) co_await linger();
  co_return keep_alive_ && !context_.draining;
}

/// What to tell a client whose request could not be read; nothing if it has left.
template <class Stream>
std::optional<ApiError> StreamConnection<Stream>::problem_of(const error_code& error,
                                                             const char* part) const {
  if (timed_out_)
    return ApiError(408, fmt::format("the request's {} took too long", part), "timeout");
  if (error == http::error::header_limit)
    return ApiError(431, fmt::format("the request's header has more than {} bytes",
                                     context_.options.max_header_bytes));
  if (error == http::error::body_limit)
    return ApiError(
        413,
        fmt::format("the request's body has more than {} bytes", context_.options.max_body_bytes),
        "body_too_large");
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      error.category() != http::make_error_code(http::error::bad_value).category())
    return std::nullopt;
  return ApiError(400, "this is no HTTP request: " + error.message());
}

/// Whether a request may be answered, and by which route: none for a page's question whether it may
/// ask.
template <class Stream>
const Route* StreamConnection<Stream>::admit(const Parser& parser, const error_code& error,
                                             HttpRequest& request,
                                             std::optional<ApiError>& refused) {
  const Route* route = nullptr;
  try {
    request = describe(parser);
    if (!has_clear_framing(parser.get())) {
      keep_alive_ = false;
      throw ApiError(501, "the only Transfer-Encoding that is known is chunked");
    }
    check_host(parser.get(), version_);
    head_only_ = request.method == "HEAD";
    const std::string_view origin = request.header("origin");
    if (!origin.empty() && is_allowed_origin(context_.options, origin)) allowed_origin_ = origin;
    if (request.method == "OPTIONS" && !allowed_origin_.empty()) return nullptr;
    check_admission(context_.options, request, Access::open);
    route = &context_.router.find(request.method, request.path);
    check_admission(context_.options, request, route->access);
    if (error) refused = problem_of(error, "body");
  } catch (const ApiError& thrown) {
    refused = thrown;
  }
  return route;
}

template <class Stream>
HttpResponse StreamConnection<Stream>::preflight(const HttpRequest& request) const {
  return {.status = 204,
          .content_type = {},
          .headers = {{"access-control-allow-methods", context_.router.methods(request.path)},
                      {"access-control-allow-headers",
                       "authorization, content-type, x-api-key, anthropic-version"},
                      {"access-control-max-age", "600"}}};
}

/// Reads the body. Of a refused request it is read if it is small, so that the next request can
/// follow; else the connection ends with the answer.
template <class Stream>
asio::awaitable<bool> StreamConnection<Stream>::read_rest(Parser& parser,
                                                          const HttpRequest& request,
                                                          std::optional<ApiError>& refused) {
  if (parser.is_done()) co_return true;
  const bool expects = request.header("expect") == "100-continue";
  if (refused) {
    const auto length = parser.content_length();
    if (expects || !length || *length > kSmallBody) {
      keep_alive_ = false;
      co_return true;
    }
  } else if (expects) {
    co_await write_all("HTTP/1.1 100 Continue\r\n\r\n");
  }
  arm(context_.options.body_timeout);
  const auto [error, bytes] = co_await http::async_read(stream_, buffer_, parser, kTuple);
  disarm();
  if (!error) co_return true;
  keep_alive_ = false;
  refused = problem_of(error, "body");
  co_return refused.has_value();
}

template <class Stream>
asio::awaitable<void> StreamConnection<Stream>::handle(const Route& route, HttpRequest request) {
  const Clock::time_point started = Clock::now();
  request.gone = gone_.get_token();
  const Serving serving(context_);
  Exchange exchange{.request = std::move(request), .responder = *this};

  asio::cancellation_signal stop_watch;
  watching_ = true;
  auto watcher = watch();
  asio::co_spawn(stream_.get_executor(), std::move(watcher),
                 asio::bind_cancellation_slot(stop_watch.slot(), [this](std::exception_ptr) {
                   watching_ = false;
                   watch_ended_.cancel();
                 }));
  Outcome outcome = Outcome::completed;
  std::optional<ApiError> failed;
  bool dropped = false;
  try {
    co_await route.handler(exchange);
  } catch (const ClientGone&) {
    dropped = true;
  } catch (...) {
    const std::exception_ptr error = std::current_exception();
    failed = to_api_error(error);
    if (failed->status() == 500) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& fault) {
        context_.log.error("{} {}: {}", exchange.request.id, route.pattern, fault.what());
      }
    }
  }
  if (failed && !client_left_) {
    exchange.notes.error = failed->what();
    outcome = Outcome::failed;
    try {
      if (begun_) {
        co_await write(error_event(route.dialect, *failed));
        co_await end();
        keep_alive_ = false;
      } else {
        co_await fail_with(*failed, route.dialect);
      }
    } catch (const ClientGone&) {
      dropped = true;
    }
  }
  stop_watch.emit(asio::cancellation_type::terminal);
  while (watching_) co_await watch_ended_.async_wait(kTuple);
  if (dropped || client_left_) {
    outcome = Outcome::cancelled;
    exchange.notes.error = timed_out_ ? "the client took nothing for too long" : "the client left";
    keep_alive_ = false;
  }
  note(exchange.request, exchange.notes, route.pattern, outcome, started);
  if (outcome == Outcome::cancelled) throw ClientGone{};
}

/// Reads on while a request is served, to see the client leave.
template <class Stream>
asio::awaitable<void> StreamConnection<Stream>::watch() {
  while (buffer_.size() < kReadAhead) {
    const auto [error, bytes] = co_await stream_.async_read_some(buffer_.prepare(4096), kTuple);
    buffer_.commit(bytes);
    if (!error) continue;
    if (error != asio::error::operation_aborted) {
      client_left_ = true;
      gone_.request_stop();
    }
    co_return;
  }
}

/// Lets the client read the answer before the connection is cut: bytes that it still sends would
/// make the system throw the answer away.
template <class Stream>
asio::awaitable<void> StreamConnection<Stream>::linger() {
  error_code ignored;
  timed_out_ = false;
  arm(kLinger);
  if constexpr (kTls) co_await stream_.async_shutdown(kTuple);
  socket().shutdown(tcp::socket::shutdown_send, ignored);
  std::vector<char> waste(size_t{64} << 10);
  while (!timed_out_) {
    const auto [error, bytes] = co_await socket().async_read_some(asio::buffer(waste), kTuple);
    if (error) break;
  }
  disarm();
}

template <class Stream>
std::string StreamConnection<Stream>::head(int status, std::string_view content_type,
                                           const Headers& headers) const {
  std::string text = status_line(status, version_);
  const auto add = [&](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\r\n");
  };
  add("server", "linnet");
  add("x-request-id", request_id_);
  if (!content_type.empty()) add("content-type", content_type);
  add("x-content-type-options", "nosniff");
  bool caches = false;
  for (const auto& [name, value] : headers) {
    add(name, value);
    caches = caches || name == "cache-control";
  }
  if (!caches) add("cache-control", "no-store");
  if (!allowed_origin_.empty()) {
    add("access-control-allow-origin", allowed_origin_);
    add("vary", "origin");
  }
  add("connection", keep_alive_ ? "keep-alive" : "close");
  return text;
}

template <class Stream>
asio::awaitable<void> StreamConnection<Stream>::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    arm(context_.options.write_timeout);
    const auto [error, written] =
        co_await stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()), kTuple);
    disarm();
    if (error) throw ClientGone{};
    sent_bytes_ += written;
    bytes.remove_prefix(written);
  }
}

template <class Stream>
asio::awaitable<void> StreamConnection<Stream>::send(HttpResponse response) {
  begun_ = true;
  status_ = response.status;
  const std::string_view body = response.embedded.empty() ? response.body : response.embedded;
  std::string text = head(response.status, response.content_type, response.headers);
  if (response.status != 204 && response.status != 304)
    text += fmt::format("content-length: {}\r\n", body.size());
  text += "\r\n";
  constexpr size_t kTogether = size_t{64} << 10;
  const bool has_body = !head_only_ && response.status != 204 && response.status != 304;
  if (has_body && body.size() <= kTogether) text += body;
  co_await write_all(text);
  if (has_body && body.size() > kTogether) co_await write_all(body);
}

template <class Stream>
asio::awaitable<void> StreamConnection<Stream>::begin(std::string content_type) {
  begun_ = true;
  status_ = 200;
  // HTTP/1.0 knows no chunks: there the end of the connection is the end of the answer.
  chunked_ = version_ >= 11;
  if (!chunked_) keep_alive_ = false;
  std::string text = head(200, content_type, {{"x-accel-buffering", "no"}});
  if (chunked_) text += "transfer-encoding: chunked\r\n";
  text += "\r\n";
  co_await write_all(text);
}

template <class Stream>
asio::awaitable<void> StreamConnection<Stream>::write(std::string bytes) {
  if (bytes.empty()) co_return;
  if (!chunked_) {
    co_await write_all(bytes);
    co_return;
  }
  const std::string chunk = fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
  co_await write_all(chunk);
}

template <class Stream>
asio::awaitable<void> StreamConnection<Stream>::end() {
  if (chunked_) co_await write_all("0\r\n\r\n");
}

template <class Stream>
asio::awaitable<void> StreamConnection<Stream>::fail_with(const ApiError& error, Dialect dialect) {
  HttpResponse response{.status = error.status(), .body = error_body(dialect, error) + "\n"};
  if (const int seconds = retry_after_seconds(error); seconds > 0)
    response.headers.emplace_back("retry-after", std::to_string(seconds));
  if (error.status() == 401) response.headers.emplace_back("www-authenticate", "Bearer");
  timed_out_ = false;
  co_await send(std::move(response));
}

template <class Stream>
void StreamConnection<Stream>::note(const HttpRequest& request, const RequestNotes& notes,
                                    std::string_view route, Outcome outcome,
                                    Clock::time_point started) {
  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
  context_.telemetry.request(route, status_, outcome, seconds);
  log_request(context_.log, {.request = request,
                             .notes = notes,
                             .status = status_,
                             .cancelled = outcome == Outcome::cancelled,
                             .bytes = sent_bytes_,
                             .milliseconds = seconds * 1000});
}

}  // namespace

std::shared_ptr<Connection> make_connection(ConnectionContext& context, tcp::socket socket,
                                            asio::ssl::context* tls) {
  if (tls == nullptr)
    return std::make_shared<StreamConnection<tcp::socket>>(context, std::move(socket));
  return std::make_shared<StreamConnection<TlsStream>>(context, TlsStream(std::move(socket), *tls));
}

}  // namespace linnet::serve
