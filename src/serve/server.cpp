#include "serve/server.hpp"

#include <malloc.h>
#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <list>
#include <optional>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "serve/admission.hpp"
#include "serve/connection.hpp"
#include "serve/routes/routes.hpp"

namespace linnet::serve {
namespace {

using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
/// From the end of a request that was told to end to that of its connection.
constexpr std::chrono::milliseconds kLastWords{2'000};
/// Without a request for so long, memory is given back.
constexpr std::chrono::milliseconds kRest{2'000};

void check_options(const ServeOptions& options) {
  const auto positive = [](int64_t value, const char* name) {
    require(value > 0, "{} is {}, expected a positive number", name, value);
  };
  positive(options.max_connections, "max_connections");
  positive(options.max_header_bytes, "max_header_bytes");
  positive(options.max_body_bytes, "max_body_bytes");
  positive(options.max_readers, "max_readers");
  positive(options.header_timeout.count(), "header_timeout");
  positive(options.body_timeout.count(), "body_timeout");
  positive(options.idle_timeout.count(), "idle_timeout");
  positive(options.write_timeout.count(), "write_timeout");
  require(options.drain_timeout.count() >= 0, "drain_timeout is negative");
  require(options.load_wait.count() >= 0, "load_wait is negative");
  require(options.tls_certificate.empty() == options.tls_key.empty(),
          "a certificate and its key belong together: only one of them is given");
  for (const std::string& key : options.api_keys) require(!key.empty(), "an API key is empty");
  require(!options.api_keys.empty() || options.insecure || is_loopback(options.host),
          "{} can be reached from other machines, and there is no API key: give one, or say that "
          "everybody may use this server (insecure)",
          options.host);
}

std::optional<asio::ssl::context> make_tls(const ServeOptions& options) {
  if (options.tls_certificate.empty()) return std::nullopt;
  asio::ssl::context tls(asio::ssl::context::tls_server);
  tls.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                  asio::ssl::context::no_tlsv1_1);
  const auto check = [](const error_code& error, const std::filesystem::path& file) {
    if (!error) return;
    const ErrorCode code =
        std::filesystem::exists(file) ? ErrorCode::malformed_file : ErrorCode::not_found;
    fail(code, "{}: {}", printable(file.string()), error.message());
  };
  error_code error;
  tls.use_certificate_chain_file(options.tls_certificate.string(), error);
  check(error, options.tls_certificate);
  tls.use_private_key_file(options.tls_key.string(), asio::ssl::context::pem, error);
  check(error, options.tls_key);
  return tls;
}

tcp::endpoint endpoint_of(const ServeOptions& options) {
  const std::string host = options.host == "localhost" ? "127.0.0.1" : options.host;
  error_code error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  require(!error, "host \"{}\" is no IP address", printable(options.host));
  return {address, options.port};
}

}  // namespace

struct Server::State {
  State(ServeOptions options_, std::shared_ptr<spdlog::logger> log_)
      : options((check_options(options_), std::move(options_))),
        log(std::move(log_)),
        tls(make_tls(options)),
        workers(options.max_readers, options.load.max_queue),
        models(options, workers),
        acceptor(network),
        last_resort(network),
        pause(network) {
    add_chat_routes(router, services);
    add_completion_routes(router, services);
    add_reading_routes(router, services);
    add_token_routes(router, services);
    add_model_routes(router, services);
    add_adapter_routes(router, services);
    add_state_routes(router, services);
    add_anthropic_routes(router, services);
    add_ollama_routes(router, services);
    add_page_routes(router);
    listen();
  }

  void listen();
  asio::awaitable<void> accept_all();
  asio::awaitable<void> serve(tcp::socket socket);
  asio::awaitable<void> load_first();
  asio::awaitable<void> give_memory_back();
  asio::awaitable<void> end_after_drain();
  void stop();

  const ServeOptions options;
  std::shared_ptr<spdlog::logger> log;
  asio::io_context network{1};
  std::optional<asio::ssl::context> tls;
  Workers workers;
  ModelPool models;
  Telemetry telemetry;
  Router router;
  ConnectionContext context{
      .options = options, .router = router, .telemetry = telemetry, .log = *log};
  const Services services{
      .options = options,
      .workers = workers,
      .models = models,
      .telemetry = telemetry,
      .connections = [this] { return static_cast<int64_t>(connections.size()); },
      .draining = [this] { return context.draining; }};
  tcp::acceptor acceptor;
  asio::steady_timer last_resort;
  asio::steady_timer pause;
  std::list<std::shared_ptr<Connection>> connections;
  int stops = 0;
};

void Server::State::listen() {
  const tcp::endpoint endpoint = endpoint_of(options);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    fail(ErrorCode::device, "cannot listen on {} port {}: {}", options.host, options.port,
         error.message());
}

asio::awaitable<void> Server::State::serve(tcp::socket socket) {
  const auto connection = make_connection(context, std::move(socket), tls ? &*tls : nullptr);
  const auto place = connections.insert(connections.end(), connection);
  co_await connection->run();
  connections.erase(place);
  if (context.draining && connections.empty()) last_resort.cancel();
}

asio::awaitable<void> Server::State::accept_all() {
  while (acceptor.is_open()) {
    auto [error, socket] = co_await acceptor.async_accept(kTuple);
    if (error == asio::error::operation_aborted) break;
    if (error) {  // no file descriptors left, as a rule
      log->warn("cannot accept a connection: {}", error.message());
      asio::steady_timer moment(network, std::chrono::milliseconds(100));
      co_await moment.async_wait(kTuple);
      continue;
    }
    if (static_cast<int64_t>(connections.size()) >= options.max_connections) {
      log->warn("a connection was refused: {} are open", connections.size());
      constexpr std::string_view kFull =
          "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n"
          "connection: close\r\n\r\n";
      error_code ignored;
      socket.non_blocking(true, ignored);
      if (!tls) socket.write_some(asio::buffer(kFull.data(), kFull.size()), ignored);
      socket.shutdown(tcp::socket::shutdown_send, ignored);
      continue;
    }
    auto served = serve(std::move(socket));
    asio::co_spawn(network, std::move(served), asio::detached);
  }
}

asio::awaitable<void> Server::State::load_first() {
  const CardPtr card = models.cards().front();
  const auto started = std::chrono::steady_clock::now();
  try {
    (void)co_await models.acquire(card);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - started;
    log->info("{} is loaded after {:.2f} s", card->name, time.count());
  } catch (const std::exception& error) {
    models.set_problem(error.what());
    log->error("{} cannot be loaded: {}", card->name, error.what());
  }
}

/// The C library keeps what was freed: after a rest it goes back to the system, as the models' own
/// memory does by then (engine/scheduler).
asio::awaitable<void> Server::State::give_memory_back() {
  uint64_t trimmed = 0;
  uint64_t before = 0;
  while (!context.draining) {
    pause.expires_after(kRest);
    co_await pause.async_wait(kTuple);
    const bool rested = context.serving == 0 && context.served == before;
    before = context.served;
    if (!rested || trimmed == context.served) continue;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    trimmed = context.served;
  }
}

asio::awaitable<void> Server::State::end_after_drain() {
  if (!connections.empty()) {
    last_resort.expires_after(options.drain_timeout);
    co_await last_resort.async_wait(kTuple);
  }
  for (const auto& connection : connections) connection->give_up();
  if (!connections.empty()) {
    log->info("{} connections are told to end", connections.size());
    last_resort.expires_after(kLastWords);
    co_await last_resort.async_wait(kTuple);
  }
  for (const auto& connection : connections) connection->close();
  if (!connections.empty()) {
    last_resort.expires_after(kLastWords);
    co_await last_resort.async_wait(kTuple);
  }
  network.stop();
}

void Server::State::stop() {
  if (++stops > 1) {
    last_resort.cancel();
    return;
  }
  log->info("stopping: {} connections, requests may run for {} s", connections.size(),
            options.drain_timeout.count() / 1000);
  context.draining = true;
  error_code ignored;
  acceptor.close(ignored);
  for (const auto& connection : connections) connection->close_if_idle();
  auto ending = end_after_drain();
  asio::co_spawn(network, std::move(ending), asio::detached);
}

Server::Server(ServeOptions options, std::shared_ptr<spdlog::logger> log)
    : state_(std::make_unique<State>(std::move(options), std::move(log))) {}

Server::~Server() { state_->workers.stop(); }

std::string Server::url() const {
  const std::string& host = state_->options.host;
  const bool is_v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", state_->tls ? "https" : "http", is_v6 ? "[" : "", host,
                     is_v6 ? "]" : "", port());
}

uint16_t Server::port() const { return state_->acceptor.local_endpoint().port(); }

const Router& Server::router() const { return state_->router; }

void Server::run(bool handle_signals) {
  State& state = *state_;
  std::optional<asio::signal_set> signals;
  std::function<void()> wait = [&] {
    signals->async_wait([&](const error_code& error, int) {
      if (error) return;
      state.stop();
      wait();
    });
  };
  if (handle_signals) {
    signals.emplace(state.network, SIGINT, SIGTERM);
    wait();
  }
  auto loading = state.load_first();
  asio::co_spawn(state.network, std::move(loading), asio::detached);
  auto giving = state.give_memory_back();
  asio::co_spawn(state.network, std::move(giving), asio::detached);
  auto accepting = state.accept_all();
  asio::co_spawn(state.network, std::move(accepting), asio::detached);
  state.network.run();
  state.workers.stop();
}

void Server::stop() {
  asio::post(state_->network, [this] { state_->stop(); });
}

}  // namespace linnet::serve
