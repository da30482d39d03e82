// GET /v1/models and /v1/models/{id}.
#include "serve/routes/routes.hpp"

namespace linnet::serve {
namespace {

OrderedJson model_json(const Services& services, const ModelCard& card) {
  const std::optional<TextModel> model = services.models.peek(card);
  const ModelInfo& info = model ? model->info() : card.info;
  OrderedJson meta{{"loaded", model.has_value()},
                   {"architecture", info.architecture},
                   {"parameters", info.parameters},
                   {"stored_bytes", info.stored_bytes},
                   {"dtype", info.dtype},
                   {"quantization", info.quantization},
                   {"context_length", card.context_length},
                   {"vocab_size", info.vocab_size},
                   {"embedding_length", info.hidden_size},
                   {"has_chat_template", card.has_chat_template},
                   {"thinking", card.thinks}};
  if (card.base) meta["adapter"] = adapter_json(card);
  OrderedJson json{{"id", card.name}, {"object", "model"}, {"created", 0}, {"owned_by", "linnet"}};
  if (card.base) json["parent"] = card.base->name;
  json["meta"] = std::move(meta);
  return json;
}

asio::awaitable<void> list(const Services& services, Exchange& exchange) {
  OrderedJson data = OrderedJson::array();
  for (const CardPtr& card : services.models.cards()) data.push_back(model_json(services, *card));
  const OrderedJson json{{"object", "list"}, {"data", std::move(data)}};
  co_await send_json(exchange, json);
}

asio::awaitable<void> show(const Services& services, Exchange& exchange) {
  constexpr std::string_view kPrefix = "/v1/models/";
  const std::string name = exchange.request.path.substr(kPrefix.size());
  const OrderedJson json = model_json(services, *services.models.card(name));
  co_await send_json(exchange, json);
}

}  // namespace

void add_model_routes(Router& router, const Services& services) {
  router.add({.method = "GET", .pattern = "/v1/models", .handler = [&services](Exchange& exchange) {
                return list(services, exchange);
              }});
  router.add({.method = "GET",
              .pattern = "/v1/models/*",
              .handler = [&services](Exchange& exchange) { return show(services, exchange); }});
}

}  // namespace linnet::serve
