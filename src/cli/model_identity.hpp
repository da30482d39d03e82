// What a model is, so that an interrupted job goes on with no other.
#pragma once

#include <linnet/model.hpp>

#include <nlohmann/json.hpp>

namespace linnet::cli {

/// Its name, and checksums of what it computes, of its tokenizer and its chat template.
nlohmann::ordered_json model_identity(const TextModel& model);

}  // namespace linnet::cli
