// linnet embed: texts as vectors.
#include <linnet/linnet.hpp>

#include <algorithm>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.hpp"
#include "cli/jsonl_chunks.hpp"

namespace linnet::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

struct EmbedCommand {
  ModelOptions model;
  JobFiles files;
  EmbedOptions options;
  std::string field = "text";
  bool quiet = false;
};

/// The number that a float's shortest decimal form is: what JSON shows of it is no longer than
/// that.
double shortest(float value) {
  const std::string text = fmt::format("{}", value);
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

ExitCode embed(const EmbedCommand& command) {
  const Interrupt interrupt;
  EmbedOptions options = command.options;
  options.stop = interrupt.token();
  const OrderedJson task{{"command", "embed"},
                         {"pooling", options.pooling == Pooling::last ? "last" : "mean"},
                         {"normalize", options.normalize},
                         {"special_tokens", options.add_special_tokens},
                         {"field", command.field}};
  return run_chunks<std::string>(
      {.files = command.files, .model = command.model, .verb = "embedding", .quiet = command.quiet},
      interrupt, task,
      {.added = "embedding",
       .parse = [&](const Json& object) { return string_member(object, command.field); },
       .size = [](const std::string& text) { return text.size(); },
       .compute =
           [&](const TextModel& model, std::span<const std::string> texts) {
             std::vector<OrderedJson> results;
             for (const std::vector<float>& vector : model.embed(texts, options)) {
               std::vector<double> numbers(vector.size());
               std::ranges::transform(vector, numbers.begin(), shortest);
               results.push_back({{"embedding", std::move(numbers)}});
             }
             return results;
           }});
}

}  // namespace

void add_embed(CLI::App& app, Action& action) {
  const auto command = std::make_shared<EmbedCommand>();
  CLI::App& sub = *app.add_subcommand(
      "embed",
      "Makes vectors of texts: a JSON object per line in, the same with an embedding out.");
  add_model_flag(sub, command->model);
  sub.add_option("--field", command->field, "the member of each line that is the text")
      ->type_name("NAME")
      ->capture_default_str();
  sub.add_option_function<std::string>(
         "--pooling",
         [command](const std::string& name) {
           command->options.pooling = name == "last" ? Pooling::last : Pooling::mean;
         },
         "of the states of all tokens the mean (the default), or the last")
      ->check(CLI::IsMember({"mean", "last"}))
      ->type_name("HOW");
  sub.add_flag_callback(
      "--no-normalize", [command] { command->options.normalize = false; },
      "leave the vectors' lengths as they are, instead of 1");
  sub.add_flag_callback(
      "--no-special-tokens", [command] { command->options.add_special_tokens = false; },
      "do not add what the tokenizer adds to a text (a beginning-of-sequence token)");
  sub.add_flag("--quiet", command->quiet, "no summary on standard error");
  add_job_flags(sub, command->files);
  add_load_flags(sub, command->model);
  sub.callback([command, &action] { action = [command] { return embed(*command); }; });
}

}  // namespace linnet::cli
