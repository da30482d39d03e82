#include "cli/config_file.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "base/printable.hpp"

namespace linnet::cli {

void read_config_file(CLI::App& command, const std::string& file) {
  if (file.empty()) return;
  if (!std::filesystem::is_regular_file(file))
    throw CLI::FileError(fmt::format("--config: there is no file {}", printable(file)));
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_file(file)) {
    CLI::Option* const option = command.get_option_no_throw("--" + item.name);
    if (option == nullptr || !item.parents.empty() || item.name == "config" || item.name == "help")
      throw CLI::ConfigError(
          fmt::format("{}: there is no option {}", printable(file), printable(item.fullname())));
    if (!option->empty()) continue;  // from the command line or the environment
    option->add_result(item.inputs);
    option->run_callback();
  }
}

}  // namespace linnet::cli
