// linnet score: how likely given continuations are.
#include <linnet/linnet.hpp>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_line.hpp"
#include "cli/jsonl_chunks.hpp"
#include "cli/model_identity.hpp"
#include "cli/model_options.hpp"
#include "cli/output.hpp"

namespace linnet::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

struct ScoreCommand {
  ModelOptions model;
  JobFiles files;
  std::optional<std::string> prompt;
  std::optional<std::string> continuation;
  ScoreOptions options;
  bool tokens = false;
  bool quiet = false;
};

/// {"logprob", "is_greedy", "tokens"}.
OrderedJson to_json(const TextModel& model, const Score& score, const ScoreCommand& command) {
  OrderedJson result{{"logprob", score.logprob}, {"is_greedy", score.is_greedy}};
  result["token_count"] = score.tokens.size();
  if (!command.tokens && command.options.top_logprobs == 0) return result;
  const auto text = [&](int32_t id) { return model.decode({&id, 1}); };
  OrderedJson tokens = OrderedJson::array();
  for (const ScoredToken& token : score.tokens) {
    OrderedJson entry{{"id", token.id},
                      {"text", text(token.id)},
                      {"logprob", token.logprob},
                      {"rank", token.rank}};
    if (command.options.top_logprobs > 0) entry["top"] = OrderedJson::array();
    for (const TokenLogprob& other : token.top)
      entry["top"].push_back(
          {{"id", other.id}, {"text", text(other.id)}, {"logprob", other.logprob}});
    tokens.push_back(std::move(entry));
  }
  result["tokens"] = std::move(tokens);
  return result;
}

ScorePair pair_of(const Json& object) {
  return {.prompt = string_member(object, "prompt"),
          .continuation = string_member(object, "continuation")};
}

ExitCode score(const ScoreCommand& command) {
  const Interrupt interrupt;
  ScoreOptions options = command.options;
  options.stop = interrupt.token();
  try {
    if (command.prompt) {
      const TextModel model = load(command.model, interrupt.token());
      const Score found = model.score(*command.prompt, *command.continuation, options);
      write_out(json_line(to_json(model, found, command)) + "\n");
      return ExitCode::success;
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled && interrupt.requested()) return ExitCode::interrupted;
    throw;
  }
  const OrderedJson task{{"command", "score"},
                         {"tokens", command.tokens},
                         {"top", options.top_logprobs},
                         {"special_tokens", options.add_special_tokens}};
  return run_chunks<ScorePair>(
      {.files = command.files, .model = command.model, .verb = "scoring", .quiet = command.quiet},
      interrupt, task,
      {.added = "logprob",
       .parse = pair_of,
       .size = [](const ScorePair& pair) { return pair.prompt.size() + pair.continuation.size(); },
       .compute =
           [&](const TextModel& model, std::span<const ScorePair> pairs) {
             std::vector<OrderedJson> results;
             for (const Score& found : model.score(pairs, options))
               results.push_back(to_json(model, found, command));
             return results;
           }});
}

}  // namespace

void add_score(CLI::App& app, Action& action) {
  const auto command = std::make_shared<ScoreCommand>();
  CLI::App& sub = *app.add_subcommand(
      "score", "Says how likely given continuations of prompts are: log-probabilities.");
  add_model_flag(sub, command->model);
  CLI::Option* prompt =
      sub.add_option_function<std::string>(
             "--prompt", [command](const std::string& text) { command->prompt = text; },
             "score one continuation of this prompt, instead of lines")
          ->type_name("TEXT");
  CLI::Option* continuation =
      sub.add_option_function<std::string>(
             "--continuation", [command](const std::string& text) { command->continuation = text; },
             "that continuation")
          ->type_name("TEXT")
          ->needs(prompt);
  prompt->needs(continuation);
  sub.add_flag("--tokens", command->tokens, "add each token with its log-probability and rank");
  add_number(sub, "--top", command->options.top_logprobs,
             "add the N likeliest tokens at each position, and --tokens", "N");
  sub.add_flag_callback(
      "--no-special-tokens", [command] { command->options.add_special_tokens = false; },
      "do not add what the tokenizer adds to a prompt (a beginning-of-sequence token)");
  sub.add_flag("--quiet", command->quiet, "no summary on standard error");
  add_job_flags(sub, command->files);
  for (const char* name : {"--input", "--output"}) prompt->excludes(sub.get_option(name));
  add_load_flags(sub, command->model);
  sub.callback([command, &action] { action = [command] { return score(*command); }; });
}

}  // namespace linnet::cli
