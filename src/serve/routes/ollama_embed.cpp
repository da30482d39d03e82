// POST /api/embed, and /api/embeddings as it was before.
#include "base/error.hpp"
#include "serve/routes/ollama_json.hpp"
#include "serve/routes/ollama_request.hpp"
#include "serve/routes/ollama_routes.hpp"
#include "serve/routes/routes.hpp"

namespace linnet::serve {
namespace {

constexpr size_t kMaxTexts = 4096;

struct EmbedRequest {
  std::string model;
  std::vector<std::string> input;
  bool truncate = true;
  int64_t num_ctx = 0;
};

void read_embed_options(EmbedRequest& request, const Json& json) {
  for (const auto& [name, value] : json.members()) {
    require(name == "num_ctx", "{} has no part in embeddings", value.where());
    request.num_ctx = value.as_integer();
  }
}

FieldReaders<EmbedRequest> with_shared_fields(FieldReaders<EmbedRequest> fields) {
  fields.insert({
      {"model", [](EmbedRequest& r, const Json& j) { r.model = j.as_string(); }},
      {"options", read_embed_options},
      {"keep_alive", [](EmbedRequest&, const Json& j) { (void)read_keep_alive(j); }},
  });
  return fields;
}

const FieldReaders<EmbedRequest>& embed_fields() {
  static const FieldReaders<EmbedRequest> fields = with_shared_fields({
      {"input",
       [](EmbedRequest& r, const Json& j) {
         r.input = one_or_more_strings(j);
         require(r.input.size() <= kMaxTexts, "{} has {} entries, {} at most", j.where(),
                 r.input.size(), kMaxTexts);
       }},
      {"truncate", [](EmbedRequest& r, const Json& j) { r.truncate = j.as_bool(); }},
  });
  return fields;
}

const FieldReaders<EmbedRequest>& old_fields() {
  static const FieldReaders<EmbedRequest> fields = with_shared_fields({
      {"prompt", [](EmbedRequest& r, const Json& j) { r.input = {std::string(j.as_string())}; }},
  });
  return fields;
}

/// The beginning of a text that has no more than so many tokens.
std::string cut(const Tokenizer& tokenizer, const std::string& text, int64_t most) {
  std::string result = text;
  // What is cut off may make other tokens of the rest, hence again.
  for (int64_t keep = most; tokenizer.count(result) > most; --keep) {
    std::vector<int32_t> ids = tokenizer.encode(result, false);
    ids.resize(std::min(ids.size(), static_cast<size_t>(keep - 1)));
    result = tokenizer.decode(ids, false);
  }
  return result;
}

struct Embedded {
  std::vector<std::vector<float>> vectors;
  int64_t tokens = 0;
  int64_t load_nanoseconds = 0;
};

asio::awaitable<Embedded> embed_texts(const Services& services, Exchange& exchange,
                                      EmbedRequest& request, bool normalize) {
  const auto started = std::chrono::steady_clock::now();
  const CardPtr card = ollama_card(services.models, request.model);
  exchange.notes.model = card->name;
  if (request.num_ctx > card->context_length)
    throw ApiError(400,
                   fmt::format("options.num_ctx is {}, and {} has {}", request.num_ctx, card->name,
                               card->context_length),
                   "invalid_value", "options.num_ctx");
  const TextModel model = co_await services.models.acquire(card);
  Embedded result;
  result.load_nanoseconds = nanoseconds_since(started);
  auto work = [&] {
    const Tokenizer tokenizer = model.tokenizer();
    for (std::string& text : request.input) {
      if (request.truncate) text = cut(tokenizer, text, card->context_length);
      result.tokens += tokenizer.count(text);
    }
    const EmbedOptions options{
        .normalize = normalize, .adapter = card->adapter.name, .stop = exchange.request.gone};
    return model.embed(request.input, options);
  };
  result.vectors = co_await services.workers.read(work);
  exchange.notes.prompt_tokens = result.tokens;
  services.telemetry.read(result.tokens, 0);
  co_return result;
}

asio::awaitable<void> embed(const Services& services, Exchange& exchange) {
  const auto started = std::chrono::steady_clock::now();
  EmbedRequest request;
  auto parse = [&] { read_fields(parse_body(exchange.request.body), embed_fields(), request); };
  co_await services.workers.quick(parse);
  if (request.input.empty())
    throw ApiError(400, "the request has no input", "missing_field", "input");
  const std::string name = request.model;
  const Embedded embedded = co_await embed_texts(services, exchange, request, true);
  OrderedJson json{{"model", name}, {"embeddings", embedded.vectors}};
  json["total_duration"] = nanoseconds_since(started);
  json["load_duration"] = embedded.load_nanoseconds;
  json["prompt_eval_count"] = embedded.tokens;
  co_await send_json(exchange, json);
}

asio::awaitable<void> embed_one(const Services& services, Exchange& exchange) {
  EmbedRequest request;
  auto parse = [&] { read_fields(parse_body(exchange.request.body), old_fields(), request); };
  co_await services.workers.quick(parse);
  if (request.input.empty())
    throw ApiError(400, "the request has no prompt", "missing_field", "prompt");
  const Embedded embedded = co_await embed_texts(services, exchange, request, false);
  const OrderedJson json{{"embedding", embedded.vectors.front()}};
  co_await send_json(exchange, json);
}

}  // namespace

void add_ollama_embed_routes(Router& router, const Services& services) {
  router.add({.method = "POST",
              .pattern = "/api/embed",
              .handler = [&services](Exchange& exchange) { return embed(services, exchange); },
              .dialect = Dialect::ollama,
              .fields = field_names(embed_fields())});
  router.add({.method = "POST",
              .pattern = "/api/embeddings",
              .handler = [&services](Exchange& exchange) { return embed_one(services, exchange); },
              .dialect = Dialect::ollama,
              .fields = field_names(old_fields())});
}

}  // namespace linnet::serve
