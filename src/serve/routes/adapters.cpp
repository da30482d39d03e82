// Adapters while the server runs: GET and POST /v1/adapters, GET and DELETE /v1/adapters/{id}.
#include "base/error.hpp"
#include "base/printable.hpp"
#include "serve/routes/routes.hpp"

namespace linnet::serve {

OrderedJson adapter_json(const ModelCard& card) {
  const AdapterInfo& info = card.adapter_info;
  return {{"name", card.adapter.name}, {"format", info.format},         {"rank", info.rank},
          {"alpha", info.alpha},       {"rslora", info.rslora},         {"targets", info.targets},
          {"modules", info.modules},   {"parameters", info.parameters}, {"base", info.base_model}};
}

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPath = "/v1/adapters/";

struct AdapterRequest {
  ServedAdapter adapter;
  std::string path;
};

const FieldReaders<AdapterRequest>& adapter_fields() {
  using R = AdapterRequest;
  static const FieldReaders<R> readers{
      {"model", [](R& r, const Json& j) { r.adapter.model = j.as_string(); }},
      {"name", [](R& r, const Json& j) { r.adapter.name = j.as_string(); }},
      {"path", [](R& r, const Json& j) { r.path = j.as_string(); }},
  };
  return readers;
}

/// Errors: ApiError 403 for a server that was started without a folder for adapters.
const fs::path& require_root(const Services& services) {
  const fs::path& root = services.options.adapters_dir;
  if (root.empty())
    throw ApiError(403,
                   "this server's adapters are those that it was started with: it has no folder "
                   "(--adapters-dir) for others",
                   "not_allowed");
  return root;
}

/// A folder below the one that adapters may come from, wherever links lead. Errors: ApiError 403;
/// 404 if it is not there.
fs::path allowed_folder(const fs::path& root, const std::string& path) {
  std::error_code error;
  const fs::path base = fs::canonical(root, error);
  if (error || base.empty())
    throw ApiError(403, "the folder that adapters may come from cannot be read", "not_allowed");
  const fs::path folder = fs::weakly_canonical(base / path, error);
  const auto [end, rest] = std::mismatch(base.begin(), base.end(), folder.begin(), folder.end());
  if (error || end != base.end())
    throw ApiError(
        403, fmt::format("{} is not below the folder that adapters may come from", printable(path)),
        "not_allowed", "path");
  if (!fs::is_directory(folder, error))
    throw ApiError(404, fmt::format("there is no folder {}", printable(path)), "not_found", "path");
  return folder;
}

OrderedJson entry_of(const ModelCard& card) {
  OrderedJson json{{"id", card.name}, {"object", "adapter"}, {"model", card.base->name}};
  json.update(adapter_json(card));
  return json;
}

asio::awaitable<void> list(const Services& services, Exchange& exchange) {
  OrderedJson data = OrderedJson::array();
  for (const CardPtr& card : services.models.cards())
    if (card->base) data.push_back(entry_of(*card));
  const OrderedJson json{{"object", "list"}, {"data", std::move(data)}};
  co_await send_json(exchange, json);
}

asio::awaitable<void> add(const Services& services, Exchange& exchange) {
  const fs::path& root = require_root(services);
  AdapterRequest request;
  auto parse = [&] { read_fields(parse_body(exchange.request.body), adapter_fields(), request); };
  co_await services.workers.quick(parse);
  if (request.adapter.name.empty())
    throw ApiError(400, "the request has no name", "missing_field", "name");
  if (request.path.empty()) throw ApiError(400, "the request has no path", "missing_field", "path");
  request.adapter.folder = allowed_folder(root, request.path);
  const CardPtr card = co_await services.models.add_adapter(std::move(request.adapter));
  exchange.notes.model = card->name;
  const OrderedJson json = entry_of(*card);
  co_await send_json(exchange, json);
}

asio::awaitable<void> show(const Services& services, Exchange& exchange) {
  const std::string name = exchange.request.path.substr(kPath.size());
  const CardPtr card = services.models.card(name);
  if (!card->base)
    throw ApiError(404, fmt::format("{} has no adapter", printable(name)), "model_not_found");
  const OrderedJson json = entry_of(*card);
  co_await send_json(exchange, json);
}

asio::awaitable<void> remove(const Services& services, Exchange& exchange) {
  const std::string name = exchange.request.path.substr(kPath.size());
  require_root(services);
  services.models.remove_adapter(name);
  exchange.notes.model = name;
  const OrderedJson json{{"id", name}, {"object", "adapter"}, {"deleted", true}};
  co_await send_json(exchange, json);
}

}  // namespace

void add_adapter_routes(Router& router, const Services& services) {
  const auto add_route = [&](const char* method, const char* pattern, auto handler,
                             std::vector<std::string> fields = {}) {
    router.add({.method = method,
                .pattern = pattern,
                .handler = [&services, handler](Exchange& e) { return handler(services, e); },
                .fields = std::move(fields)});
  };
  add_route("GET", "/v1/adapters", list);
  add_route("POST", "/v1/adapters", add, field_names(adapter_fields()));
  add_route("GET", "/v1/adapters/*", show);
  add_route("DELETE", "/v1/adapters/*", remove);
}

}  // namespace linnet::serve
