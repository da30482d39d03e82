// Options of a sub-command from a TOML file, which CLI11 itself reads for a whole program only.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace linnet::cli {

/// Gives options of `command` that have no value yet those of the file, by their names without
/// dashes; an empty name: nothing happens. For a callback, after the command line was read. Errors:
/// CLI::FileError if there is no such file; CLI::ConfigError for a name that is no option.
void read_config_file(CLI::App& command, const std::string& file);

}  // namespace linnet::cli
