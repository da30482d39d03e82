// linnet bench tokenizer: how fast tokenizers load, encode and decode.
#include <linnet/linnet.hpp>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/json_line.hpp"
#include "cli/model_options.hpp"
#include "cli/output.hpp"
#include "cli/prose.hpp"
#include "cli/statistics.hpp"

namespace linnet::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kProseBytes = size_t{8} << 20;
constexpr size_t kWordBytes = size_t{1} << 20;

struct BenchTokenizerCommand {
  std::vector<std::string> folders;  // none: the built-in model
  std::optional<std::string> text;
  std::optional<std::string> write_text;
  int repeat = 5;
  bool json = false;
};

/// Seconds of each run, in the order they were made.
struct Report {
  std::string name;
  std::vector<double> load;
  std::vector<double> encode;
  std::vector<double> decode;
  std::vector<double> word;  // one word of a megabyte
  size_t tokens = 0;
};

template <class Work>
double seconds_of(Work&& work) {
  const Clock::time_point start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Report run(const std::optional<std::string>& folder, const std::string& text,
           const std::string& word, int repeat) {
  Report report{.name = folder.value_or("built-in")};
  const auto model = find_folder(folder);
  std::optional<Tokenizer> tokenizer;
  for (int i = 0; i < repeat; ++i) {
    tokenizer.reset();
    report.load.push_back(
        seconds_of([&] { tokenizer = model ? load_tokenizer(*model) : load_builtin_tokenizer(); }));
  }
  for (int i = 0; i < repeat; ++i) {
    std::vector<int32_t> ids;
    report.encode.push_back(seconds_of([&] { ids = tokenizer->encode(text, false); }));
    report.tokens = ids.size();
    std::string back;
    report.decode.push_back(seconds_of([&] { back = tokenizer->decode(ids, false); }));
    report.word.push_back(seconds_of([&] { ids = tokenizer->encode(word, false); }));
  }
  return report;
}

/// Runs as megabytes (10^6 bytes) per second.
std::vector<double> speeds(const std::vector<double>& seconds, size_t bytes) {
  std::vector<double> result;
  for (const double s : seconds) result.push_back(static_cast<double>(bytes) / 1e6 / s);
  return result;
}

std::vector<double> milliseconds(const std::vector<double>& seconds) {
  std::vector<double> result;
  for (const double s : seconds) result.push_back(s * 1e3);
  return result;
}

std::string to_json(const std::vector<Report>& reports, const std::string& text) {
  nlohmann::ordered_json result;
  result["text_bytes"] = text.size();
  for (const Report& report : reports) {
    nlohmann::ordered_json line{{"model", report.name}, {"tokens", report.tokens}};
    const auto add = [&](const std::string& key, const std::vector<double>& values) {
      const Spread spread = spread_of(values);
      line[key] = spread.median;
      line["least_" + key] = spread.least;
      line["most_" + key] = spread.most;
    };
    add("load_milliseconds", milliseconds(report.load));
    add("encode_megabytes_per_second", speeds(report.encode, text.size()));
    add("decode_megabytes_per_second", speeds(report.decode, text.size()));
    add("word_milliseconds", milliseconds(report.word));
    result["tokenizers"].push_back(std::move(line));
  }
  return json_line(result) + "\n";
}

std::string to_text(const std::vector<Report>& reports, const std::string& text) {
  std::string out = fmt::format(
      "{} bytes of text on one thread; medians of {} runs (least .. most)\n\n"
      "{:<28}{:>22}{:>24}{:>24}{:>9}{:>12}\n",
      text.size(), reports.front().load.size(), "tokenizer", "load ms", "encode MB/s",
      "decode MB/s", "bytes/id", "1 MB word");
  const auto cell = [](const std::vector<double>& values) {
    const Spread spread = spread_of(values);
    return fmt::format("{:.1f} ({:.1f} .. {:.1f})", spread.median, spread.least, spread.most);
  };
  for (const Report& report : reports) {
    std::string name = std::filesystem::path(report.name).filename().string();
    if (name.empty()) name = report.name;
    fmt::format_to(std::back_inserter(out), "{:<28}{:>22}{:>24}{:>24}{:>9.2f}{:>9.0f} ms\n", name,
                   cell(milliseconds(report.load)), cell(speeds(report.encode, text.size())),
                   cell(speeds(report.decode, text.size())),
                   static_cast<double>(text.size()) / static_cast<double>(report.tokens),
                   spread_of(milliseconds(report.word)).median);
  }
  return out;
}

ExitCode bench_tokenizer(const BenchTokenizerCommand& command) {
  require(command.repeat >= 1 && command.repeat <= 1000, "repeat {} is outside 1..1000",
          command.repeat);
  const std::string text = command.text ? read_file(*command.text) : make_prose(kProseBytes);
  require(!text.empty(), "the text is empty");
  if (command.write_text) {
    AtomicFile file(*command.write_text);
    file.write(text);
    file.commit();
  }
  std::string word;
  while (word.size() < kWordBytes) word += "theshipskeepercounted";
  word.resize(kWordBytes);
  std::vector<Report> reports;
  for (const std::string& folder : command.folders)
    reports.push_back(run(folder, text, word, command.repeat));
  if (command.folders.empty()) reports.push_back(run(std::nullopt, text, word, command.repeat));
  write_out(command.json ? to_json(reports, text) : to_text(reports, text));
  return ExitCode::success;
}

}  // namespace

void add_bench_tokenizer(CLI::App& bench, Action& action) {
  const auto command = std::make_shared<BenchTokenizerCommand>();
  CLI::App& sub = *bench.add_subcommand(
      "tokenizer", "Times tokenizers: loading, encoding and decoding a text on one thread.");
  sub.add_option("-m,--model", command->folders,
                 "folders with tokenizer.json, one or more; without it, the built-in model's")
      ->type_name("DIR...");
  sub.add_option_function<std::string>(
         "--text", [command](const std::string& file) { command->text = file; },
         "file with the text; without it, 8 MiB of English-like prose that the program makes")
      ->type_name("FILE");
  sub.add_option_function<std::string>(
         "--write-text", [command](const std::string& file) { command->write_text = file; },
         "writes the text to a file, for other programs to be timed with")
      ->type_name("FILE");
  add_number(sub, "--repeat", command->repeat, "runs of each", "N");
  sub.add_flag("--json", command->json, "one JSON object instead of a table");
  sub.callback([command, &action] { action = [command] { return bench_tokenizer(*command); }; });
}

}  // namespace linnet::cli
