// linnet explain: which kernels a forward pass runs and why, and what each takes of its limit.
#include <linnet/linnet.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/engine_of.hpp"
#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/json_line.hpp"
#include "cli/machine.hpp"
#include "cli/model_options.hpp"
#include "cli/output.hpp"
#include "engine/benchmark.hpp"

namespace linnet::cli {
namespace {

constexpr int64_t kUsualPrefill = 512;
constexpr int kPasses = 5;  // the quickest is shown: it was disturbed least

struct ExplainCommand {
  ModelOptions model;
  int64_t prefill = 0;  // 0: not given
  int64_t decode = -1;  // -1: not given
  bool by_time = false;
  bool json = false;
};

/// All calls of one op with one shape and one kernel.
struct Row {
  kernels::Work work;  // of all calls together
  int64_t calls = 0;
  double seconds = 0;
};

/// One forward pass: its rows in the order of their first calls, and its time in all.
struct Pass {
  std::vector<Row> rows;
  double seconds = 0;
};

std::vector<Row> collect(const kernels::Trace& trace) {
  std::vector<Row> rows;
  for (const kernels::Trace::Entry& entry : trace.entries()) {
    auto row = std::ranges::find_if(rows, [&](const Row& other) {
      return other.work.op == entry.work.op && other.work.shape == entry.work.shape &&
             other.work.kernel == entry.work.kernel;
    });
    if (row == rows.end()) {
      rows.push_back({entry.work, 1, entry.seconds});
      continue;
    }
    row->work.flops += entry.work.flops;
    row->work.stored_bytes += entry.work.stored_bytes;
    row->work.passing_bytes += entry.work.passing_bytes;
    row->seconds += entry.seconds;
    ++row->calls;
  }
  return rows;
}

/// Runs a pass (`run` returns its seconds) once to warm up and then several times, and gives the
/// quickest.
template <class RunPass>
Pass quickest_pass(engine::Engine& engine, const RunPass& run) {
  run();
  Pass quickest;
  for (int i = 0; i < kPasses; ++i) {
    engine::Recording recording(engine);
    const double seconds = run();
    if (i == 0 || seconds < quickest.seconds) quickest = {collect(recording.trace()), seconds};
  }
  return quickest;
}

/// What is between and around the ops: allocations, tables of blocks, the calls themselves.
Row rest_of(const Pass& pass) {
  Row rest{.work = {.op = "between ops"}, .calls = 1, .seconds = pass.seconds};
  for (const Row& row : pass.rows) rest.seconds -= row.seconds;
  return rest;
}

double share_of(const Row& row, const Machine& machine) {
  const kernels::Work& work = row.work;
  return machine.least_seconds(work.flops, work.stored_bytes + work.passing_bytes) / row.seconds;
}

using Json = nlohmann::ordered_json;

std::string to_json(const Pass& pass, const std::string& model, const std::string& what,
                    int64_t tokens, const Machine& machine) {
  Json result;
  result["model"] = model;
  result["machine"] = {{"isa", machine.isa()},
                       {"threads", machine.threads()},
                       {"read_gbps", machine.read_bytes_per_second() / 1e9},
                       {"matmul_tflops", machine.flops_per_second() / 1e12},
                       {"matmul_instruction", machine.instruction()}};
  result["pass"] = what;
  result["tokens"] = tokens;
  result["milliseconds"] = pass.seconds * 1e3;
  result["ops"] = Json::array();
  for (const Row& row : pass.rows)
    result["ops"].push_back({{"op", row.work.op},
                             {"shape", row.work.shape},
                             {"kernel", row.work.kernel},
                             {"calls", row.calls},
                             {"flops", row.work.flops},
                             {"stored_bytes", row.work.stored_bytes},
                             {"passing_bytes", row.work.passing_bytes},
                             {"milliseconds", row.seconds * 1e3},
                             {"share_of_time", row.seconds / pass.seconds},
                             {"share_of_limit", share_of(row, machine)}});
  result["between_ops_milliseconds"] = rest_of(pass).seconds * 1e3;
  return json_line(result) + "\n";
}

std::string to_text(const Pass& pass, const std::string& what, const Machine& machine) {
  std::string text = fmt::format(
      "{}: {:.3f} ms, the quickest of {} passes. {}, {} threads: reads {:.1f} GB/s, multiplies "
      "{:.3f} "
      "TFLOP/s.\n\n{:<18}{:<30}{:>6}{:>10}{:>7}{:>11}{:>11}{:>8}  {}\n",
      what, pass.seconds * 1e3, kPasses, machine.isa(), machine.threads(),
      machine.read_bytes_per_second() / 1e9, machine.flops_per_second() / 1e12, "op", "shape",
      "calls", "ms", "time", "GFLOP", "MB", "limit", "kernel");
  const auto out = std::back_inserter(text);
  for (const Row& row : pass.rows)
    fmt::format_to(out, "{:<18}{:<30}{:>6}{:>10.3f}{:>6.1f}%{:>11.3f}{:>11.3f}{:>7.1f}%  {}\n",
                   row.work.op, row.work.shape, row.calls, row.seconds * 1e3,
                   100 * row.seconds / pass.seconds, static_cast<double>(row.work.flops) / 1e9,
                   static_cast<double>(row.work.stored_bytes + row.work.passing_bytes) / 1e6,
                   100 * share_of(row, machine), row.work.kernel);
  const Row rest = rest_of(pass);
  fmt::format_to(out, "{:<48}{:>6}{:>10.3f}{:>6.1f}%\n", rest.work.op, "", rest.seconds * 1e3,
                 100 * rest.seconds / pass.seconds);
  return text;
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
    pass = quickest_pass(engine, [&] { return decode.steps(1); });
  } else {
    pass = quickest_pass(engine, [&] { return engine::time_prefill(engine, tokens); });
  }
  machine.measure();
  if (command.by_time) std::ranges::stable_sort(pass.rows, std::greater(), &Row::seconds);
  write_out(command.json
                ? to_json(pass, model.info().name, decodes ? "decode" : "prefill", tokens, machine)
                : to_text(pass, what, machine));
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
