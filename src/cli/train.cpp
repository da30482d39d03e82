// linnet train: adapters, all weights or a new model, from JSONL files.
#include <linnet/linnet.hpp>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>

#include "api/train_probe.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/arguments.hpp"
#include "cli/classify_options.hpp"
#include "cli/commands.hpp"
#include "cli/config_file.hpp"
#include "cli/interrupt.hpp"
#include "cli/machine.hpp"
#include "cli/model_options.hpp"
#include "cli/output.hpp"
#include "cli/pass_table.hpp"
#include "cli/train_display.hpp"
#include "cli/train_report.hpp"
#include "cli/units.hpp"

namespace linnet::cli {
namespace {

struct TrainCommand {
  ModelOptions model;
  TrainOptions options;
  ClassifyFlags question;
  std::string gold = "label";
  bool full = false;
  bool plan_only = false;
  bool explain = false;
  std::string config_file;
};

std::string plan_text(const TrainPlan& plan, const TrainDataStatistics& data) {
  std::string lengths;
  for (const int64_t length : data.lengths) lengths += fmt::format(" {}", length);
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("{:<18}{}\n", name, value);
  };
  line("lines", fmt::format("{}, {} bad, {} cut, {} left out", data.lines, data.bad_lines,
                            data.truncated, data.skipped));
  for (const std::string& bad : data.first_bad_lines) line("", bad);
  if (data.unlearned_labels > 0)
    line("",
         fmt::format("{} texts have a \"label\" that is not learned; --labels A,B,... makes them "
                     "questions with answers",
                     data.unlearned_labels));
  line("examples", fmt::format("{} of {} tokens, {} of them learned", data.examples, data.tokens,
                               data.target_tokens));
  line("lengths", "least, 10, 25, 50, 75, 90, 99 %, greatest:" + lengths);
  line("steps", fmt::format("{}, each of {} x {} tokens at most", plan.steps, plan.packs_per_step,
                            plan.pack_tokens));
  line("parameters", fmt::format("{} trained", plan.parameters));
  line("memory",
       fmt::format("{}: {} frozen, {} parameters and gradients, {} optimizer, {} passes "
                   "{}",
                   format_bytes(plan.total_bytes), format_bytes(plan.weight_bytes),
                   format_bytes(plan.parameter_bytes + plan.gradient_bytes),
                   format_bytes(plan.optimizer_bytes), format_bytes(plan.activation_bytes),
                   plan.checkpoint_layers ? "(layers computed twice)" : ""));
  return text;
}

std::string end_text(const TrainResult& result) {
  switch (result.end) {
    case TrainEnd::finished: return "finished";
    case TrainEnd::stopped: return "stopped; --resume goes on";
    case TrainEnd::early_stopped: return "ended early: the validation loss got no better";
  }
  return "";
}

/// Writes OUT/report.html.
void write_report(const std::filesystem::path& out, const ReportHead& head,
                  const TrainHistory& history) {
  AtomicFile file(out / "report.html");
  file.write(report_html(head, history));
  file.commit();
}

class Watcher {
 public:
  Watcher(const Trainer& trainer, double flops_per_second)
      : plan_(trainer.plan()), history_(trainer.history()), flops_per_second_(flops_per_second) {
    DisplayOptions display = display_options(STDERR_FILENO);
    display.total_steps = plan_.steps;
    display_ = std::make_unique<TrainingDisplay>(display,
                                                 [](std::string_view text) { write_status(text); });
  }

  void step(const TrainStep& step) {
    tokens_ += step.tokens;
    seconds_ += step.seconds;
    display_->update(history_);
  }
  void sample(const TrainSample& sample) {
    display_->clear();
    write_status(fmt::format("step {}: {}{}\n", sample.step, sample.prompt, sample.text));
  }
  void finish() { display_->finish(history_); }

  /// Of the steps that this process ran.
  [[nodiscard]] double tokens_per_second() const {
    return seconds_ > 0 ? static_cast<double>(tokens_) / seconds_ : 0;
  }
  /// Of the machine's matrix peak; 0 if that was not measured.
  [[nodiscard]] double share() const {
    return flops_per_second_ > 0 ? tokens_per_second() * plan_.flops_per_token / flops_per_second_
                                 : 0;
  }

 private:
  const TrainPlan& plan_;
  const TrainHistory& history_;
  double flops_per_second_;
  std::unique_ptr<TrainingDisplay> display_;
  int64_t tokens_ = 0;
  double seconds_ = 0;
};

LabelledLines labelled_lines(const TrainCommand& command) {
  const ClassifyOptions asked = read_options(command.question);
  return {.labels = asked.labels,
          .prompt_template = asked.prompt_template,
          .system = asked.system,
          .chat = asked.chat,
          .text_field = command.question.field,
          .label_field = command.gold};
}

bool has_labels(const ClassifyFlags& flags) {
  return !flags.options.labels.empty() || flags.labels_file.has_value();
}

/// The ops of a step, the slowest first: of the quickest of some, after one that warms up.
void explain(Trainer& trainer, Machine& machine) {
  constexpr int kSteps = 3;
  int64_t tokens = 0;
  const auto step = [&] {
    kernels::Trace trace;
    const ProbedStep probed = TrainProbe::step(trainer, trace);
    tokens = probed.tokens;
    return Pass{collect(trace), probed.seconds};
  };
  step();
  Pass pass = quickest_pass(kSteps, step);
  sort_by_time(pass);
  machine.measure();
  write_out("\n" + to_text(pass, fmt::format("step of about {} tokens", tokens), kSteps, machine));
}

ExitCode train(TrainCommand command) {
  const Interrupt interrupt(StopSignals::interrupt_or_terminate);
  const ModelOptions model = found(command.model);
  TrainOptions& options = command.options;
  options.compute = model.load.compute;
  options.quantize = model.load.quantize;
  options.threads = model.load.threads;
  options.memory_budget = model.load.memory_budget;
  if (has_labels(command.question)) options.data.labelled = labelled_lines(command);
  if (!options.init_config.empty()) options.mode = TrainMode::init;
  if (command.full) options.mode = TrainMode::full;
  if (options.mode == TrainMode::init && !model.folder)
    fail(ErrorCode::invalid_argument, "--init needs --model: the folder with the new tokenizer");
  Trainer trainer = model.folder ? Trainer(*model.folder, options) : Trainer(options);
  write_out(plan_text(trainer.plan(), trainer.statistics()));
  if (command.plan_only) return ExitCode::success;
  if (trainer.first_step() > 0)
    write_out(fmt::format("{:<18}step {}\n", "resumed after", trainer.first_step()));
  Machine machine(options.threads);
  machine.measure();
  if (command.explain) {
    explain(trainer, machine);
    return ExitCode::success;
  }
  // The peak is that of bf16 products; float32 ones cannot reach it.
  Watcher watcher(trainer, machine.flops_per_second());
  const TrainResult result =
      trainer.run({.step = [&](const TrainStep& step) { watcher.step(step); },
                   .sample = [&](const TrainSample& sample) { watcher.sample(sample); },
                   .stop = interrupt.token()});
  watcher.finish();
  const TrainHistory& history = trainer.history();
  ReportHead head{.title = "Training " + options.out.string()};
  const auto fact = [&](const char* name, std::string value) {
    head.facts.emplace_back(name, std::move(value));
  };
  fact("Model", model.folder ? model.folder->string() : "built-in");
  fact("Parameters trained", std::to_string(trainer.plan().parameters));
  fact("Tokens a second", fmt::format("{:.0f}", watcher.tokens_per_second()));
  fact("Share of the matrix peak", fmt::format("{:.1f} %", 100 * watcher.share()));
  if (!history.steps.empty()) write_report(options.out, head, history);
  std::string text = fmt::format("{} after {} steps", end_text(result), result.steps);
  if (!history.steps.empty())
    text += fmt::format("; loss {:.4f}, perplexity {:.3f}", result.loss, std::exp(result.loss));
  if (result.validation_loss)
    text += fmt::format("; validation loss {:.4f}, perplexity {:.3f}", *result.validation_loss,
                        std::exp(*result.validation_loss));
  text +=
      fmt::format("\n{:.0f} tokens/s, {:.1f} % of the matrix peak ({}), peak memory {}\n",
                  watcher.tokens_per_second(), 100 * watcher.share(), machine.instruction(),
                  history.steps.empty() ? "?" : format_bytes(history.steps.back().memory_bytes));
  if (!result.out.empty()) text += fmt::format("{}\n", result.out.string());
  write_out(text);
  return result.end == TrainEnd::stopped ? ExitCode::interrupted : ExitCode::success;
}

void add_data(CLI::App& sub, TrainOptions& o) {
  TrainData& data = o.data;
  sub.add_option(
         "--data", data.files,
         "JSONL files to learn from: messages, prompt and completion, text, (with --labels) "
         "text and label, or instruction, input and output")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  sub.add_option("--validation", data.validation_files, "JSONL files to measure the loss on")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  sub.add_option("--validation-fraction", data.validation_fraction,
                 "share of the lines that is kept for that instead")
      ->type_name("F");
  add_count(sub, "--max-length", data.max_length, 2, "tokens of an example; longer ones are cut");
  sub.add_flag("--skip-long", data.skip_long, "leave longer examples out instead");
  sub.add_option_function<std::string>(
         "--turns",
         [&data](const std::string& name) {
           data.turns = name == "last"    ? LearnedTurns::last
                        : name == "apart" ? LearnedTurns::apart
                                          : LearnedTurns::all;
         },
         "the assistant's turns that are learned: all, last, or apart (each as an example)")
      ->check(CLI::IsMember({"all", "last", "apart"}))
      ->type_name("WHICH");
  sub.add_flag("--prompts-as-chat", data.prompts_as_chat,
               "prompts and completions are turns of a conversation");
  sub.add_flag("!--no-shuffle", data.shuffle, "keep the order of the lines");
  add_count(sub, "--max-bad-lines", data.max_bad_lines, 0,
            "bad lines to leave out before it is an "
            "error");
}

void add_labels(CLI::App& sub, TrainCommand& command) {
  add_question_flags(sub, command.question);
  sub.add_option("--gold", command.gold, "the member of each line that is its label")
      ->type_name("NAME")
      ->capture_default_str();
}

/// Errors: RequiresError if an option says how labelled lines are asked about, and none has labels.
void check_labels(const CLI::App& sub, const TrainCommand& command) {
  if (has_labels(command.question)) return;
  for (const char* name : {"--template", "--field", "--system", "--chat", "--gold"})
    if (!sub.get_option(name)->empty()) throw CLI::RequiresError(name, "--labels or --labels-file");
}

void add_lora(CLI::App& sub, TrainOptions& o) {
  add_count(sub, "--rank", o.lora.rank, 1, "rank of the adapters");
  sub.add_option("--alpha", o.lora.alpha, "their scale is alpha / rank")->type_name("A");
  sub.add_flag("--rslora", o.lora.rslora, "the scale is alpha / sqrt(rank)");
  sub.add_option("--dropout", o.lora.dropout, "share of the adapters' inputs that is dropped")
      ->type_name("P");
  sub.add_option("--targets", o.lora.targets,
                 "modules with adapters, by name or its last part, * for any characters")
      ->delimiter(',')
      ->type_name("NAME,...");
  add_counts(sub, "--layers", o.lora.layers, 0, "only these layers");
}

void add_optimizer(CLI::App& sub, TrainOptions& o) {
  add_count(sub, "--steps", o.steps, 1, "steps of the optimizer; without it, --epochs");
  sub.add_option("--epochs", o.epochs, "passes over the data")->type_name("E");
  add_count(sub, "--batch-tokens", o.batch_tokens, 1, "tokens of a step, about");
  add_count(sub, "--pack-tokens", o.pack_tokens, 1,
            "tokens of one pass forward and back; without it, what fits the memory");
  sub.add_option("--optimizer", o.optimizer, "adamw, sgd, lion or adafactor")
      ->check(CLI::IsMember({"adamw", "sgd", "lion", "adafactor"}))
      ->type_name("NAME");
  sub.add_option("--lr,--learning-rate", o.learning_rate, "the peak of the learning rate")
      ->type_name("R");
  sub.add_option("--weight-decay", o.weight_decay, "decoupled from the gradient")->type_name("W");
  sub.add_option("--beta1", o.beta1, "decay of the mean of gradients")->type_name("B");
  sub.add_option("--beta2", o.beta2, "decay of the mean of their squares")->type_name("B");
  sub.add_option("--epsilon", o.epsilon, "of adamw")->type_name("E");
  sub.add_option("--momentum", o.momentum, "of sgd")->type_name("M");
  sub.add_option("--schedule", o.schedule, "constant, linear or cosine")
      ->check(CLI::IsMember({"constant", "linear", "cosine"}))
      ->type_name("NAME");
  add_count(sub, "--warmup", o.warmup_steps, 0, "steps of rising learning rate");
  sub.add_option("--minimum-ratio", o.minimum_ratio, "of the learning rate, at the last step")
      ->type_name("R");
  sub.add_option("--clip", o.clip_norm, "greatest norm of all gradients; 0: not clipped")
      ->type_name("N");
  sub.add_option("--label-smoothing", o.label_smoothing, "")->type_name("S");
  sub.add_option("--z-loss", o.z_loss, "weight of the squared log of the normaliser")
      ->type_name("Z");
  sub.add_flag_function(
      "--recompute,!--no-recompute", [&o](int64_t count) { o.checkpoint_layers = count > 0; },
      "compute layers twice to save memory; without it, where the memory asks for it");
  add_number(sub, "--seed", o.seed, "of the data's order, first weights and dropout", "N");
}

void add_run(CLI::App& sub, TrainCommand& c) {
  TrainOptions& o = c.options;
  sub.add_option("-o,--out", o.out, "folder for checkpoints, the report, and the result")
      ->type_name("DIR");
  sub.add_flag("--full", c.full, "train all weights, not adapters");
  sub.add_option("--init", o.init_config,
                 "train a new model of this config.json; --model is the folder of its tokenizer")
      ->type_name("CONFIG")
      ->check(CLI::ExistingFile)
      ->excludes("--full");
  sub.add_flag("--resume", o.resume, "go on from the last checkpoint");
  add_count(sub, "--checkpoint-every", o.checkpoint_every, 0, "steps between checkpoints");
  add_count(sub, "--keep", o.keep_checkpoints, 1, "checkpoints that stay");
  add_count(sub, "--validate-every", o.validate_every, 0, "steps between validations");
  add_count(sub, "--validation-packs", o.validation_packs, 0, "packs of a validation; 0: all");
  add_count(sub, "--patience", o.patience, 0, "validations without a better loss that end the run");
  add_count(sub, "--sample-every", o.sample_every, 0, "steps between samples");
  sub.add_option("--sample", o.sample_prompts, "a text that samples go on with")->type_name("TEXT");
  add_count(sub, "--sample-tokens", o.sample_tokens, 1, "tokens of a sample");
  sub.add_flag("--plan", c.plan_only, "show the data and the plan, and train nothing");
  sub.add_flag("--explain", c.explain,
               "show what the ops of a step take, after data and plan, and train nothing")
      ->excludes("--plan");
  sub.add_option("--config", c.config_file,
                 "TOML file with these options; those of the command line go first")
      ->type_name("FILE");
}

}  // namespace

void add_train(CLI::App& app, Action& action) {
  const auto command = std::make_shared<TrainCommand>();
  command->model.load.compute = Compute::f32;
  CLI::App& sub = *app.add_subcommand(
      "train", "Trains adapters, all weights, or a new model, on lines of JSON.");
  add_model_flag(sub, command->model);
  add_data(sub, command->options);
  add_labels(sub, *command);
  add_run(sub, *command);
  add_lora(sub, command->options);
  add_optimizer(sub, command->options);
  add_arithmetic_flags(sub, command->model);
  add_machine_flags(sub, command->model);
  sub.callback([command, &sub, &action] {
    read_config_file(sub, command->config_file);
    if (command->options.data.files.empty()) throw CLI::RequiredError("--data");
    if (command->options.out.empty()) throw CLI::RequiredError("--out");
    check_labels(sub, *command);
    action = [command] { return train(*command); };
  });
}

}  // namespace linnet::cli
