#include "cli/classify_options.hpp"

#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"

namespace linnet::cli {
namespace {

constexpr int64_t kMaxFile = int64_t{16} << 20;

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

void add_labels(std::string_view list, char separator, std::vector<std::string>& labels) {
  while (true) {
    const size_t end = list.find(separator);
    const std::string_view label = trimmed(list.substr(0, end));
    // A file may have empty lines; an empty label between commas is refused later, by name.
    if (!label.empty() || separator == ',') labels.emplace_back(label);
    if (end == std::string_view::npos) return;
    list.remove_prefix(end + 1);
  }
}

}  // namespace

void add_question_flags(CLI::App& command, ClassifyFlags& flags) {
  ClassifyOptions& options = flags.options;
  CLI::Option* labels =
      command
          .add_option_function<std::string>(
              "--labels",
              [&options](const std::string& list) { add_labels(list, ',', options.labels); },
              "the labels, with commas between them")
          ->type_name("A,B,...");
  command
      .add_option_function<std::string>(
          "--labels-file", [&flags](const std::string& file) { flags.labels_file = file; },
          "a file with a label on each line")
      ->type_name("FILE")
      ->excludes(labels);
  command
      .add_option_function<std::string>(
          "--template", [&flags](const std::string& file) { flags.template_file = file; },
          "a file with what the model is asked: {text} (or %s) is the text, {labels} the labels")
      ->type_name("FILE");
  command.add_option("--field", flags.field, "the member of each line that is the text")
      ->type_name("NAME")
      ->capture_default_str();
  command.add_option("--system", options.system, "a system message; implies --chat")
      ->type_name("TEXT");
  command.add_flag("--chat", options.chat,
                   "ask in the model's chat template: the question is a user's message");
}

void add_classify_flags(CLI::App& command, ClassifyFlags& flags) {
  add_question_flags(command, flags);
  ClassifyOptions& options = flags.options;
  command
      .add_option_function<std::string>(
          "--mode",
          [&options](const std::string& name) {
            options.mode = name == "greedy" ? ClassifyMode::greedy : ClassifyMode::score;
          },
          "score (the default): the probability of every label; greedy: the likeliest token, "
          "compared with the labels")
      ->check(CLI::IsMember({"score", "greedy"}))
      ->type_name("MODE");
  command.add_flag("--length-normalize", options.length_normalize,
                   "divide log-probabilities by the tokens of the label");
  CLI::Option* calibrate =
      command.add_flag("--calibrate", options.calibrate,
                       "take away what the model prefers for a text without content");
  command.add_option("--content-free", options.content_free, "that text")
      ->type_name("TEXT")
      ->capture_default_str()
      ->needs(calibrate);
}

ClassifyOptions read_options(const ClassifyFlags& flags) {
  ClassifyOptions options = flags.options;
  if (flags.labels_file) add_labels(read_file(*flags.labels_file, kMaxFile), '\n', options.labels);
  if (flags.template_file) {
    options.prompt_template = read_file(*flags.template_file, kMaxFile);
    // As an editor writes it: the newline at the end of the file is not part of the question.
    if (options.prompt_template.ends_with('\n')) options.prompt_template.pop_back();
    require(!options.prompt_template.empty(), "{} is empty", flags.template_file->string());
  }
  if (flags.labels_file)
    require(!options.labels.empty(), "{} has no labels", flags.labels_file->string());
  return options;
}

}  // namespace linnet::cli
