// The routes of the server, one file for each interface.
#pragma once

#include <nlohmann/json.hpp>

#include "serve/generate.hpp"
#include "serve/router.hpp"
#include "serve/services.hpp"

namespace linnet::serve {

using OrderedJson = nlohmann::ordered_json;

/// Each adds its routes; `services` must outlive the router.
void add_chat_routes(Router& router, const Services& services);        // /v1/chat/completions
void add_completion_routes(Router& router, const Services& services);  // /v1/completions
void add_reading_routes(Router& router, const Services& services);    // embeddings, classify, score
void add_token_routes(Router& router, const Services& services);      // /tokenize, /detokenize
void add_model_routes(Router& router, const Services& services);      // /v1/models
void add_adapter_routes(Router& router, const Services& services);    // /v1/adapters
void add_state_routes(Router& router, const Services& services);      // health, metrics, statistics
void add_anthropic_routes(Router& router, const Services& services);  // /v1/messages
void add_ollama_routes(Router& router, const Services& services);     // /api/...
void add_page_routes(Router& router);                                 // /, /openapi.json

/// What a card says of its adapter.
OrderedJson adapter_json(const ModelCard& card);

/// JSON as text. What is not UTF-8 in it becomes U+FFFD.
std::string to_text(const OrderedJson& json);
asio::awaitable<void> send_json(Exchange& exchange, const OrderedJson& json);

}  // namespace linnet::serve
