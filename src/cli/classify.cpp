// linnet classify: sorts the texts of a JSONL file into labels.
#include <linnet/linnet.hpp>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/classify_options.hpp"
#include "cli/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_line.hpp"
#include "cli/jsonl_job.hpp"
#include "cli/model_identity.hpp"
#include "cli/model_options.hpp"

namespace linnet::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr const char* kNone = " ";  // in the tally, for no label; no label is that

struct ClassifyCommand {
  ModelOptions model;
  ClassifyFlags flags;
  JobFiles files;
  std::string output_field = "label";
  bool quiet = false;
};

/// The names of the members that are added.
struct Names {
  explicit Names(const std::string& field) : label(field) {
    const std::string prefix = field == "label" ? "" : field + "_";
    scores = prefix + "scores";
    logits = prefix + "logits";
    token = prefix + "token";
  }
  std::string label;
  std::string scores;
  std::string logits;
  std::string token;
};

class Classifying {
 public:
  Classifying(const ClassifyCommand& command, const ClassifyOptions& options, JsonlJob& job)
      : command_(command), options_(options), job_(job), names_(command.output_field) {}

  /// The text of the next line that has one.
  std::optional<std::string> next() {
    while (const JobLine* line = job_.next()) {
      try {
        return text_of(*line);
      } catch (const Error& error) {
        if (clash_) throw;
        job_.skip_last(error.what());
      }
    }
    return std::nullopt;
  }

  void take(const Classification& found) {
    if (found.error) return job_.skip(found.error->what());
    OrderedJson added = OrderedJson::object();
    added[names_.label] = found.index < 0 ? OrderedJson() : OrderedJson(found.label);
    const auto by_label = [&](const auto& values) {
      OrderedJson object = OrderedJson::object();
      for (size_t i = 0; i < options_.labels.size(); ++i) object[options_.labels[i]] = values[i];
      return object;
    };
    if (options_.mode == ClassifyMode::greedy)
      added[names_.token] = found.text;
    else
      added[names_.scores] = by_label(found.probabilities);
    if (options_.return_logits) added[names_.logits] = by_label(found.logits);
    job_.answer(append_members(job_.front().text, added), found.index < 0 ? kNone : found.label);
  }

  /// "120 creative, 80 technical", of the whole job.
  [[nodiscard]] std::string counts() const {
    std::string text;
    for (const std::string& label : options_.labels)
      text +=
          fmt::format("{}{} {}", text.empty() ? "" : ", ", job_.counted(label), printable(label));
    if (job_.counted(kNone) > 0) text += fmt::format(", {} without a label", job_.counted(kNone));
    return text;
  }

 private:
  std::string text_of(const JobLine& line) {
    const Json object = parse_object(line.text);
    for (const std::string& name : {names_.label, names_.scores, names_.logits, names_.token}) {
      if (!has_member(object, name) || (name != names_.label && !adds(name))) continue;
      clash_ = !begun_ && job_.answered() == 0;
      if (clash_)
        fail(ErrorCode::invalid_argument,
             "line {} has a \"{}\" already; --output-field writes what is found under another name",
             line.number, printable(name));
      fail(ErrorCode::invalid_argument, "the line has a \"{}\" already", printable(name));
    }
    std::string text = string_member(object, command_.flags.field);
    begun_ = true;
    return text;
  }

  [[nodiscard]] bool adds(const std::string& name) const {
    if (name == names_.logits) return options_.return_logits;
    return (name == names_.token) == (options_.mode == ClassifyMode::greedy);
  }

  const ClassifyCommand& command_;
  const ClassifyOptions& options_;
  JsonlJob& job_;
  Names names_;
  bool begun_ = false;  // a line was good
  bool clash_ = false;  // the first has a member of ours
};

OrderedJson task_of(const ClassifyCommand& command, const ClassifyOptions& options,
                    const TextModel& model) {
  return {{"command", "classify"},
          {"model", model_identity(model)},
          {"labels", options.labels},
          {"template", options.prompt_template},
          {"system", options.system},
          {"chat", options.chat},
          {"mode", options.mode == ClassifyMode::greedy ? "greedy" : "score"},
          {"length_normalize", options.length_normalize},
          {"calibrate", options.calibrate},
          {"content_free", options.content_free},
          {"logits", options.return_logits},
          {"context", model.plan().context_length},
          {"field", command.flags.field},
          {"output_field", command.output_field}};
}

ExitCode classify(const ClassifyCommand& command) {
  ClassifyOptions options = read_options(command.flags);
  const Interrupt interrupt;
  options.stop = interrupt.token();
  JsonlJob job(command.files, "classifying", interrupt.token());
  try {
    const TextModel model = load(command.model, interrupt.token());
    job.begin(task_of(command, options, model));
    Classifying classifying(command, options, job);
    model.classify(
        TextSource{.next = [&] { return classifying.next(); },
                   .ready = [&] { return job.ready(); }},
        options, [&](int64_t /*index*/, const Classification& found) { classifying.take(found); });
    if (interrupt.requested()) fail(ErrorCode::cancelled, "interrupted");
    job.finish();
    if (!command.quiet) fmt::print(stderr, "linnet: {}: {}\n", job.summary(), classifying.counts());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled || !interrupt.requested()) throw;
    job.interrupt();
    return ExitCode::interrupted;
  }
  return job.answered() == 0 && job.skipped() > 0 ? ExitCode::error : ExitCode::success;
}

}  // namespace

void add_classify(CLI::App& app, Action& action) {
  const auto command = std::make_shared<ClassifyCommand>();
  CLI::App& sub = *app.add_subcommand(
      "classify", "Sorts texts into labels: a JSON object per line in, the same with a label out.");
  add_model_flag(sub, command->model);
  add_classify_flags(sub, command->flags);
  sub.add_flag("--logits", command->flags.options.return_logits,
               "add the logit of each label's first token");
  sub.add_option("--output-field", command->output_field,
                 "the member that the label is written to; scores go to \"scores\", or NAME_scores")
      ->type_name("NAME")
      ->capture_default_str();
  sub.add_flag("--quiet", command->quiet, "no summary on standard error");
  add_job_flags(sub, command->files);
  add_load_flags(sub, command->model);
  sub.callback([command, &action] {
    if (command->flags.options.labels.empty() && !command->flags.labels_file)
      throw CLI::RequiredError("--labels or --labels-file");
    action = [command] { return classify(*command); };
  });
}

}  // namespace linnet::cli
