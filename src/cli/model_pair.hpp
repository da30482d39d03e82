// Two models that are compared: the same flags for kld and calibrate.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/model_options.hpp"

namespace linnet::cli {

/// The arguments A and B, each a folder or "builtin"; --quantize-a, --compute-a, the same for b,
/// and
/// --threads for both.
void add_model_pair(CLI::App& command, ModelOptions& a, ModelOptions& b);

}  // namespace linnet::cli
