// linnet bench: how fast a model reads prompts and decodes, beside what the machine allows.
#include <linnet/linnet.hpp>

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
#include "cli/statistics.hpp"
#include "cli/units.hpp"
#include "engine/benchmark.hpp"

namespace linnet::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kFirstTokenPrompt = 32;
constexpr int kMaxLoads = 3;

struct BenchCommand {
  ModelOptions model;
  std::vector<int64_t> prefill;  // empty: the usual ones
  std::vector<int64_t> decode;
  int repeat = 5;
  bool quick = false;
  bool json = false;
};

/// Limits of the time that a line of the table takes.
struct Pace {
  int repeat = 5;
  double line_seconds = 30;   // no further repetition after it, but three at least
  double sample_seconds = 1;  // of decoding
};

/// One line: a prompt's length or a context, and the speeds of its runs.
struct Line {
  int64_t tokens = 0;
  std::vector<double> tokens_per_second;
  engine::Cost cost;       // of one run
  int64_t run_tokens = 0;  // of one run that `cost` is for
};

struct Report {
  ModelInfo info;
  std::vector<double> load_seconds;
  double start_to_first_token_seconds = 0;
  std::vector<double> first_token_seconds;
  std::vector<Line> prefill;
  std::vector<Line> decode;
  std::vector<std::string> left_out;
  int64_t context_length = 0;
  int64_t peak_bytes = 0;
  std::optional<int64_t> peak_resident_bytes;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Whether to go on after the runs so far.
bool again(const Pace& pace, size_t runs, Clock::time_point start) {
  const auto wanted = static_cast<size_t>(pace.repeat);
  if (runs >= wanted) return false;
  return runs < std::min<size_t>(wanted, 3) || seconds_since(start) < pace.line_seconds;
}

Line bench_prefill(engine::Engine& engine, int64_t tokens, const Pace& pace) {
  Line line{.tokens = tokens, .run_tokens = tokens};
  {
    // The first pass warms up, and says what there is to do.
    engine::Recording recording(engine);
    engine::time_prefill(engine, tokens);
    line.cost = engine::cost_of(recording.trace());
  }
  const Clock::time_point start = Clock::now();
  while (again(pace, line.tokens_per_second.size(), start))
    line.tokens_per_second.push_back(static_cast<double>(tokens) /
                                     engine::time_prefill(engine, tokens));
  return line;
}

Line bench_decode(engine::Engine& engine, int64_t context, int64_t room, const Pace& pace) {
  constexpr int64_t kSteps = 32;  // of one run, at most
  constexpr int64_t kWarmUp = 3;
  const int64_t most = std::min(room, kWarmUp + pace.repeat * kSteps);
  engine::DecodeBenchmark decode(engine, context, most);
  Line line{.tokens = context};
  {
    engine::Recording recording(engine);
    decode.steps(1);
    line.cost = engine::cost_of(recording.trace());
    line.run_tokens = 1;
  }
  const double step = decode.steps(kWarmUp - 1) / (kWarmUp - 1);
  const int64_t steps = std::clamp(static_cast<int64_t>(pace.sample_seconds / step), int64_t{4},
                                   std::max<int64_t>(1, (most - kWarmUp) / pace.repeat));
  const Clock::time_point start = Clock::now();
  while (again(pace, line.tokens_per_second.size(), start))
    line.tokens_per_second.push_back(static_cast<double>(steps) / decode.steps(steps));
  return line;
}

double first_token(const TextModel& model, int64_t prompt) {
  const std::vector<int32_t> ids(static_cast<size_t>(prompt), 1);
  const Clock::time_point start = Clock::now();
  Generation generation = model.generate(ids, {.max_tokens = 1});
  generation.next();
  return seconds_since(start);
}

/// The values of a list that fit; those that were asked for by name must.
std::vector<int64_t> fitting(const char* what, const std::vector<int64_t>& asked,
                             const std::vector<int64_t>& usual, int64_t most, int64_t context,
                             std::vector<std::string>& left_out) {
  std::vector<int64_t> result;
  for (const int64_t value : asked.empty() ? usual : asked) {
    if (value <= most) {
      result.push_back(value);
      continue;
    }
    if (!asked.empty())
      fail(ErrorCode::invalid_argument, "{} {} does not fit the context of {} tokens", what, value,
           context);
    left_out.push_back(fmt::format("{} {}", what, value));
  }
  return result;
}

Report run(const BenchCommand& command, Machine& machine) {
  Report report;
  const ModelOptions options = found(command.model);
  report.context_length = (options.folder ? plan_model(*options.folder, options.load)
                                          : plan_builtin_model(options.load))
                              .context_length;
  const Pace pace{.repeat = command.quick ? std::min(command.repeat, 3) : command.repeat,
                  .line_seconds = command.quick ? 5.0 : 30.0};
  // Decoding needs room for the steps of at least the warm-up and one run each of one token.
  const std::vector<int64_t> usual_prefill =
      command.quick ? std::vector<int64_t>{32, 128} : std::vector<int64_t>{32, 128, 512, 2048};
  const std::vector<int64_t> usual_decode =
      command.quick ? std::vector<int64_t>{0, 512} : std::vector<int64_t>{0, 512, 4096};
  const int64_t steps = 3 + 4 * int64_t{pace.repeat};
  const auto prefill = fitting("prefill", command.prefill, usual_prefill, report.context_length,
                               report.context_length, report.left_out);
  const auto decode = fitting("decode", command.decode, usual_decode, report.context_length - steps,
                              report.context_length, report.left_out);

  machine.measure();
  const bool resident = reset_peak_resident();
  std::optional<TextModel> model;
  const int64_t prompt = std::min(kFirstTokenPrompt, report.context_length - 1);
  const Clock::time_point loading = Clock::now();
  while (report.load_seconds.size() < kMaxLoads) {
    model.reset();
    const Clock::time_point start = Clock::now();
    model = load(options);
    report.load_seconds.push_back(seconds_since(start));
    report.start_to_first_token_seconds = report.load_seconds.back() + first_token(*model, prompt);
    if (seconds_since(loading) > 5) break;
  }
  for (int i = 0; i < pace.repeat; ++i)
    report.first_token_seconds.push_back(first_token(*model, prompt));
  report.info = model->info();
  engine::Engine& engine = engine_of(*model);
  const auto note_resident = [&] {
    if (!resident) return;
    if (const auto peak = peak_resident_bytes())
      report.peak_resident_bytes = std::max(report.peak_resident_bytes.value_or(0), *peak);
  };
  for (const int64_t tokens : prefill)
    report.prefill.push_back(bench_prefill(engine, tokens, pace));
  note_resident();
  machine.measure();
  reset_peak_resident();
  for (const int64_t context : decode)
    report.decode.push_back(bench_decode(engine, context, report.context_length - context, pace));
  note_resident();
  report.peak_bytes = model->memory().peak_bytes;
  machine.measure();
  return report;
}

/// A line's speed against what the machine allows.
struct Shares {
  double of_limit = 0;
  double of_matmul = 0;
  double of_reading = 0;
  bool bound_by_products = false;
};

Shares shares_of(const Line& line, const Machine& machine) {
  const double seconds =
      static_cast<double>(line.run_tokens) / spread_of(line.tokens_per_second).median;
  const auto [flops, bytes] = line.cost;
  return {.of_limit = machine.least_seconds(flops, bytes) / seconds,
          .of_matmul = machine.least_seconds(flops, 0) / seconds,
          .of_reading = machine.least_seconds(0, bytes) / seconds,
          .bound_by_products = machine.bound_by_products(flops, bytes)};
}

using Json = nlohmann::ordered_json;

Json lines_json(const std::vector<Line>& lines, const char* name, const Machine& machine) {
  Json result = Json::array();
  for (const Line& line : lines) {
    const Spread speed = spread_of(line.tokens_per_second);
    const Shares shares = shares_of(line, machine);
    result.push_back({{name, line.tokens},
                      {"tokens_per_second", speed.median},
                      {"least_tokens_per_second", speed.least},
                      {"most_tokens_per_second", speed.most},
                      {"runs", line.tokens_per_second.size()},
                      {"share_of_limit", shares.of_limit},
                      {"limit", shares.bound_by_products ? "matmul" : "read"},
                      {"share_of_matmul", shares.of_matmul},
                      {"share_of_read", shares.of_reading},
                      {"flops", line.cost.flops},
                      {"bytes", line.cost.stored_bytes}});
  }
  return result;
}

Json spread_json(const std::vector<double>& samples, double unit) {
  const Spread spread = spread_of(samples);
  return {{"median", spread.median / unit},
          {"least", spread.least / unit},
          {"most", spread.most / unit},
          {"runs", samples.size()}};
}

std::string to_json(const Report& report, const BenchCommand& command, const Machine& machine) {
  Json result;
  result["model"] = report.info.name;
  result["compute"] = command.model.load.compute == Compute::f32 ? "f32" : "bf16";
  result["quantization"] = report.info.quantization;
  result["machine"] = {{"processor", processor_name()},
                       {"isa", machine.isa()},
                       {"threads", machine.threads()},
                       {"read_gbps", machine.read_bytes_per_second() / 1e9},
                       {"matmul_tflops", machine.flops_per_second() / 1e12},
                       {"matmul_instruction", machine.instruction()},
                       {"read_gbps_samples", spread_json(machine.read_samples(), 1e9)},
                       {"matmul_tflops_samples", spread_json(machine.flops_samples(), 1e12)}};
  result["prefill"] = lines_json(report.prefill, "tokens", machine);
  result["decode"] = lines_json(report.decode, "context", machine);
  result["load_seconds"] = spread_of(report.load_seconds).median;
  result["load_seconds_samples"] = spread_json(report.load_seconds, 1);
  result["first_token_seconds"] = spread_of(report.first_token_seconds).median;
  result["first_token_seconds_samples"] = spread_json(report.first_token_seconds, 1);
  result["start_to_first_token_seconds"] = report.start_to_first_token_seconds;
  result["peak_bytes"] = report.peak_bytes;
  result["peak_resident_bytes"] = nullptr;
  if (report.peak_resident_bytes) result["peak_resident_bytes"] = *report.peak_resident_bytes;
  result["left_out"] = report.left_out;
  return json_line(result) + "\n";
}

std::string to_text(const Report& report, const Machine& machine) {
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    fmt::format_to(std::back_inserter(text), "{:<12}{}\n", name, value);
  };
  const auto times = [](const std::vector<double>& samples) {
    const Spread s = spread_of(samples);
    return fmt::format("{:.3f} s ({:.3f} .. {:.3f}, {} runs)", s.median, s.least, s.most,
                       samples.size());
  };
  line("model", fmt::format("{}, {}", report.info.name, report.info.architecture));
  line("machine",
       fmt::format("{}: {}, {} threads", processor_name(), machine.isa(), machine.threads()));
  line("limits", fmt::format("reads {:.1f} GB/s, multiplies {:.3f} TFLOP/s ({})",
                             machine.read_bytes_per_second() / 1e9,
                             machine.flops_per_second() / 1e12, machine.instruction()));
  line("load", times(report.load_seconds));
  line("first token", fmt::format("{}, after a start {:.3f} s", times(report.first_token_seconds),
                                  report.start_to_first_token_seconds));
  line("peak memory",
       report.peak_resident_bytes
           ? fmt::format("{} of arrays, {} resident", format_bytes(report.peak_bytes),
                         format_bytes(*report.peak_resident_bytes))
           : fmt::format("{} of arrays", format_bytes(report.peak_bytes)));
  const auto table = [&](std::string_view name, std::string_view column,
                         const std::vector<Line>& lines) {
    if (lines.empty()) return;
    fmt::format_to(std::back_inserter(text), "\n{:<12}{:>8}{:>11}{:>24}{:>6}{:>8}  {}\n", name,
                   column, "tok/s", "least .. most", "runs", "share", "of");
    for (const Line& row : lines) {
      const Spread speed = spread_of(row.tokens_per_second);
      const Shares shares = shares_of(row, machine);
      fmt::format_to(std::back_inserter(text), "{:<12}{:>8}{:>11.2f}{:>24}{:>6}{:>7.1f}%  {}\n", "",
                     row.tokens, speed.median,
                     fmt::format("{:.2f} .. {:.2f}", speed.least, speed.most),
                     row.tokens_per_second.size(), 100 * shares.of_limit,
                     shares.bound_by_products ? "multiplying" : "reading");
    }
  };
  table("prefill", "tokens", report.prefill);
  table("decode", "context", report.decode);
  if (!report.left_out.empty())
    fmt::format_to(std::back_inserter(text), "\nleft out, for a context of {} tokens: {}\n",
                   report.context_length, fmt::join(report.left_out, ", "));
  return text;
}

ExitCode bench(const BenchCommand& command) {
  require(command.repeat >= 1 && command.repeat <= 1000, "repeat {} is outside 1..1000",
          command.repeat);
  Machine machine(command.model.load.threads);
  const Report report = run(command, machine);
  write_out(command.json ? to_json(report, command, machine) : to_text(report, machine));
  return ExitCode::success;
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  const auto command = std::make_shared<BenchCommand>();
  CLI::App& sub = *app.add_subcommand(
      "bench", "Times a model, and says what share of the machine's own limits that is.");
  add_model_argument(sub, command->model);
  add_counts(sub, "--prefill", command->prefill, 1,
             "lengths of prompts to read [32,128,512,2048, as far as they fit]");
  add_counts(sub, "--decode", command->decode, 0,
             "contexts to decode after [0,512,4096, as far as they fit]");
  add_number(sub, "--repeat", command->repeat, "runs of each, after one to warm up", "N");
  sub.add_flag("--quick", command->quick,
               "fewer and shorter runs: prompts of 32 and 128, contexts 0 and 512");
  sub.add_flag("--json", command->json, "one JSON object instead of text");
  add_load_flags(sub, command->model);
  add_bench_tokenizer(sub, action);
  sub.callback([command, &sub, &action] {
    if (!sub.get_subcommands().empty()) return;  // it has set the action
    action = [command] { return bench(*command); };
  });
}

}  // namespace linnet::cli
