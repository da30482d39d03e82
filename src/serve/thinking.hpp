// Whether a model thinks before it answers, where a request says so.
#pragma once

#include "serve/model_pool.hpp"
#include "serve/text_request.hpp"

namespace linnet::serve {

/// Errors: ApiError 422 where ChatOptions::enable_thinking asks for what the model's template
/// cannot say: to think of one that knows no thinking, not to think of one that always does.
void check_thinking(const TextRequest& request, const ModelCard& card, const char* field);

}  // namespace linnet::serve
