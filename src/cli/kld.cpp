// linnet kld: how far one model's predictions are from another's over a text.
#include <linnet/linnet.hpp>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_line.hpp"
#include "cli/model_options.hpp"
#include "cli/model_pair.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/text_input.hpp"

namespace linnet::cli {
namespace {

struct KldCommand {
  ModelOptions a;
  ModelOptions b;
  TextInput input;
  DivergenceOptions options;
  bool json = false;
};

void write_json(const KldCommand& command, const TextModel& a, const TextModel& b,
                const Divergence& d) {
  nlohmann::ordered_json result{{"a", to_json(a, command.a)}, {"b", to_json(b, command.b)}};
  result["tokens"] = d.tokens;
  result["mean_kl"] = d.mean_kl;
  result["error_kl"] = d.error_kl;
  result["median_kl"] = d.median_kl;
  result["p99_kl"] = d.p99_kl;
  result["max_kl"] = d.max_kl;
  result["same_top"] = d.same_top;
  result["perplexity_a"] = d.perplexity_a;
  result["perplexity_b"] = d.perplexity_b;
  write_out(json_line(result) + "\n");
}

void write_table(const KldCommand& command, const TextModel& a, const TextModel& b,
                 const Divergence& d) {
  write_out(
      fmt::format("{:<24}{}\n{:<24}{}\n", "A", describe(a, command.a), "B",
                  describe(b, command.b)) +
      fmt::format("{:<24}{}\n", "tokens compared", d.tokens) +
      fmt::format("{:<24}{:.4g} +- {:.4g}\n", "mean KL(A || B)", d.mean_kl, d.error_kl) +
      fmt::format("{:<24}{:.4g}, 99 %: {:.4g}, max: {:.4g}\n", "median KL", d.median_kl, d.p99_kl,
                  d.max_kl) +
      fmt::format("{:<24}{:.2f} %\n", "same likeliest token", 100 * d.same_top) +
      fmt::format("{:<24}A {:.4f}, B {:.4f}\n", "perplexity", d.perplexity_a, d.perplexity_b));
}

ExitCode kld(const KldCommand& command) {
  const std::string text = read_text_input(command.input);
  const Interrupt interrupt;
  try {
    const TextModel a = load(command.a, interrupt.token());
    const TextModel b = load(command.b, interrupt.token());
    Divergence result;
    {
      ProgressLine line("comparing");
      DivergenceOptions options = command.options;
      options.progress = [&](int64_t done, int64_t total) {
        if (interrupt.requested()) fail(ErrorCode::cancelled, "interrupted while comparing");
        line.show(done, total, "tokens");
      };
      result = command.input.ids ? divergence(a, b, *command.input.ids, options)
                                 : divergence(a, b, text, options);
    }
    if (command.json)
      write_json(command, a, b, result);
    else
      write_table(command, a, b, result);
    return ExitCode::success;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled && interrupt.requested()) return ExitCode::interrupted;
    throw;
  }
}

}  // namespace

void add_kld(CLI::App& app, Action& action) {
  const auto command = std::make_shared<KldCommand>();
  CLI::App& sub = *app.add_subcommand(
      "kld", "Measures how far one model's predictions are from another's over a text.");
  add_model_pair(sub, command->a, command->b);
  add_text_input(sub, "--text", command->input);
  add_number(sub, "--window", command->options.window,
             "tokens that are read together: each is predicted from those before it in its window",
             "N");
  add_number(sub, "--tokens", command->options.max_tokens, "read at most so many; 0: all", "N");
  sub.add_flag("--json", command->json, "one JSON object instead of a table");
  sub.callback([command, &action] {
    if (!command->input.file && !command->input.ids) throw CLI::RequiredError("--text or --ids");
    // The cache is as long as a window: a context of a million tokens need not fit.
    action = [command] { return kld(*command); };
  });
}

}  // namespace linnet::cli
