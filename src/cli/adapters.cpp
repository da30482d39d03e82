// linnet adapters: what adapters there are, what they say, and other forms of them.
#include <linnet/linnet.hpp>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"

namespace linnet::cli {
namespace {

namespace fs = std::filesystem;

ExitCode list(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (const auto& entry : fs::recursive_directory_iterator(folder, options, error))
    if (entry.path().filename() == "adapter_config.json")
      found.push_back(entry.path().parent_path());
  if (error) fail(ErrorCode::not_found, "{}: {}", printable(folder.string()), error.message());
  std::ranges::sort(found);
  for (const fs::path& path : found) {
    std::string text;
    try {
      const AdapterInfo info = inspect_adapter(path);
      text = fmt::format("{}, rank {}, {} parameters in {} modules ({})", info.format, info.rank,
                         info.parameters, info.modules, fmt::join(info.targets, ", "));
    } catch (const Error& broken) {
      text = broken.what();
    }
    write_out(fmt::format("{}: {}\n", path.string(), text));
  }
  return ExitCode::success;
}

ExitCode inspect(const fs::path& folder) {
  const AdapterInfo info = inspect_adapter(folder);
  const auto line = [](std::string_view name, const std::string& value) {
    write_out(fmt::format("{:<12}{}\n", name, value));
  };
  line("form", info.format);
  line("base", info.base_model.empty() ? "not said" : info.base_model);
  line("rank", std::to_string(info.rank));
  line("alpha", fmt::format("{}{}", info.alpha, info.rslora ? " (rsLoRA)" : ""));
  line("targets", fmt::format("{}", fmt::join(info.targets, ", ")));
  line("modules", std::to_string(info.modules));
  line("parameters", std::to_string(info.parameters));
  return ExitCode::success;
}

struct ConvertCommand {
  fs::path from;
  fs::path to;
  std::string format;
};

}  // namespace

void add_adapters(CLI::App& app, Action& action) {
  CLI::App& sub = *app.add_subcommand("adapters", "Lists, shows and converts low-rank adapters.");
  sub.require_subcommand(1);
  const auto folder = std::make_shared<fs::path>();
  CLI::App& list_command = *sub.add_subcommand("list", "All adapters below a folder.");
  list_command.add_option("dir", *folder, "a folder")->type_name("DIR")->required();
  list_command.callback([folder, &action] { action = [folder] { return list(*folder); }; });
  CLI::App& inspect_command = *sub.add_subcommand("inspect", "What an adapter is.");
  inspect_command.add_option("dir", *folder, "folder of an adapter")->type_name("DIR")->required();
  inspect_command.callback([folder, &action] { action = [folder] { return inspect(*folder); }; });
  const auto convert = std::make_shared<ConvertCommand>();
  CLI::App& convert_command =
      *sub.add_subcommand("convert", "Writes an adapter in PEFT's or mlx-lm's form.");
  convert_command.add_option("dir", convert->from, "folder of an adapter")
      ->type_name("DIR")
      ->required();
  convert_command.add_option("--to", convert->format, "peft or mlx")
      ->check(CLI::IsMember({"peft", "mlx"}))
      ->type_name("FORM")
      ->required();
  convert_command.add_option("-o,--out", convert->to, "folder to write")
      ->type_name("DIR")
      ->required();
  convert_command.callback([convert, &action] {
    action = [convert] {
      convert_adapter(convert->from, convert->to, convert->format);
      return ExitCode::success;
    };
  });
}

}  // namespace linnet::cli
