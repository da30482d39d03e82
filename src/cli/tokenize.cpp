// linnet tokenize: the ids of a text, or the text of ids, as a checkpoint's tokenizer makes them.
#include <linnet/linnet.hpp>

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
#include "cli/jsonl.hpp"
#include "cli/model_options.hpp"
#include "cli/output.hpp"

namespace linnet::cli {
namespace {

struct TokenizeCommand {
  std::optional<std::filesystem::path> folder;
  std::optional<std::string> text;
  std::optional<std::string> file;
  std::optional<std::vector<int32_t>> ids;
  bool jsonl = false;
  bool special_tokens = true;
  bool skip_special_tokens = false;
  bool pieces = false;
  bool count = false;
  bool json = false;
};

std::vector<std::string_view> pieces_of(const Tokenizer& tokenizer,
                                        const std::vector<int32_t>& ids) {
  std::vector<std::string_view> pieces;
  pieces.reserve(ids.size());
  for (const int32_t id : ids) pieces.push_back(tokenizer.id_to_token(id).value_or(""));
  return pieces;
}

/// As a JSON string: white space and control characters stay visible.
std::string quoted(std::string_view text) { return nlohmann::json(text).dump(); }

void serve(const Tokenizer& tokenizer) {
  serve_jsonl([&](const nlohmann::json& request) {
    const std::string& text = jsonl_string(request, "text");
    const bool special = jsonl_bool(request, "add_special_tokens", true);
    const bool skip = jsonl_bool(request, "skip_special_tokens", false);
    nlohmann::ordered_json result;
    const std::vector<int32_t> ids = tokenizer.encode(text, special);
    result["ids"] = ids;
    result["decoded"] = tokenizer.decode(ids, skip);
    return result;
  });
}

void write_tokens(const Tokenizer& tokenizer, const std::vector<int32_t>& ids,
                  const TokenizeCommand& command) {
  std::string out;
  if (command.json) {
    nlohmann::ordered_json result;
    result["count"] = ids.size();
    if (!command.count) {
      result["ids"] = ids;
      result["pieces"] = pieces_of(tokenizer, ids);
      result["decoded"] = tokenizer.decode(ids, command.skip_special_tokens);
    }
    out = result.dump() + "\n";
  } else if (command.count) {
    out = fmt::format("{}\n", ids.size());
  } else if (command.pieces) {
    for (const int32_t id : ids)
      fmt::format_to(std::back_inserter(out), "{}\t{}\n", id,
                     quoted(tokenizer.id_to_token(id).value_or("")));
  } else {
    out = fmt::format("{}\n", fmt::join(ids, ","));
  }
  write_out(out);
}

ExitCode tokenize(const TokenizeCommand& command) {
  const auto folder = find_folder(command.folder);
  const Tokenizer tokenizer = folder ? load_tokenizer(*folder) : load_builtin_tokenizer();
  if (command.jsonl) {
    serve(tokenizer);
    return ExitCode::success;
  }
  if (command.ids) {
    if (command.pieces || command.count || command.json)
      write_tokens(tokenizer, *command.ids, command);
    else
      write_out(tokenizer.decode(*command.ids, command.skip_special_tokens) + "\n");
    return ExitCode::success;
  }
  std::string text;
  if (command.file)
    text = read_file(*command.file);
  else
    text = *command.text == "-" ? read_standard_input() : *command.text;
  write_tokens(tokenizer, tokenizer.encode(text, command.special_tokens), command);
  return ExitCode::success;
}

}  // namespace

void add_tokenize(CLI::App& app, Action& action) {
  const auto command = std::make_shared<TokenizeCommand>();
  CLI::App& sub = *app.add_subcommand(
      "tokenize", "Shows the ids of a text, or the text of ids; needs no weights.");
  CLI::Option* text = sub.add_option_function<std::string>(
                             "text", [command](const std::string& value) { command->text = value; },
                             "the text; - reads it from standard input")
                          ->type_name("TEXT");
  CLI::Option* file =
      sub.add_option_function<std::string>(
             "--file", [command](const std::string& value) { command->file = value; },
             "a file with the text, taken to the last byte")
          ->type_name("FILE")
          ->excludes(text);
  CLI::Option* ids =
      sub.add_option_function<std::string>(
             "--ids",
             [command](const std::string& value) { command->ids = parse_ids("--ids", value); },
             "token ids to decode, instead of a text")
          ->type_name("ID,ID,...")
          ->excludes(text)
          ->excludes(file);
  CLI::Option* jsonl =
      sub.add_flag("--jsonl", command->jsonl,
                   "an object {\"text\", \"add_special_tokens\"} per line on standard input, one "
                   "{\"ids\", \"decoded\"} or {\"error\"} per line on standard output")
          ->excludes(text)
          ->excludes(file)
          ->excludes(ids);
  sub.add_option_function<std::string>(
         "-m,--model", [command](const std::string& folder) { command->folder = folder; },
         "folder with tokenizer.json; without it, the built-in model's")
      ->type_name("DIR");
  sub.add_flag_callback(
         "--no-special-tokens", [command] { command->special_tokens = false; },
         "do not add what the tokenizer adds to a text (a beginning-of-sequence token)")
      ->excludes(ids)
      ->excludes(jsonl);
  sub.add_flag("--skip-special-tokens", command->skip_special_tokens,
               "leave special tokens out of decoded text")
      ->excludes(jsonl);
  sub.add_flag("--pieces", command->pieces, "a line for each token: its id and its string")
      ->excludes(jsonl);
  sub.add_flag("--count", command->count, "how many tokens, and nothing else")->excludes(jsonl);
  sub.add_flag("--json", command->json,
               "one object: count, ids, pieces (the tokens' strings), decoded")
      ->excludes(jsonl);
  sub.callback([command, &action] {
    if (!command->text && !command->file && !command->ids && !command->jsonl)
      throw CLI::RequiredError("a text (- reads it from standard input), --file, --ids or --jsonl");
    action = [command] { return tokenize(*command); };
  });
}

}  // namespace linnet::cli
