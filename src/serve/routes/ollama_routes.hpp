// The parts of Ollama's interface that add_ollama_routes puts together.
#pragma once

#include "serve/router.hpp"
#include "serve/services.hpp"

namespace linnet::serve {

void add_ollama_model_routes(Router& router, const Services& services);  // tags, show, ps, version
void add_ollama_embed_routes(Router& router, const Services& services);  // embed, embeddings

}  // namespace linnet::serve
