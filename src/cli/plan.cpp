// linnet plan: the bytes that a model will take, before anything is loaded.
#include <linnet/linnet.hpp>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/formats.hpp"
#include "cli/model_options.hpp"
#include "cli/output.hpp"
#include "cli/units.hpp"

namespace linnet::cli {
namespace {

struct PlanCommand {
  ModelOptions model;
  bool json = false;
};

ExitCode plan(const PlanCommand& command) {
  const ModelOptions model = found(command.model);
  const MemoryPlan plan =
      model.folder ? plan_model(*model.folder, model.load) : plan_builtin_model(model.load);
  if (command.json) {
    const nlohmann::ordered_json result{{"weight_bytes", plan.weight_bytes},
                                        {"adapter_bytes", plan.adapter_bytes},
                                        {"kv_cache_bytes", plan.kv_cache_bytes},
                                        {"workspace_bytes", plan.workspace_bytes},
                                        {"draft_weight_bytes", plan.draft_weight_bytes},
                                        {"draft_cache_bytes", plan.draft_cache_bytes},
                                        {"total_bytes", plan.total_bytes},
                                        {"prefix_cache_bytes", plan.prefix_cache_bytes},
                                        {"context_length", plan.context_length},
                                        {"formats", formats_to_json(plan.formats)}};
    // A tensor's name is UTF-8: it comes from a JSON header.
    write_out(result.dump() + "\n");
    return ExitCode::success;
  }
  const auto line = [](const std::string& name, int64_t bytes) {
    return fmt::format("{:<40}{:>12}\n", name, format_bytes(bytes));
  };
  write_out(
      line("weights", plan.weight_bytes) +
      (plan.adapter_bytes == 0 ? "" : line("adapter", plan.adapter_bytes)) +
      line(fmt::format("keys and values of {} tokens", plan.context_length), plan.kv_cache_bytes) +
      line("workspace", plan.workspace_bytes) +
      (plan.draft_weight_bytes == 0 ? ""
                                    : line("draft model", plan.draft_weight_bytes) +
                                          line("its keys and values", plan.draft_cache_bytes)) +
      line("total", plan.total_bytes) + line("prefixes, at most", plan.prefix_cache_bytes) +
      fmt::format("{:<16}{}\n", "matrices", formats_to_text(plan.formats, 16)));
  return ExitCode::success;
}

}  // namespace

void add_plan(CLI::App& app, Action& action) {
  const auto command = std::make_shared<PlanCommand>();
  CLI::App& sub = *app.add_subcommand("plan", "Says what memory a model will take; loads nothing.");
  add_model_flag(sub, command->model);
  add_plan_flags(sub, command->model);
  add_draft_flag(sub, command->model);
  add_adapter_flag(sub, command->model);
  sub.add_flag("--json", command->json, "one JSON object instead of text");
  sub.callback([command, &action] { action = [command] { return plan(*command); }; });
}

}  // namespace linnet::cli
