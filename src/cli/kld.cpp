// linnet kld: how far one model's predictions are from another's over a text.
#include <linnet/linnet.hpp>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/model_options.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"

namespace linnet::cli {
namespace {

constexpr int64_t kMaxText = int64_t{64} << 20;

struct KldCommand {
  ModelOptions a;
  ModelOptions b;
  std::optional<std::string> text;
  std::optional<std::vector<int32_t>> ids;
  DivergenceOptions options;
  bool json = false;
};

void write_json(const TextModel& a, const TextModel& b, const Divergence& d) {
  nlohmann::ordered_json result;
  for (const auto& [key, model] : {std::pair("a", &a), std::pair("b", &b)})
    result[key] = {{"model", model->info().name}, {"quantization", model->info().quantization}};
  result["tokens"] = d.tokens;
  result["mean_kl"] = d.mean_kl;
  result["error_kl"] = d.error_kl;
  result["median_kl"] = d.median_kl;
  result["p99_kl"] = d.p99_kl;
  result["max_kl"] = d.max_kl;
  result["same_top"] = d.same_top;
  result["perplexity_a"] = d.perplexity_a;
  result["perplexity_b"] = d.perplexity_b;
  // A folder's name need not be UTF-8.
  write_out(result.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void write_table(const TextModel& a, const TextModel& b, const Divergence& d) {
  const auto model = [](const TextModel& m) {
    return fmt::format("{}, quantization: {}", m.info().name, m.info().quantization);
  };
  write_out(
      fmt::format("{:<24}{}\n{:<24}{}\n", "A", model(a), "B", model(b)) +
      fmt::format("{:<24}{}\n", "tokens compared", d.tokens) +
      fmt::format("{:<24}{:.4g} +- {:.4g}\n", "mean KL(A || B)", d.mean_kl, d.error_kl) +
      fmt::format("{:<24}{:.4g}, 99 %: {:.4g}, max: {:.4g}\n", "median KL", d.median_kl, d.p99_kl,
                  d.max_kl) +
      fmt::format("{:<24}{:.2f} %\n", "same likeliest token", 100 * d.same_top) +
      fmt::format("{:<24}A {:.4f}, B {:.4f}\n", "perplexity", d.perplexity_a, d.perplexity_b));
}

ExitCode kld(const KldCommand& command) {
  std::string text;
  if (command.text)
    text = *command.text == "-" ? read_standard_input() : read_file(*command.text, kMaxText);
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
      result =
          command.ids ? divergence(a, b, *command.ids, options) : divergence(a, b, text, options);
    }
    if (command.json)
      write_json(a, b, result);
    else
      write_table(a, b, result);
    return ExitCode::success;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled && interrupt.requested()) return ExitCode::interrupted;
    throw;
  }
}

/// What belongs to one of the two models: its folder, --compute-X and --quantize-X.
void add_model(CLI::App& sub, const std::string& name, ModelOptions& options) {
  sub.add_option_function<std::string>(
         name,
         [&options](const std::string& folder) {
           if (folder != "builtin") options.folder = folder;
         },
         name == "a" ? "the reference: folder of a checkpoint, or builtin"
                     : "what is measured against it; both may name the same")
      ->type_name(name == "a" ? "A" : "B")
      ->required();
  const std::string quantize = "--quantize-" + name;
  sub.add_option_function<std::string>(
         quantize,
         [&options, quantize](const std::string& text) {
           options.load.quantize = parse_quantize(quantize, text);
         },
         "quantise its weights while loading")
      ->type_name("BITS[:GROUP]");
  sub.add_option_function<std::string>(
         "--compute-" + name,
         [&options](const std::string& type) {
           options.load.compute = type == "f32" ? Compute::f32 : Compute::bf16;
         },
         "its arithmetic: bf16 (the default), or f32, the reference")
      ->check(CLI::IsMember({"bf16", "f32"}))
      ->type_name("TYPE");
}

}  // namespace

void add_kld(CLI::App& app, Action& action) {
  const auto command = std::make_shared<KldCommand>();
  CLI::App& sub = *app.add_subcommand(
      "kld", "Measures how far one model's predictions are from another's over a text.");
  add_model(sub, "a", command->a);
  add_model(sub, "b", command->b);
  CLI::Option* text = sub.add_option_function<std::string>(
                             "--text", [command](const std::string& file) { command->text = file; },
                             "file with the text; - reads it from standard input")
                          ->type_name("FILE");
  sub.add_option_function<std::string>(
         "--ids", [command](const std::string& ids) { command->ids = parse_ids("--ids", ids); },
         "token ids instead of a text; taken as they are")
      ->type_name("ID,ID,...")
      ->excludes(text);
  add_number(sub, "--window", command->options.window,
             "tokens that are read together: each is predicted from those before it in its window",
             "N");
  add_number(sub, "--tokens", command->options.max_tokens, "read at most so many; 0: all", "N");
  add_number(sub, "--threads", command->a.load.threads,
             "threads that compute; 0: one per physical core", "N");
  sub.add_flag("--json", command->json, "one JSON object instead of a table");
  sub.callback([command, &action] {
    if (!command->text && !command->ids) throw CLI::RequiredError("--text or --ids");
    command->b.load.threads = command->a.load.threads;
    // The cache is as long as a window: a context of a million tokens need not fit.
    action = [command] { return kld(*command); };
  });
}

}  // namespace linnet::cli
