// linnet batch: answers the requests of a JSONL file together.
#include <linnet/linnet.hpp>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "cli/answer_json.hpp"
#include "cli/arguments.hpp"
#include "cli/batch_request.hpp"
#include "cli/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_line.hpp"
#include "cli/jsonl_job.hpp"
#include "cli/model_identity.hpp"
#include "cli/model_options.hpp"
#include "cli/sampling_options.hpp"

namespace linnet::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr const char* kFailed = "failed";  // in the tally

struct BatchCommand {
  ModelOptions model;
  JobFiles files;
  GenerateOptions options;
  bool logprobs = false;
  bool timings = false;
  bool quiet = false;
};

OrderedJson error_json(const Error& error) {
  return {{"code", to_string(error.code())}, {"message", error.what()}};
}

class Answering {
 public:
  Answering(const BatchCommand& command, const TextModel& model, GenerateOptions defaults,
            JsonlJob& job)
      : command_(command), model_(model), defaults_(std::move(defaults)), job_(job) {}

  /// The next line that is a request; others are answered with what is wrong.
  std::optional<BatchRequest> next() {
    while (JobLine* line = job_.next()) {
      OrderedJson id;
      try {
        const Json object = parse_object(line->text, "the request");
        id = request_id(object);
        BatchRequest request = parse_request(object, defaults_);
        line->text = json_line(id);  // what is needed of it for the answer
        return request;
      } catch (const Error& error) {
        job_.answer_last(json_line({{"id", id}, {"error", error_json(error)}}), kFailed);
      }
    }
    return std::nullopt;
  }

  void take(const Completion& completion) {
    if (completion.finish_reason == FinishReason::cancelled ||
        (completion.error && completion.error->code() == ErrorCode::cancelled))
      fail(ErrorCode::cancelled, "interrupted");
    OrderedJson answer{{"id", OrderedJson::parse(job_.front().text)}};
    if (completion.error) {
      answer["error"] = error_json(*completion.error);
    } else {
      if (model_.info().has_tokenizer) answer["text"] = completion.text;
      answer["ids"] = completion.ids;
      if (command_.logprobs) answer["logprobs"] = completion.logprobs;
      if (!completion.top.empty()) answer["top_logprobs"] = to_json(completion.top);
      answer["finish_reason"] = to_string(completion.finish_reason);
      // Times differ from run to run; the output of a run that was interrupted must not.
      const Metrics& metrics = completion.metrics;
      answer["metrics"] = command_.timings
                              ? to_json(metrics)
                              : OrderedJson{{"prompt_tokens", metrics.prompt_tokens},
                                            {"generated_tokens", metrics.generated_tokens}};
      generated_ += metrics.generated_tokens;
    }
    job_.answer(json_line(answer), completion.error ? kFailed : "");
  }

  [[nodiscard]] int64_t failures() const { return job_.counted(kFailed); }
  [[nodiscard]] int64_t generated() const { return generated_; }

 private:
  const BatchCommand& command_;
  const TextModel& model_;
  const GenerateOptions defaults_;
  JsonlJob& job_;
  int64_t generated_ = 0;
};

OrderedJson task_of(const BatchCommand& command, const TextModel& model) {
  OrderedJson task{{"command", "batch"}, {"model", model_identity(model)}};
  for (const SamplingNumber& number : sampling_numbers())
    task[std::string(number.name)] = sampling_value(command.options, number);
  task["logit_bias"] = OrderedJson::array();
  for (const auto& [id, value] : command.options.logit_bias)
    task["logit_bias"].push_back(fmt::format("{}:{}", id, value));
  task["stop_ids"] = command.options.stop_ids;
  task["stop_strings"] = command.options.stop_strings;
  task["bad_words"] = command.options.bad_words;
  task["ignore_eos"] = command.options.ignore_eos;
  task["grammar"] = std::string(command.options.grammar.source());
  task["top_logprobs"] = command.options.top_logprobs;
  task["special_tokens"] = command.options.add_special_tokens;
  task["context"] = model.plan().context_length;
  task["logprobs"] = command.logprobs;
  task["timings"] = command.timings;
  return task;
}

ExitCode batch(const BatchCommand& command) {
  const Interrupt interrupt;
  JsonlJob job(command.files, "answering", interrupt.token());
  try {
    const TextModel model = load(command.model, interrupt.token());
    job.begin(task_of(command, model));
    GenerateOptions defaults = command.options;
    defaults.stop = interrupt.token();
    Answering answering(command, model, defaults, job);
    model.generate_batch(
        BatchSource{.next = [&] { return answering.next(); }, .ready = [&] { return job.ready(); }},
        [&](int64_t /*index*/, const Completion& completion) { answering.take(completion); });
    if (interrupt.requested()) fail(ErrorCode::cancelled, "interrupted");
    job.finish();
    if (!command.quiet)
      fmt::print(stderr, "linnet: {}: {} tokens, {} failed\n", job.summary(), answering.generated(),
                 answering.failures());
    return job.answered() > 0 && answering.failures() == job.answered() ? ExitCode::error
                                                                        : ExitCode::success;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled || !interrupt.requested()) throw;
    job.interrupt();
    return ExitCode::interrupted;
  }
}

}  // namespace

void add_batch(CLI::App& app, Action& action) {
  const auto command = std::make_shared<BatchCommand>();
  CLI::App& sub = *app.add_subcommand(
      "batch",
      "Answers many requests together: a JSON object per line in, an answer per line out.");
  add_model_flag(sub, command->model);
  add_number(sub, "--concurrency", command->model.load.max_batch,
             "requests that are computed together; 1: one at a time", "N");
  sub.add_flag("--logprobs", command->logprobs, "add the log-probability of each token");
  add_number(sub, "--top-logprobs", command->options.top_logprobs,
             "add the likeliest K tokens at each place", "K");
  sub.add_flag("--timings", command->timings,
               "all metrics; times differ from run to run, so the same work gives another file");
  sub.add_flag("--quiet", command->quiet, "no summary on standard error");
  sub.add_flag_callback(
      "--no-special-tokens", [command] { command->options.add_special_tokens = false; },
      "do not add what the tokenizer adds to a prompt (a beginning-of-sequence token)");
  add_job_flags(sub, command->files);
  add_load_flags(sub, command->model);
  add_draft_flag(sub, command->model);
  add_sampling_flags(sub, command->options);
  sub.callback([command, &action] { action = [command] { return batch(*command); }; });
}

}  // namespace linnet::cli
