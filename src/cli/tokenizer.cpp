// linnet tokenizer train: a tokenizer learned from texts; needs no weights.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/printable.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "text/chat_template.hpp"
#include "text/tokenizer.hpp"
#include "text/tokenizer_trainer.hpp"

namespace linnet::cli {
namespace {

constexpr size_t kChunk = size_t{1} << 20;  // of a text file, up to a line's end
constexpr size_t kMaxLine = size_t{64} << 20;
constexpr int64_t kMaxTemplate = int64_t{1} << 20;

struct TrainCommand {
  std::vector<std::string> inputs;
  std::string out;
  std::string chat_template;
  text::TokenizerTrainOptions options;
};

/// A string, a list of text parts, or a list of messages; anything else is no text.
void add_texts(const Json& json, text::TokenizerTrainer& trainer) {
  if (json.is_string()) return trainer.add(json.as_string());
  if (!json.is_array()) return;
  for (const Json& part : json.elements()) {
    if (!part.is_object()) continue;
    if (const auto text = part.find("text")) add_texts(*text, trainer);
    if (const auto content = part.find("content")) add_texts(*content, trainer);
  }
}

/// The texts of a line's known members.
void add_line(const Json& line, text::TokenizerTrainer& trainer) {
  bool found = false;
  for (const char* key : {"text", "messages", "prompt", "completion"}) {
    const auto member = line.find(key);
    if (!member) continue;
    found = true;
    add_texts(*member, trainer);
  }
  if (!found)
    fail(ErrorCode::malformed_file, "{} has none of text, messages, prompt and completion",
         line.where());
}

class Reader {
 public:
  Reader(text::TokenizerTrainer& trainer, int64_t total) : trainer_(trainer), total_(total) {}

  void read(const std::filesystem::path& path) {
    const Bytes bytes = map_file(path);
    const std::string_view text = bytes.text();
    const bool lines = path.extension() == ".jsonl";
    const std::string name = printable(path.filename().string());
    int64_t number = 0;
    for (size_t at = 0; at < text.size();) {
      // A text is cut behind the first line's end after so many bytes; a line without end is cut
      // too.
      const size_t from = lines ? at : std::min(text.size(), at + kChunk);
      size_t end = std::min(text.find('\n', from), text.size());
      if (!lines && end - at > 2 * kChunk) end = character_start(text, at + kChunk) - 1;
      const std::string_view part = text.substr(at, end + 1 - at);
      if (!lines)
        trainer_.add(part);
      else
        add_json(part, fmt::format("{}:{}", name, ++number));
      at += part.size();
      done_ += std::ssize(part);
      progress_.show(done_, total_, "bytes");
    }
    release_pages(bytes);
  }

 private:
  void add_json(std::string_view line, const std::string& where) {
    if (line.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
    if (line.size() > kMaxLine)
      fail(ErrorCode::malformed_file, "{}: a line of {} bytes, the limit is {}", where, line.size(),
           kMaxLine);
    add_line(Json::parse(line, where), trainer_);
  }
  static size_t character_start(std::string_view text, size_t at) {
    while (at + 1 < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    return at;
  }

  text::TokenizerTrainer& trainer_;
  ProgressLine progress_{"counting words"};
  int64_t total_;
  int64_t done_ = 0;
};

ExitCode train(const TrainCommand& command) {
  text::TokenizerTrainOptions options = command.options;
  if (!command.chat_template.empty())
    options.chat_template = text::built_in_chat_template(command.chat_template) != nullptr
                                ? command.chat_template
                                : read_file(command.chat_template, kMaxTemplate);
  int64_t total = 0;
  for (const std::string& input : command.inputs) total += map_file(input).size();
  text::TokenizerTrainer trainer(std::move(options));
  {
    Reader reader(trainer, total);
    for (const std::string& input : command.inputs) reader.read(input);
  }
  const text::TrainedTokenizer trained = trainer.train();
  // What is written can be read: a template with a fault in it, say, is found before.
  (void)text::Tokenizer::parse(trained.tokenizer_json, trained.tokenizer_config_json);
  (void)text::ChatTemplate::parse({.tokenizer_config_json = trained.tokenizer_config_json,
                                   .special_tokens_map_json = {},
                                   .chat_template_jinja = {},
                                   .additional_templates = {},
                                   .tokenizer_json = trained.tokenizer_json});
  const std::filesystem::path folder = command.out;
  std::filesystem::create_directories(folder);
  AtomicFile tokenizer(folder / "tokenizer.json");
  tokenizer.write(trained.tokenizer_json);
  AtomicFile config(folder / "tokenizer_config.json");
  config.write(trained.tokenizer_config_json);
  tokenizer.commit();
  config.commit();
  write_out(fmt::format("{} tokens, {} merges, from {} different words\n", trained.vocab_size,
                        trained.merges, trained.words));
  return ExitCode::success;
}

}  // namespace

void add_tokenizer(CLI::App& app, Action& action) {
  CLI::App& tokenizer = *app.add_subcommand("tokenizer", "Makes tokenizers.");
  tokenizer.require_subcommand(1);
  const auto command = std::make_shared<TrainCommand>();
  CLI::App& sub = *tokenizer.add_subcommand(
      "train", "Learns a tokenizer from texts: writes tokenizer.json and tokenizer_config.json.");
  sub.add_option(
         "--input", command->inputs,
         "files to learn from: text, or with the ending .jsonl a JSON object per line, whose text, "
         "messages, prompt and completion are read; may be repeated")
      ->type_name("FILE")
      ->required();
  sub.add_option("--out", command->out, "the folder to write to")->type_name("DIR")->required();
  text::TokenizerTrainOptions& options = command->options;
  sub.add_option("--vocab-size", options.vocab_size, "tokens of all kinds, at most")
      ->type_name("N")
      ->required();
  sub.add_option_function<std::string>(
         "--style",
         [command](const std::string& name) {
           command->options.style =
               name == "gemma" ? text::TokenizerStyle::gemma : text::TokenizerStyle::byte_level;
         },
         "gemma: characters, with bytes for those that are rare; bytelevel: bytes, as Qwen and "
         "Llama 3")
      ->check(CLI::IsMember({"gemma", "bytelevel"}))
      ->type_name("NAME")
      ->default_str("gemma");
  sub.add_option("--special-token", options.special_tokens,
                 "a token beside those of the style and the chat template; may be repeated")
      ->type_name("TEXT");
  sub.add_option("--chat-template", command->chat_template,
                 "gemma3, chatml, llama3, or a file with a template")
      ->type_name("NAME|FILE");
  sub.add_option("--limit-alphabet", options.limit_alphabet,
                 "characters that are tokens of their own, at most (gemma)")
      ->type_name("N")
      ->capture_default_str();
  sub.add_option("--min-frequency", options.min_frequency, "of a pair, to become a token")
      ->type_name("N")
      ->capture_default_str();
  sub.add_option_function<int64_t>(
         "--max-token-length",
         [command](int64_t length) { command->options.max_token_length = length; },
         "characters of a token, at most")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->type_name("N");
  sub.callback([command, &action] { action = [command] { return train(*command); }; });
}

}  // namespace linnet::cli
