// Parts of an answer as JSON.
#pragma once

#include <linnet/model.hpp>

#include <nlohmann/json.hpp>
#include <vector>

namespace linnet::cli {

/// The members of Metrics by the same names.
nlohmann::ordered_json to_json(const Metrics& metrics);
/// For each token a list of {"id", "logprob"}.
nlohmann::ordered_json to_json(const std::vector<std::vector<TokenLogprob>>& top);

}  // namespace linnet::cli
