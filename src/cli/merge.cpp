// linnet merge: a checkpoint with an adapter added to its weights.
#include <linnet/linnet.hpp>

#include <memory>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"

namespace linnet::cli {
namespace {

struct MergeCommand {
  std::filesystem::path base;
  std::filesystem::path adapter;
  std::filesystem::path out;
  MergeOptions options;
};

}  // namespace

void add_merge(CLI::App& app, Action& action) {
  const auto command = std::make_shared<MergeCommand>();
  CLI::App& sub =
      *app.add_subcommand("merge", "Writes a checkpoint with an adapter added to its weights.");
  sub.add_option("base", command->base, "folder of a checkpoint, or its name; it stays")
      ->type_name("BASE")
      ->required();
  sub.add_option("--adapter", command->adapter, "folder of an adapter, PEFT's or mlx-lm's")
      ->type_name("DIR")
      ->required();
  sub.add_option("-o,--out", command->out, "folder to write; must not exist, or be empty")
      ->type_name("DIR")
      ->required();
  sub.add_flag("--force", command->options.replace, "replace a checkpoint that is there");
  add_number(sub, "--threads", command->options.threads,
             "threads that compute; 0: one per physical core", "N");
  sub.callback([command, &action] {
    action = [command] {
      merge_adapter(find_model(command->base.native()), command->adapter, command->out,
                    command->options);
      write_out(command->out.string() + "\n");
      return ExitCode::success;
    };
  });
}

}  // namespace linnet::cli
