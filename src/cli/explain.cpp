// linnet explain: which kernels a forward pass runs and why, and what each takes of its limit.
#include <linnet/linnet.hpp>

#include <algorithm>
#include <memory>
#include <string>

#include "api/engine_of.hpp"
#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/machine.hpp"
#include "cli/model_options.hpp"
#include "cli/output.hpp"
#include "cli/pass_table.hpp"
#include "engine/benchmark.hpp"

namespace linnet::cli {
namespace {

constexpr int64_t kUsualPrefill = 512;
constexpr int kPasses = 5;

struct ExplainCommand {
  ModelOptions model;
  int64_t prefill = 0;  // 0: not given
  int64_t decode = -1;  // -1: not given
  bool by_time = false;
  bool json = false;
};

/// Runs a pass (`run` returns its seconds) once to warm up and then several times, and gives the
/// quickest.
template <class RunPass>
Pass quickest_of(engine::Engine& engine, const RunPass& run) {
  run();
  return quickest_pass(kPasses, [&] {
    engine::Recording recording(engine);
    const double seconds = run();
    return Pass{collect(recording.trace()), seconds};
  });
}

ExitCode explain(const ExplainCommand& command) {
  const TextModel model = load(command.model);
  engine::Engine& engine = engine_of(model);
  const int64_t context = model.plan().context_length;
  const bool decodes = command.decode >= 0;
  const int64_t tokens = decodes                ? command.decode
                         : command.prefill != 0 ? command.prefill
                                                : std::min(kUsualPrefill, context);
  const std::string what = decodes ? fmt::format("decode after {} tokens", tokens)
                                   : fmt::format("prefill of {} tokens", tokens);
  const int64_t needed = decodes ? tokens + kPasses + 1 : tokens;
  require(needed <= context, "{} does not fit the context of {} tokens", what, context);
  Machine machine(command.model.load.threads);
  machine.measure();
  Pass pass;
  if (decodes) {
    engine::DecodeBenchmark decode(engine, tokens, kPasses + 1);
    pass = quickest_of(engine, [&] { return decode.steps(1); });
  } else {
    pass = quickest_of(engine, [&] { return engine::time_prefill(engine, tokens); });
  }
  machine.measure();
  if (command.by_time) sort_by_time(pass);
  write_out(command.json
                ? to_json(pass, model.info().name, decodes ? "decode" : "prefill", tokens, machine)
                : to_text(pass, what, kPasses, machine));
  return ExitCode::success;
}

}  // namespace

void add_explain(CLI::App& app, Action& action) {
  const auto command = std::make_shared<ExplainCommand>();
  CLI::App& sub = *app.add_subcommand(
      "explain", "Says which kernels a forward pass runs and why, and what each takes.");
  add_model_argument(sub, command->model);
  CLI::Option* prefill =
      add_count(sub, "--prefill", command->prefill, 1, "read a prompt of N tokens [512]");
  add_count(sub, "--decode", command->decode, 0, "decode a token after N others")
      ->excludes(prefill);
  sub.add_flag("--by-time", command->by_time, "the slowest first, rather than as they run");
  sub.add_flag("--json", command->json, "one JSON object instead of text");
  add_load_flags(sub, command->model);
  sub.callback([command, &action] { action = [command] { return explain(*command); }; });
}

}  // namespace linnet::cli
