// Two models that are compared: the same flags for kld and calibrate.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/model_options.hpp"

namespace linnet::cli {

/// The arguments A and B, each a folder or "builtin"; --adapter-a, --quantize-a, --compute-a, the
/// same for b, and --threads for both.
void add_model_pair(CLI::App& command, ModelOptions& a, ModelOptions& b);

/// "gemma-3-1b-it, quantization: none, adapter: run/adapter", for tables.
std::string describe(const TextModel& model, const ModelOptions& options);
/// {"model", "quantization"}, and "adapter" if there is one.
nlohmann::ordered_json to_json(const TextModel& model, const ModelOptions& options);

}  // namespace linnet::cli
