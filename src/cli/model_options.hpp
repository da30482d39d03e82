// Which model a sub-command works on, and how it is loaded: the same flags everywhere.
#pragma once

#include <linnet/linnet.hpp>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <stop_token>

namespace linnet::cli {

struct ModelOptions {
  /// A folder or a name, as find_model takes it; nothing: the built-in model.
  std::optional<std::filesystem::path> folder;
  LoadOptions load;
};

/// -m, --model
void add_model_flag(CLI::App& command, ModelOptions& options);
/// The same, or without the flag as the command's argument.
void add_model_argument(CLI::App& command, ModelOptions& options);
/// --compute, whose default is options.load.compute, and --quantize.
void add_arithmetic_flags(CLI::App& command, ModelOptions& options);
/// --threads and --memory-budget.
void add_machine_flags(CLI::App& command, ModelOptions& options);
/// --compute, --quantize and --context: what a plan depends on.
void add_plan_flags(CLI::App& command, ModelOptions& options);
/// --draft, for commands that generate.
void add_draft_flag(CLI::App& command, ModelOptions& options);
/// --adapter, or with a suffix, as in --adapter-a
void add_adapter_flag(CLI::App& command, ModelOptions& options, const std::string& suffix = {});
/// --compute, --quantize, --context, --adapter, --threads and --memory-budget.
void add_load_flags(CLI::App& command, ModelOptions& options);

/// The folder of the model that was named, as linnet::find_model; nothing for the built-in model,
/// which is named by nothing or by "builtin".
std::optional<std::filesystem::path> find_folder(const std::optional<std::filesystem::path>& named);
/// The options with the folders of the models that they name. Errors: as linnet::find_model.
ModelOptions found(ModelOptions options);

/// Loads the model with a progress line. Errors: as linnet::find_model and load_model; cancelled
/// once `stop` is requested.
TextModel load(const ModelOptions& options, const std::stop_token& stop = {});

}  // namespace linnet::cli
