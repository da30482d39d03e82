// linnet models: what models there are on the disk.
#include <linnet/discover.hpp>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/json_line.hpp"
#include "cli/output.hpp"
#include "cli/units.hpp"

namespace linnet::cli {
namespace {

struct ModelsCommand {
  std::vector<std::string> folders;
  DiscoverOptions options;
  bool json = false;
};

std::string to_json(const std::vector<FoundModel>& models) {
  auto result = nlohmann::ordered_json::array();
  for (const FoundModel& model : models)
    result.push_back({{"name", model.name},
                      {"path", model.path.string()},
                      {"revision", model.revision},
                      {"preferred", model.preferred},
                      {"supported", model.supported},
                      {"problem", model.problem},
                      {"architecture", model.architecture},
                      {"parameters", model.parameters},
                      {"stored_bytes", model.stored_bytes},
                      {"dtype", model.dtype},
                      {"quantization", model.quantization}});
  return json_line(result) + "\n";
}

/// "999", "26.1M", "1.24B".
std::string short_count(int64_t count) {
  const auto value = static_cast<double>(count);
  if (count >= 1'000'000'000) return fmt::format("{:.2f}B", value / 1e9);
  if (count >= 1'000'000) return fmt::format("{:.1f}M", value / 1e6);
  return std::to_string(count);
}

/// A snapshot that is not the one that the name stands for is told by its revision.
std::string label_of(const FoundModel& model) {
  return printable(model.preferred ? model.name : model.name + " @" + model.revision.substr(0, 8));
}

std::string to_text(const std::vector<FoundModel>& models) {
  size_t width = 4;
  for (const FoundModel& model : models) width = std::max(width, label_of(model).size());
  std::string text = fmt::format("{:<{}}  {:>10}  {:>10}  {:<5}  {:<24}  {}\n", "NAME", width,
                                 "PARAMETERS", "SIZE", "DTYPE", "QUANTIZATION", "ARCHITECTURE");
  for (const FoundModel& model : models) {
    fmt::format_to(std::back_inserter(text), "{:<{}}  ", label_of(model), width);
    if (model.supported)
      fmt::format_to(std::back_inserter(text), "{:>10}  {:>10}  {:<5}  {:<24}  {}\n",
                     short_count(model.parameters), format_bytes(model.stored_bytes), model.dtype,
                     model.quantization, model.architecture);
    else
      fmt::format_to(std::back_inserter(text), "cannot be loaded: {}\n",
                     printable(model.problem, 400));
    fmt::format_to(std::back_inserter(text), "  {}\n", printable(model.path.string(), 4096));
  }
  return text;
}

/// The folders that were named, or the Hugging Face caches that are there.
std::vector<std::filesystem::path> folders_of(const ModelsCommand& command) {
  if (!command.folders.empty()) return {command.folders.begin(), command.folders.end()};
  std::vector<std::filesystem::path> folders = default_model_dirs();
  std::erase_if(folders, [](const std::filesystem::path& folder) {
    std::error_code absent;
    return !std::filesystem::is_directory(folder, absent);
  });
  return folders;
}

ExitCode models(const ModelsCommand& command) {
  const std::vector<std::filesystem::path> folders = folders_of(command);
  std::vector<FoundModel> found;
  for (const std::filesystem::path& folder : folders)
    for (FoundModel& model : discover(folder, command.options))
      // One folder may lie in another.
      if (std::ranges::find(found, model.path, &FoundModel::path) == found.end())
        found.push_back(std::move(model));
  if (command.json)
    write_out(to_json(found));
  else if (!found.empty())
    write_out(to_text(found));
  else if (folders.empty())
    write_out("no folder was named, and there is no Hugging Face cache\n");
  else
    write_out("no models found\n");
  return ExitCode::success;
}

}  // namespace

void add_models(CLI::App& app, Action& action) {
  const auto command = std::make_shared<ModelsCommand>();
  CLI::App& sub = *app.add_subcommand("models", "Lists the models on the disk; loads nothing.");
  sub.add_option("folders", command->folders,
                 "folders to search; without them, the Hugging Face caches")
      ->type_name("DIR");
  add_number(sub, "--max-depth", command->options.max_depth, "folders below DIR to look into", "N");
  add_number(sub, "--max-entries", command->options.max_entries,
             "files and folders that may be looked at in one DIR", "N");
  sub.add_flag("--json", command->json, "one JSON array instead of a table");
  sub.callback([command, &action] { action = [command] { return models(*command); }; });
}

}  // namespace linnet::cli
