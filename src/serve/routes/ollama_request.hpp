// Requests as Ollama's interface writes them.
#pragma once

#include <string>

#include "serve/model_pool.hpp"
#include "serve/text_request.hpp"

namespace linnet::serve {

struct OllamaRequest : TextRequest {
  std::string system;     ///< of /api/generate
  std::string prompt;     ///< of /api/generate
  bool raw = false;       ///< the prompt is the whole text
  bool unload = false;    ///< keep_alive is 0: the model is freed afterwards
  int64_t num_ctx = 0;    ///< 0: not given
  bool penalties = true;  ///< false: repeat_last_n is 0
  /// Without anything to answer, a request loads the model, or frees it.
  [[nodiscard]] bool is_empty() const { return prompt.empty() && batch.messages.empty(); }
};

/// POST /api/chat and /api/generate. Errors: ApiError 400 naming the field, 422 for images and
/// others that are no text.
OllamaRequest read_ollama_chat(const std::string& body);
OllamaRequest read_ollama_generate(const std::string& body);

const FieldReaders<OllamaRequest>& ollama_chat_fields();
const FieldReaders<OllamaRequest>& ollama_generate_fields();

/// What depends on the model: Ollama's own defaults of sampling where neither the request nor the
/// model has any, and the form of a prompt. Errors: ApiError 400 for a longer context than the
/// model's; 422 for what the model cannot do.
void complete_ollama(OllamaRequest& request, const ModelCard& card);

/// A time as seconds, or as Go writes it; whether it is 0. Errors: invalid_argument.
bool read_keep_alive(const Json& json);

}  // namespace linnet::serve
