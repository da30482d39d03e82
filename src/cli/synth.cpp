// linnet synth: a checkpoint of a real model's shape with noise for weights.
#include <memory>
#include <string>

#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "models/synth.hpp"

namespace linnet::cli {
namespace {

struct SynthCommand {
  std::string shape;
  std::filesystem::path out;
  int bits = 0;
  int group_size = 64;
  uint64_t seed = 0;
};

ExitCode synth(const SynthCommand& command) {
  const models::SynthShape& shape = models::find_synth_shape(command.shape);
  const Interrupt interrupt;
  ProgressLine line("writing");
  try {
    models::write_synth(
        shape, command.out,
        {.quantization =
             command.bits == 0 ? Quantization() : Quantization{command.bits, command.group_size},
         .seed = command.seed,
         .progress = [&](int64_t done, int64_t total) {
           if (interrupt.requested()) fail(ErrorCode::cancelled, "interrupted while writing");
           line.show({.done_bytes = done, .total_bytes = total});
         }});
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled && interrupt.requested()) return ExitCode::interrupted;
    throw;
  }
  return ExitCode::success;
}

std::string shape_names() {
  std::string names;
  for (const models::SynthShape& shape : models::synth_shapes())
    names += (names.empty() ? "" : ", ") + std::string(shape.name);
  return names;
}

}  // namespace

void add_synth(CLI::App& app, Action& action) {
  const auto command = std::make_shared<SynthCommand>();
  CLI::App& sub = *app.add_subcommand(
      "synth", "Writes a checkpoint of a real model's shape with noise for weights: for timing.");
  sub.add_option("shape", command->shape, "one of " + shape_names())
      ->type_name("SHAPE")
      ->required();
  sub.add_option("out", command->out, "folder to write; must not exist, or be empty")
      ->type_name("OUT")
      ->required();
  add_number(sub, "--bits", command->bits,
             "quantised weights in MLX's layout, of 2, 3, 4, 5, 6 or 8 bits; 0: bf16", "B");
  add_number(sub, "--group-size", command->group_size, "weights that share a scale: 32, 64 or 128",
             "G");
  add_number(sub, "--seed", command->seed, "of the noise", "SEED");
  sub.callback([command, &action] { action = [command] { return synth(*command); }; });
}

}  // namespace linnet::cli
