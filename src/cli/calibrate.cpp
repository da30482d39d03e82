// linnet calibrate: how far two models agree when they classify the texts of a labelled file.
#include <linnet/linnet.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/classify_options.hpp"
#include "cli/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_line.hpp"
#include "cli/jsonl_job.hpp"
#include "cli/model_pair.hpp"
#include "cli/output.hpp"

namespace linnet::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr size_t kMaxLabels = 4096;  // different ones, in the file
constexpr size_t kChunkLines = 2048;
constexpr size_t kChunkBytes = size_t{8} << 20;

struct CalibrateCommand {
  ModelOptions a;
  ModelOptions b;
  ClassifyFlags flags;
  JobFiles files;
  std::string gold = "label";
  bool json = false;
};

struct Example {
  std::string text;
  std::optional<std::string> gold;
};

/// How often one label met another.
using Pairs = std::map<std::pair<std::string, std::string>, int64_t>;

/// What is counted, never more than labels have pairs.
struct Counts {
  int64_t lines = 0;
  int64_t with_gold = 0;
  std::map<std::string, int64_t> gold;
  Pairs gold_a;
  Pairs gold_b;
  Pairs a_b;
};

int64_t on_diagonal(const Pairs& pairs) {
  int64_t count = 0;
  for (const auto& [pair, times] : pairs)
    if (pair.first == pair.second) count += times;
  return count;
}

double share(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

/// How often a label was found by A (first) or B (second).
int64_t found(const Counts& counts, const std::string& label, bool first) {
  int64_t sum = 0;
  for (const auto& [pair, times] : counts.a_b)
    if ((first ? pair.first : pair.second) == label) sum += times;
  return sum;
}

/// Those that differ, the most frequent first.
std::vector<std::pair<std::pair<std::string, std::string>, int64_t>> confusions(
    const Pairs& pairs) {
  std::vector<std::pair<std::pair<std::string, std::string>, int64_t>> result;
  for (const auto& entry : pairs)
    if (entry.first.first != entry.first.second) result.emplace_back(entry);
  std::ranges::stable_sort(
      result, [](const auto& one, const auto& other) { return one.second > other.second; });
  return result;
}

Example example_of(const Json& object, const CalibrateCommand& command) {
  Example example{.text = string_member(object, command.flags.field), .gold = {}};
  if (object.find(command.gold)) example.gold = string_member(object, command.gold);
  return example;
}

/// The labels that the file has, in the order in which they come.
std::vector<std::string> labels_of(const CalibrateCommand& command, const std::stop_token& stop) {
  JsonlJob job(command.files, "reading labels", stop);
  job.begin({});
  std::vector<std::string> labels;
  while (const JobLine* line = job.next()) {
    try {
      const std::optional<std::string> gold = example_of(parse_object(line->text), command).gold;
      if (gold && std::ranges::find(labels, *gold) == labels.end()) labels.push_back(*gold);
    } catch (const Error&) {  // it is named when it is classified
    }
    if (labels.size() > kMaxLabels)
      fail(ErrorCode::unsupported, "the file has more than {} different labels", kMaxLabels);
    job.answer({});
  }
  require(!labels.empty(), "no line has a \"{}\" to take labels from; --labels or --gold",
          command.gold);
  return labels;
}

class Comparison {
 public:
  Comparison(const TextModel& a, const TextModel& b, const ClassifyOptions& options, JsonlJob& job)
      : a_(a), b_(b), options_(options), job_(job) {}

  void add(Example example) {
    bytes_ += example.text.size();
    examples_.push_back(std::move(example));
  }
  [[nodiscard]] bool is_full() const {
    return examples_.size() >= kChunkLines || bytes_ >= kChunkBytes;
  }

  /// Classifies and counts what was added.
  void settle() {
    if (examples_.empty()) return;
    const std::vector<Classification> by_a = classify(a_);
    const std::vector<Classification> by_b = classify(b_);
    for (size_t i = 0; i < examples_.size(); ++i) {
      const std::optional<Error>& error = by_a[i].error ? by_a[i].error : by_b[i].error;
      if (error)
        job_.skip(error->what());
      else
        count(examples_[i].gold, by_a[i].label, by_b[i].label);
    }
    examples_.clear();
    bytes_ = 0;
  }

  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  [[nodiscard]] std::vector<Classification> classify(const TextModel& model) const {
    std::vector<Classification> results;
    results.reserve(examples_.size());
    const auto next = [&, asked = size_t{0}]() mutable -> std::optional<std::string> {
      return asked < examples_.size() ? std::optional(examples_[asked++].text) : std::nullopt;
    };
    model.classify(
        TextSource{.next = next}, options_,
        [&](int64_t /*index*/, Classification result) { results.push_back(std::move(result)); });
    return results;
  }

  void count(const std::optional<std::string>& gold, const std::string& a, const std::string& b) {
    ++counts_.lines;
    ++counts_.a_b[{a, b}];
    if (gold) {
      if (++counts_.gold[*gold] == 1 && counts_.gold.size() > kMaxLabels)
        fail(ErrorCode::unsupported, "the file has more than {} different labels", kMaxLabels);
      ++counts_.with_gold;
      ++counts_.gold_a[{*gold, a}];
      ++counts_.gold_b[{*gold, b}];
    }
    job_.answer({});
  }

  const TextModel& a_;
  const TextModel& b_;
  const ClassifyOptions& options_;
  JsonlJob& job_;
  std::vector<Example> examples_;
  size_t bytes_ = 0;
  Counts counts_;
};

OrderedJson pairs_json(const Pairs& pairs, const char* first, const char* second) {
  OrderedJson list = OrderedJson::array();
  for (const auto& [pair, times] : confusions(pairs))
    list.push_back({{first, pair.first}, {second, pair.second}, {"count", times}});
  return list;
}

/// The two, as they are shown.
struct Compared {
  const CalibrateCommand& command;
  const TextModel& a;
  const TextModel& b;
};

void write_json(const Compared& compared, const Counts& counts,
                const std::vector<std::string>& labels, int64_t skipped) {
  OrderedJson result;
  for (const bool first : {true, false}) {
    OrderedJson entry =
        first ? to_json(compared.a, compared.command.a) : to_json(compared.b, compared.command.b);
    const int64_t right = on_diagonal(first ? counts.gold_a : counts.gold_b);
    if (counts.with_gold > 0) {
      entry["correct"] = right;
      entry["accuracy"] = share(right, counts.with_gold);
    }
    for (const std::string& label : labels) entry["counts"][label] = found(counts, label, first);
    entry["without_label"] = found(counts, "", first);
    result[first ? "a" : "b"] = std::move(entry);
  }
  const int64_t agreed = on_diagonal(counts.a_b);
  result["lines"] = counts.lines;
  result["skipped"] = skipped;
  result["with_gold"] = counts.with_gold;
  result["agreed"] = agreed;
  result["agreement"] = share(agreed, counts.lines);
  result["gold"] = counts.gold;
  result["confusion"] = {{"gold_a", pairs_json(counts.gold_a, "gold", "a")},
                         {"gold_b", pairs_json(counts.gold_b, "gold", "b")},
                         {"a_b", pairs_json(counts.a_b, "a", "b")}};
  write_out(json_line(result) + "\n");
}

std::string shown(const std::string& label) {
  return label.empty() ? "(no label)" : printable(label, 60);
}

std::string pairs_table(const Pairs& pairs, const char* title) {
  std::string text;
  for (const auto& [pair, times] : confusions(pairs))
    text += fmt::format("{:>8}  {} -> {}\n", times, shown(pair.first), shown(pair.second));
  return text.empty() ? text : fmt::format("\n{}\n{}", title, text);
}

void write_table(const Compared& compared, const Counts& counts,
                 const std::vector<std::string>& labels) {
  const auto of = [](int64_t part, int64_t whole) {
    return fmt::format("{:.2f} % ({} of {})", 100 * share(part, whole), part, whole);
  };
  std::string text =
      fmt::format("{:<24}{}\n{:<24}{}\n", "A", describe(compared.a, compared.command.a), "B",
                  describe(compared.b, compared.command.b)) +
      fmt::format("{:<24}{}\n", "A and B agree", of(on_diagonal(counts.a_b), counts.lines));
  if (counts.with_gold > 0)
    text += fmt::format("{:<24}{}\n{:<24}{}\n", "A is right",
                        of(on_diagonal(counts.gold_a), counts.with_gold), "B is right",
                        of(on_diagonal(counts.gold_b), counts.with_gold));
  text += fmt::format("\n{:>8}{:>8}{:>8}  label\n", "gold", "A", "B");
  const auto row = [&](const std::string& label) {
    const auto gold = counts.gold.find(label);
    text += fmt::format("{:>8}{:>8}{:>8}  {}\n", gold == counts.gold.end() ? 0 : gold->second,
                        found(counts, label, true), found(counts, label, false), shown(label));
  };
  for (const std::string& label : labels) row(label);
  for (const auto& [label, times] : counts.gold)
    if (std::ranges::find(labels, label) == labels.end()) row(label);
  if (found(counts, "", true) + found(counts, "", false) > 0) row("");
  text += pairs_table(counts.gold_a, "gold -> A");
  text += pairs_table(counts.gold_b, "gold -> B");
  text += pairs_table(counts.a_b, "A -> B");
  write_out(text);
}

ExitCode calibrate(const CalibrateCommand& command) {
  const Interrupt interrupt;
  try {
    ClassifyOptions options = read_options(command.flags);
    if (options.labels.empty()) options.labels = labels_of(command, interrupt.token());
    options.stop = interrupt.token();
    JsonlJob job(command.files, "comparing", interrupt.token());
    const TextModel a = load(command.a, interrupt.token());
    const TextModel b = load(command.b, interrupt.token());
    job.begin({});
    Comparison comparison(a, b, options, job);
    while (JobLine* line = job.next()) {
      try {
        comparison.add(example_of(parse_object(line->text), command));
        line->text = {};  // nothing else of it is needed
      } catch (const Error& error) {
        job.skip_last(error.what());
      }
      if (comparison.is_full()) comparison.settle();
    }
    if (interrupt.requested()) return ExitCode::interrupted;
    comparison.settle();
    job.finish();
    if (command.json)
      write_json({command, a, b}, comparison.counts(), options.labels, job.skipped());
    else
      write_table({command, a, b}, comparison.counts(), options.labels);
    return job.answered() == 0 && job.skipped() > 0 ? ExitCode::error : ExitCode::success;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled && interrupt.requested()) return ExitCode::interrupted;
    throw;
  }
}

}  // namespace

void add_calibrate(CLI::App& app, Action& action) {
  const auto command = std::make_shared<CalibrateCommand>();
  command->files.discard = true;
  CLI::App& sub = *app.add_subcommand(
      "calibrate", "Compares two models as they classify the texts of a labelled file.");
  add_model_pair(sub, command->a, command->b);
  sub.add_option_function<std::string>(
         "file,--input",
         [command](const std::string& file) {
           if (file != "-") command->files.input = file;
         },
         "the file, a JSON object per line; without it, or for -, standard input")
      ->type_name("FILE");
  sub.add_option("--gold", command->gold, "the member of each line that is the right label")
      ->type_name("NAME")
      ->capture_default_str();
  add_classify_flags(sub, command->flags);
  sub.add_flag("--json", command->json, "one JSON object instead of tables");
  sub.callback([command, &action] {
    const bool labels =
        !command->flags.options.labels.empty() || command->flags.labels_file.has_value();
    if (!labels && !command->files.input)
      throw CLI::RequiredError("--labels, or a FILE to take them from,");
    action = [command] { return calibrate(*command); };
  });
}

}  // namespace linnet::cli
