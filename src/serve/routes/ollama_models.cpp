// GET /api/tags, /api/ps, /api/version and POST /api/show: what Ollama's interface says of models.
#include <linnet/version.hpp>

#include <fmt/format.h>

#include <filesystem>

#include "serve/routes/ollama_json.hpp"
#include "serve/routes/ollama_routes.hpp"
#include "serve/routes/routes.hpp"

namespace linnet::serve {
namespace {

/// Models stay until their memory is needed; clients want a date.
constexpr std::string_view kNever = "9999-12-31T23:59:59Z";

/// When config.json was written; of the built-in model there is nothing to say.
std::string modified_at(const ModelCard& card) {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(card.folder / "config.json", error);
  if (card.folder.empty() || error) return rfc3339({});
  return rfc3339(std::chrono::time_point_cast<std::chrono::system_clock::duration>(
      std::chrono::file_clock::to_sys(time)));
}

asio::awaitable<void> tags(const Services& services, Exchange& exchange) {
  OrderedJson models = OrderedJson::array();
  for (const CardPtr& card : services.models.cards()) {
    OrderedJson entry = entry_json(*card, card->info);
    entry["modified_at"] = modified_at(*card);
    models.push_back(std::move(entry));
  }
  const OrderedJson json{{"models", std::move(models)}};
  co_await send_json(exchange, json);
}

asio::awaitable<void> running(const Services& services, Exchange& exchange) {
  OrderedJson models = OrderedJson::array();
  for (const CardPtr& card : services.models.cards()) {
    const std::optional<TextModel> model = services.models.peek(*card);
    if (!model || card->base) continue;
    OrderedJson entry = entry_json(*card, model->info());
    entry["size"] = model->memory().active_bytes;
    entry["size_vram"] = 0;
    entry["expires_at"] = kNever;
    entry["context_length"] = card->context_length;
    models.push_back(std::move(entry));
  }
  const OrderedJson json{{"models", std::move(models)}};
  co_await send_json(exchange, json);
}

asio::awaitable<void> version_of(Exchange& exchange) {
  const OrderedJson json{{"version", version()}};
  co_await send_json(exchange, json);
}

struct ShowRequest {
  std::string model;
};

const FieldReaders<ShowRequest>& show_fields() {
  static const FieldReaders<ShowRequest> readers{
      {"model", [](ShowRequest& r, const Json& j) { r.model = j.as_string(); }},
      {"name", [](ShowRequest& r, const Json& j) { r.model = j.as_string(); }},  // as it was called
      // All that there is, is shown either way.
      {"verbose", [](ShowRequest&, const Json& j) { (void)j.as_bool(); }},
  };
  return readers;
}

OrderedJson capabilities(const ModelCard& card) {
  OrderedJson json = OrderedJson::array({"completion"});
  const auto knows = [&](std::string_view part) {
    return card.chat_template.find(part) != std::string::npos;
  };
  if (knows("tools")) json.push_back("tools");
  if (card.thinks || knows("<think>")) json.push_back("thinking");
  return json;
}

/// As a Modelfile writes them, a line each.
std::string parameters(const SamplingDefaults& sampling) {
  std::string text;
  const auto add = [&](std::string_view name, const auto& value) {
    if (value) text += fmt::format("{}{} {}", text.empty() ? "" : "\n", name, *value);
  };
  add("temperature", sampling.temperature);
  add("top_k", sampling.top_k);
  add("top_p", sampling.top_p);
  add("min_p", sampling.min_p);
  add("repeat_penalty", sampling.repetition_penalty);
  return text;
}

OrderedJson model_info(const ModelCard& card) {
  const ModelInfo& info = card.info;
  const std::string& family = info.model_type;
  return {{"general.architecture", family},
          {"general.parameter_count", info.parameters},
          {family + ".context_length", card.context_length},
          {family + ".embedding_length", info.hidden_size},
          {family + ".feed_forward_length", info.intermediate_size},
          {family + ".block_count", info.num_layers},
          {family + ".attention.head_count", info.num_attention_heads},
          {family + ".attention.head_count_kv", info.num_key_value_heads},
          {family + ".vocab_size", info.vocab_size}};
}

asio::awaitable<void> show(const Services& services, Exchange& exchange) {
  ShowRequest request;
  auto parse = [&] { read_fields(parse_body(exchange.request.body), show_fields(), request); };
  co_await services.workers.quick(parse);
  if (request.model.empty())
    throw ApiError(400, "the request has no model", "missing_field", "model");
  const CardPtr card = ollama_card(services.models, request.model);
  exchange.notes.model = card->name;
  OrderedJson json{{"modelfile", "FROM " + card->name},
                   {"parameters", parameters(card->sampling)},
                   {"template", card->chat_template},
                   {"details", details_json(card->info)}};
  json["model_info"] = model_info(*card);
  json["capabilities"] = capabilities(*card);
  json["modified_at"] = modified_at(*card);
  co_await send_json(exchange, json);
}

}  // namespace

void add_ollama_model_routes(Router& router, const Services& services) {
  const auto add = [&](const char* pattern, Handler handler) {
    router.add({.method = "GET",
                .pattern = pattern,
                .handler = std::move(handler),
                .dialect = Dialect::ollama});
  };
  add("/api/tags", [&services](Exchange& exchange) { return tags(services, exchange); });
  add("/api/ps", [&services](Exchange& exchange) { return running(services, exchange); });
  add("/api/version", [](Exchange& exchange) { return version_of(exchange); });
  router.add({.method = "POST",
              .pattern = "/api/show",
              .handler = [&services](Exchange& exchange) { return show(services, exchange); },
              .dialect = Dialect::ollama,
              .fields = field_names(show_fields())});
}

}  // namespace linnet::serve
