// linnet perplexity: how well a model foresees a text.
#include <linnet/linnet.hpp>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_line.hpp"
#include "cli/model_options.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/text_input.hpp"

namespace linnet::cli {
namespace {

struct PerplexityCommand {
  ModelOptions model;
  TextInput input;
  PerplexityOptions options;
  bool json = false;
};

void write_result(const TextModel& model, const Perplexity& found, double seconds, bool json,
                  bool of_text) {
  const double rate = static_cast<double>(found.tokens) / seconds;
  if (json) {
    nlohmann::ordered_json result{{"model", model.info().name},
                                  {"tokens", found.tokens},
                                  {"mean_nll", found.mean_nll},
                                  {"standard_error", found.standard_error},
                                  {"perplexity", found.perplexity}};
    if (of_text) result["bits_per_byte"] = found.bits_per_byte;
    result["tokens_per_second"] = rate;
    return write_out(json_line(result) + "\n");
  }
  std::string text =
      fmt::format("{:<24}{}\n", "tokens", found.tokens) +
      fmt::format("{:<24}{:.4f}\n", "perplexity", found.perplexity) +
      fmt::format("{:<24}{:.4f} +- {:.4f}\n", "mean -log p", found.mean_nll, found.standard_error);
  if (of_text) text += fmt::format("{:<24}{:.4f}\n", "bits per byte", found.bits_per_byte);
  write_out(text + fmt::format("{:<24}{:.1f}\n", "tokens per second", rate));
}

ExitCode perplexity(const PerplexityCommand& command) {
  const std::string text = read_text_input(command.input);
  const Interrupt interrupt;
  try {
    const TextModel model = load(command.model, interrupt.token());
    ProgressLine line("reading");
    PerplexityOptions options = command.options;
    options.stop = interrupt.token();
    options.progress = [&](int64_t done, int64_t total) { line.show(done, total, "tokens"); };
    const auto begun = std::chrono::steady_clock::now();
    const Perplexity found = command.input.ids ? model.perplexity(*command.input.ids, options)
                                               : model.perplexity(text, options);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    line.clear();
    write_result(model, found, took.count(), command.json, !command.input.ids);
    return ExitCode::success;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled && interrupt.requested()) return ExitCode::interrupted;
    throw;
  }
}

}  // namespace

void add_perplexity(CLI::App& app, Action& action) {
  const auto command = std::make_shared<PerplexityCommand>();
  CLI::App& sub = *app.add_subcommand("perplexity", "Measures how well a model foresees a text.");
  add_text_input(sub, "file", command->input);
  add_model_flag(sub, command->model);
  add_number(sub, "--window", command->options.window,
             "tokens that are read together; 0: the context, 2048 at most", "N");
  add_number(sub, "--stride", command->options.stride,
             "tokens from one window's beginning to the next; 0: a whole window", "N");
  sub.add_flag("--json", command->json, "one JSON object instead of a table");
  add_load_flags(sub, command->model);
  sub.callback([command, &action] {
    if (!command->input.file && !command->input.ids) throw CLI::RequiredError("a FILE or --ids");
    action = [command] { return perplexity(*command); };
  });
}

}  // namespace linnet::cli
