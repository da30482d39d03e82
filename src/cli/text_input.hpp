// The text that a command measures: a file, standard input, or token ids.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace linnet::cli {

struct TextInput {
  std::optional<std::string> file;          ///< "-": standard input
  std::optional<std::vector<int32_t>> ids;  ///< instead of it
};

/// An option for the file, called `name` ("--text", or "file" for an argument), and --ids.
void add_text_input(CLI::App& command, const std::string& name, TextInput& input);

/// The file's text; empty for ids. Errors: not_found; malformed_file beyond 64 MiB.
std::string read_text_input(const TextInput& input);

}  // namespace linnet::cli
