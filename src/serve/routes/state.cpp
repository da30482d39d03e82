// What a server says of itself: GET /healthz, /readyz, /metrics, /v1/stats.
#include "serve/routes/routes.hpp"

namespace linnet::serve {

std::string to_text(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

asio::awaitable<void> send_json(Exchange& exchange, const OrderedJson& json) {
  HttpResponse response{.body = to_text(json) + "\n"};
  co_await exchange.responder.send(std::move(response));
}

namespace {

asio::awaitable<void> health(Exchange& exchange) {
  const OrderedJson json{{"status", "ok"}};
  co_await send_json(exchange, json);
}

asio::awaitable<void> ready(const Services& services, Exchange& exchange) {
  const bool draining = services.draining();
  const bool loaded = services.models.ready();
  OrderedJson json{{"status", draining ? "draining" : loaded ? "ready" : "loading"}};
  if (!services.models.problem().empty()) json["problem"] = services.models.problem();
  HttpResponse response{.status = draining || !loaded ? 503 : 200, .body = to_text(json) + "\n"};
  co_await exchange.responder.send(std::move(response));
}

asio::awaitable<void> metrics(const Services& services, Exchange& exchange) {
  HttpResponse response{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                        .body = services.telemetry.prometheus(services.gauges())};
  co_await exchange.responder.send(std::move(response));
}

asio::awaitable<void> stats(const Services& services, Exchange& exchange) {
  const OrderedJson json = services.telemetry.stats(services.gauges());
  co_await send_json(exchange, json);
}

}  // namespace

void add_state_routes(Router& router, const Services& services) {
  router.add({.method = "GET",
              .pattern = "/healthz",
              .handler = [](Exchange& exchange) { return health(exchange); },
              .access = Access::open});
  router.add({.method = "GET",
              .pattern = "/readyz",
              .handler = [&services](Exchange& exchange) { return ready(services, exchange); },
              .access = Access::open});
  router.add({.method = "GET", .pattern = "/metrics", .handler = [&services](Exchange& exchange) {
                return metrics(services, exchange);
              }});
  router.add({.method = "GET", .pattern = "/v1/stats", .handler = [&services](Exchange& exchange) {
                return stats(services, exchange);
              }});
}

}  // namespace linnet::serve
