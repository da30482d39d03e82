// Parts of Ollama's answers, and what their names of models mean.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "serve/generate.hpp"

namespace linnet::serve {

/// The model of a name; "NAME:latest" is as good as NAME. Errors: ApiError 404.
CardPtr ollama_card(const ModelPool& models, const std::string& name);

/// A moment as RFC 3339 writes it, in UTC.
std::string rfc3339(std::chrono::system_clock::time_point time);
std::string rfc3339_now();

int64_t nanoseconds(double seconds);
int64_t nanoseconds_since(std::chrono::steady_clock::time_point started);

/// Calls of tools, their arguments as objects.
nlohmann::ordered_json calls_json(const std::vector<CallDelta>& calls);

/// {"format", "family", "parameter_size", "quantization_level", ...} of a model.
nlohmann::ordered_json details_json(const ModelInfo& info);
/// The members that a model has in every list: name, model, size, digest, details. The digest says
/// whether the files are other ones, by their names and sizes; nobody reads the weights for it.
nlohmann::ordered_json entry_json(const ModelCard& card, const ModelInfo& info);

}  // namespace linnet::serve
