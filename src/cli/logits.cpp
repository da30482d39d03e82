// linnet logits: the logits at every position of a sequence, for comparing with other engines.
#include <linnet/linnet.hpp>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/model_options.hpp"
#include "io/safetensors_writer.hpp"

namespace linnet::cli {
namespace {

struct LogitsCommand {
  ModelOptions model;
  std::vector<int32_t> ids;
  std::filesystem::path out;
};

ExitCode logits(const LogitsCommand& command) {
  // Known before the work rather than after it.
  const std::filesystem::path folder = command.out.parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder))
    fail(ErrorCode::not_found, "{} is no folder", folder.string());

  const TextModel model = load(command.model);
  const std::vector<float> values = model.logits(command.ids);
  const auto rows = static_cast<int64_t>(command.ids.size());
  io::SafetensorsWriter writer(command.out, {{.name = "logits",
                                              .dtype = io::StoredDType::f32,
                                              .shape = {rows, model.info().vocab_size}}});
  writer.write("logits", std::as_bytes(std::span(values)));
  writer.commit();
  return ExitCode::success;
}

}  // namespace

void add_logits(CLI::App& app, Action& action) {
  const auto command = std::make_shared<LogitsCommand>();
  CLI::App& sub = *app.add_subcommand(
      "logits", "Writes the logits at every position of a sequence of token ids.");
  sub.add_option_function<std::string>(
         "--ids", [command](const std::string& text) { command->ids = parse_ids("--ids", text); },
         "the token ids")
      ->type_name("ID,ID,...")
      ->required();
  sub.add_option("--out", command->out, "safetensors file to write: tensor logits [T, V], F32")
      ->type_name("FILE")
      ->required();
  add_model_flag(sub, command->model);
  add_load_flags(sub, command->model);
  sub.callback([command, &action] { action = [command] { return logits(*command); }; });
}

}  // namespace linnet::cli
