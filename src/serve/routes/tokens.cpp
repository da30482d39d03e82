// POST /tokenize and /detokenize: text to ids and back.
#include <fmt/format.h>

#include <optional>

#include "serve/routes/routes.hpp"

namespace linnet::serve {
namespace {

struct TokenRequest {
  std::string model;
  std::optional<std::string> text;
  std::optional<std::vector<int32_t>> tokens;
  bool add_special_tokens = true;
  bool skip_special_tokens = true;
};

void read_text(TokenRequest& request, const Json& json) { request.text = json.as_string(); }

const FieldReaders<TokenRequest>& text_fields() {
  using R = TokenRequest;
  static const FieldReaders<R> readers{
      {"model", [](R& r, const Json& j) { r.model = j.as_string(); }},
      {"text", read_text},
      {"content", read_text},  // as other servers call it
      {"add_special_tokens", [](R& r, const Json& j) { r.add_special_tokens = j.as_bool(); }},
  };
  return readers;
}

const FieldReaders<TokenRequest>& id_fields() {
  using R = TokenRequest;
  static const FieldReaders<R> readers{
      {"model", [](R& r, const Json& j) { r.model = j.as_string(); }},
      {"tokens", [](R& r, const Json& j) { r.tokens = token_ids(j); }},
      {"skip_special_tokens", [](R& r, const Json& j) { r.skip_special_tokens = j.as_bool(); }},
  };
  return readers;
}

asio::awaitable<void> tokenize(const Services& services, Exchange& exchange) {
  TokenRequest request;
  auto parse = [&] { read_fields(parse_body(exchange.request.body), text_fields(), request); };
  co_await services.workers.quick(parse);
  if (!request.text) throw ApiError(400, "the request has no text", "missing_field", "text");
  const OpenModel open = co_await open_model(services, exchange, request.model);
  auto work = [&] { return open.model.encode(*request.text, request.add_special_tokens); };
  const std::vector<int32_t> ids = co_await services.workers.quick(work);
  const OrderedJson json{{"tokens", ids}, {"count", ids.size()}};
  co_await send_json(exchange, json);
}

asio::awaitable<void> detokenize(const Services& services, Exchange& exchange) {
  TokenRequest request;
  auto parse = [&] { read_fields(parse_body(exchange.request.body), id_fields(), request); };
  co_await services.workers.quick(parse);
  if (!request.tokens) throw ApiError(400, "the request has no tokens", "missing_field", "tokens");
  const CardPtr card = services.models.card(request.model);
  exchange.notes.model = card->name;
  for (const int32_t id : *request.tokens)
    if (id >= card->info.vocab_size)
      throw ApiError(
          400,
          fmt::format("tokens has {}, and the model's are 0 to {}", id, card->info.vocab_size - 1),
          "invalid_value", "tokens");
  const TextModel model = co_await services.models.acquire(card);
  auto work = [&] {
    return model.tokenizer().decode(*request.tokens, request.skip_special_tokens);
  };
  std::string text = co_await services.workers.quick(work);
  const OrderedJson json{{"text", std::move(text)}};
  co_await send_json(exchange, json);
}

}  // namespace

void add_token_routes(Router& router, const Services& services) {
  router.add({.method = "POST",
              .pattern = "/tokenize",
              .handler = [&services](Exchange& exchange) { return tokenize(services, exchange); },
              .fields = field_names(text_fields())});
  router.add({.method = "POST",
              .pattern = "/detokenize",
              .handler = [&services](Exchange& exchange) { return detokenize(services, exchange); },
              .fields = field_names(id_fields())});
}

}  // namespace linnet::serve
