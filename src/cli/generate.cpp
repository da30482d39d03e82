// linnet generate: streams a continuation of a prompt.
#include <linnet/linnet.hpp>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/answer_json.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_line.hpp"
#include "cli/model_options.hpp"
#include "cli/output.hpp"
#include "cli/sampling_options.hpp"
#include "cli/units.hpp"

namespace linnet::cli {
namespace {

struct GenerateCommand {
  ModelOptions model;
  std::optional<std::string> prompt;
  std::optional<std::vector<int32_t>> ids;
  GenerateOptions options;
  bool json = false;
  bool stats = false;
};

/// Everything that was generated, for --json.
struct Answer {
  std::vector<int32_t> ids;
  std::vector<float> logprobs;
  std::vector<std::vector<TokenLogprob>> top;
  std::string text;
};

Generation start(const TextModel& model, const GenerateCommand& command, const std::string& prompt,
                 const std::stop_token& stop) {
  GenerateOptions options = command.options;
  options.stop = stop;
  return command.ids ? model.generate(*command.ids, options) : model.generate(prompt, options);
}

void write_json(const TextModel& model, const Generation& generation, const Answer& answer) {
  nlohmann::ordered_json result;
  result["model"] = model.info().name;
  result["prompt_ids"] = generation.prompt_ids();
  result["ids"] = answer.ids;
  if (model.info().has_tokenizer) result["text"] = answer.text;
  result["logprobs"] = answer.logprobs;
  if (!answer.top.empty()) result["top_logprobs"] = to_json(answer.top);
  result["finish_reason"] = to_string(generation.finish_reason());
  result["metrics"] = to_json(generation.metrics());
  write_out(json_line(result) + "\n");
}

void write_stats(const Metrics& metrics) {
  if (metrics.drafted_tokens > 0)
    fmt::print(stderr, "linnet: {} of {} guesses were right\n", metrics.accepted_tokens,
               metrics.drafted_tokens);
  fmt::print(stderr,
             "linnet: {} prompt tokens ({:.1f}/s), {} generated ({:.1f}/s), first token after "
             "{:.3f} s, peak memory {}\n",
             metrics.prompt_tokens, metrics.prefill_tokens_per_second, metrics.generated_tokens,
             metrics.decode_tokens_per_second, metrics.time_to_first_token_seconds,
             format_bytes(metrics.peak_bytes));
}

/// What a token adds to the stream: its text, or its id where the checkpoint has no tokenizer.
std::string piece(const Token& token, bool has_tokenizer, bool first) {
  if (has_tokenizer) return token.text;
  return fmt::format("{}{}", first ? "" : ",", token.id);
}

ExitCode generate(const GenerateCommand& command) {
  std::string prompt = command.prompt.value_or("");
  if (prompt == "-") prompt = read_standard_input();

  const Interrupt interrupt;
  try {
    const TextModel model = load(command.model, interrupt.token());
    Generation generation = start(model, command, prompt, interrupt.token());
    Answer answer;
    while (const Token* token = generation.next()) {
      if (!command.json) write_out(piece(*token, model.info().has_tokenizer, answer.ids.empty()));
      answer.text += token->text;
      // The one after the end brings held-back text (half a character) and no id of its own.
      if (generation.finish_reason() != FinishReason::none) continue;
      answer.ids.push_back(token->id);
      answer.logprobs.push_back(token->logprob);
      if (!token->top.empty()) answer.top.push_back(token->top);
    }
    if (command.json)
      write_json(model, generation, answer);
    else
      write_out("\n");
    if (command.stats) write_stats(generation.metrics());
    return generation.finish_reason() == FinishReason::cancelled ? ExitCode::interrupted
                                                                 : ExitCode::success;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled && interrupt.requested()) return ExitCode::interrupted;
    throw;
  }
}

}  // namespace

void add_generate(CLI::App& app, Action& action) {
  const auto command = std::make_shared<GenerateCommand>();
  CLI::App& sub = *app.add_subcommand("generate", "Continues a prompt, token by token.");
  CLI::Option* prompt =
      sub.add_option_function<std::string>(
             "prompt", [command](const std::string& text) { command->prompt = text; },
             "the text to continue; - reads it from standard input")
          ->type_name("TEXT");
  CLI::Option* ids =
      sub.add_option_function<std::string>(
             "--ids",
             [command](const std::string& text) { command->ids = parse_ids("--ids", text); },
             "token ids to continue, instead of a prompt; taken as they are")
          ->type_name("ID,ID,...")
          ->excludes(prompt);
  add_model_flag(sub, command->model);
  sub.add_flag("--json", command->json, "one JSON object at the end instead of a stream of text");
  sub.add_flag("--stats", command->stats, "tokens per second and memory, on standard error");
  sub.add_flag_callback(
         "--no-special-tokens", [command] { command->options.add_special_tokens = false; },
         "do not add what the tokenizer adds to a prompt (a beginning-of-sequence token)")
      ->excludes(ids);
  add_number(sub, "--top-logprobs", command->options.top_logprobs,
             "with --json, list the likeliest K tokens at each place", "K");
  add_load_flags(sub, command->model);
  add_draft_flag(sub, command->model);
  add_sampling_flags(sub, command->options);
  sub.callback([command, &action] {
    if (!command->prompt && !command->ids)
      throw CLI::RequiredError("a prompt (- reads it from standard input) or --ids");
    action = [command] { return generate(*command); };
  });
}

}  // namespace linnet::cli
