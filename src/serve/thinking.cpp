#include "serve/thinking.hpp"

namespace linnet::serve {

void check_thinking(const TextRequest& request, const ModelCard& card, const char* field) {
  const std::optional<bool> wanted = request.batch.chat.enable_thinking;
  if (!wanted || card.thinks) return;
  // A template without the variable may still begin every turn with the mark.
  const bool always = card.chat_template.find("<think>") != std::string::npos;
  if (*wanted == always) return;
  throw ApiError(422, card.name + (always ? " always thinks before it answers" : " cannot think"),
                 "unsupported", field);
}

}  // namespace linnet::serve
