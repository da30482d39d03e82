// linnet quantize: writes a quantised copy of a checkpoint.
#include <linnet/linnet.hpp>

#include <filesystem>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/formats.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/units.hpp"

namespace linnet::cli {
namespace {

struct QuantizeCommand {
  std::filesystem::path from;  // or a name, as find_model takes it
  std::filesystem::path to;
  QuantizeModelOptions options;
};

ExitCode quantize(QuantizeCommand command) {
  command.from = find_model(command.from.native());
  const Interrupt interrupt;
  try {
    {
      ProgressLine line("quantising");
      QuantizeModelOptions options = command.options;
      options.progress = [&](const LoadProgress& progress) {
        if (interrupt.requested()) fail(ErrorCode::cancelled, "interrupted while quantising");
        line.show(progress);
      };
      quantize_model(command.from, command.to, options);
    }
    const ModelInfo before = inspect_model(command.from);
    const ModelInfo after = inspect_model(command.to);
    write_out(fmt::format(
        "{:<16}{} from {}, {:.2f} bits a weight\n{:<16}{}\n", "tensors",
        format_bytes(after.stored_bytes), format_bytes(before.stored_bytes),
        8.0 * static_cast<double>(after.stored_bytes) / static_cast<double>(after.parameters),
        "matrices", formats_to_text(after.formats, 16)));
    return ExitCode::success;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled && interrupt.requested()) return ExitCode::interrupted;
    throw;
  }
}

}  // namespace

void add_quantize(CLI::App& app, Action& action) {
  const auto command = std::make_shared<QuantizeCommand>();
  CLI::App& sub = *app.add_subcommand(
      "quantize", "Writes a quantised copy of a checkpoint, which MLX reads too.");
  sub.add_option("in", command->from, "folder of a Hugging Face checkpoint with dense weights")
      ->type_name("IN")
      ->required();
  sub.add_option("out", command->to, "folder to write; must not exist, or be empty")
      ->type_name("OUT")
      ->required();
  QuantizeModelOptions& options = command->options;
  add_number(sub, "--bits", options.quantize.bits, "bits of a weight: 2, 3, 4, 5, 6 or 8", "B");
  add_number(sub, "--group-size", options.quantize.group_size,
             "weights that share a scale and a bias: 32, 64 or 128", "G");
  sub.add_flag("--force", options.replace, "replace a checkpoint that is there");
  add_number(sub, "--threads", options.threads, "threads that compute; 0: one per physical core",
             "N");
  sub.callback([command, &action] {
    check_quantize("--bits", command->options.quantize);
    action = [command] { return quantize(*command); };
  });
}

}  // namespace linnet::cli
