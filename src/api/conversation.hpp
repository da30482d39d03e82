// A conversation as the ids of a prompt.
#pragma once

#include <linnet/chat.hpp>

#include "api/state.hpp"

namespace linnet {

/// What the model's chat template writes, as ids; the token that ends the assistant's turns is
/// added to options.stop_ids. Errors: as TextModel::chat.
std::vector<int32_t> encode_conversation(const TextModel::State& model,
                                         const std::vector<Message>& messages,
                                         const ChatOptions& chat, GenerateOptions& options);

}  // namespace linnet
