// What `linnet serve` is told.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/model_options.hpp"
#include "serve/options.hpp"

namespace linnet::cli {

struct ServeCommand {
  std::vector<std::string> models;       ///< DIR or NAME=DIR
  std::vector<std::string> models_dirs;  ///< all models below them too
  std::vector<std::string> adapters;     ///< [MODEL:]NAME=DIR
  ModelOptions load;                     ///< how each is loaded
  serve::ServeOptions server;
  std::string api_key_file;
  std::string config_file;
  std::string log_format = "text";
  std::string log_level = "info";
};

/// Adds the flags; each may also come from the environment or the file of --config.
void add_serve_flags(CLI::App& command, ServeCommand& options);

/// With the models found and the keys read. Errors: as linnet::find_model and discover; not_found;
/// invalid_argument.
serve::ServeOptions serve_options(const ServeCommand& command);

/// For the log: all that was set, without keys.
std::string describe(const serve::ServeOptions& options);

}  // namespace linnet::cli
