// linnet render: a conversation as the model sees it, by the chat template of a checkpoint.
#include <linnet/linnet.hpp>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/json_line.hpp"
#include "cli/jsonl.hpp"
#include "cli/model_options.hpp"
#include "cli/output.hpp"

namespace linnet::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

struct RenderCommand {
  std::optional<std::filesystem::path> folder;
  std::optional<std::string> file;
  OrderedJson messages = OrderedJson::array();  // of --message
  OrderedJson members = OrderedJson::object();  // of the other options
  std::optional<std::string> tools_file;
  std::optional<std::string> documents_file;
  std::optional<std::string> template_file;
  bool jsonl = false;
  bool ids = false;
  bool json = false;
  bool source = false;
};

ChatTemplate open_template(const RenderCommand& command) {
  return command.folder ? load_chat_template(*command.folder) : load_builtin_chat_template();
}

/// Nothing for a folder without tokenizer.json: a template needs none.
std::optional<Tokenizer> open_tokenizer(const RenderCommand& command) {
  if (!command.folder) return load_builtin_tokenizer();
  if (!std::filesystem::exists(*command.folder / "tokenizer.json")) return std::nullopt;
  return load_tokenizer(*command.folder);
}

OrderedJson parse_json(const std::string& text, const std::string& name) {
  try {
    (void)Json::parse_exactly(text, name);  // refuses what would be rounded
    return OrderedJson::parse(text);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::invalid_argument, "{} is not valid JSON: {}", name, error.what());
  }
}

/// What the options and the file ask for, as ChatTemplate::render_json takes it.
std::string request_of(const RenderCommand& command) {
  OrderedJson request = OrderedJson::object();
  if (command.file) {
    const bool standard_input = *command.file == "-";
    const std::string name = standard_input ? "standard input" : *command.file;
    OrderedJson given =
        parse_json(standard_input ? read_standard_input() : read_file(*command.file), name);
    if (given.is_array()) given = OrderedJson{{"messages", std::move(given)}};
    require(given.is_object(), "{} is neither a JSON object nor an array", name);
    request = std::move(given);
  } else {
    request["messages"] = command.messages;
  }
  if (!request.contains("add_generation_prompt")) {
    const auto continued = request.find("continue_final_message");
    request["add_generation_prompt"] =
        continued == request.end() || continued->is_null() || *continued == false;
  }
  request.update(command.members);
  const auto add_file = [&](const char* key, const std::optional<std::string>& file) {
    if (file) request[key] = parse_json(read_file(*file), *file);
  };
  add_file("tools", command.tools_file);
  add_file("documents", command.documents_file);
  if (command.template_file) request["chat_template"] = read_file(*command.template_file);
  return json_line(request);
}

OrderedJson answer_of(const std::string& text, const std::optional<Tokenizer>& tokenizer) {
  OrderedJson result;
  result["text"] = text;
  result["ids"] = tokenizer ? OrderedJson(tokenizer->encode(text, false)) : OrderedJson();
  return result;
}

ExitCode render(RenderCommand command) {
  command.folder = find_folder(command.folder);
  const ChatTemplate chat_template = open_template(command);
  if (command.source) {
    require(!chat_template.source().empty(), "there is no default chat template");
    write_out(fmt::format("{}\n", chat_template.source()));
    return ExitCode::success;
  }
  if (command.jsonl) {
    const std::optional<Tokenizer> tokenizer = open_tokenizer(command);
    serve_lines([&](std::string_view line) {
      return answer_of(chat_template.render_json(line), tokenizer);
    });
    return ExitCode::success;
  }
  const std::string text = chat_template.render_json(request_of(command));
  if (command.json) {
    write_out(json_line(answer_of(text, open_tokenizer(command))) + "\n");
  } else if (command.ids) {
    const std::optional<Tokenizer> tokenizer = open_tokenizer(command);
    require(tokenizer.has_value(), "{} has no tokenizer.json to make ids with",
            command.folder.value_or("").string());
    write_out(fmt::format("{}\n", fmt::join(tokenizer->encode(text, false), ",")));
  } else {
    write_out(text + "\n");
  }
  return ExitCode::success;
}

/// "NAME:TEXT" or "NAME=TEXT", cut at the first `separator`.
std::pair<std::string, std::string> split_at(char separator, const std::string& option,
                                             const std::string& value, const char* form) {
  const size_t at = value.find(separator);
  if (at == std::string::npos || at == 0)
    throw CLI::ValidationError(option, fmt::format("{} is not {}", value, form));
  return {value.substr(0, at), value.substr(at + 1)};
}

void add_variable(RenderCommand& command, const std::string& value) {
  auto [name, text] = split_at('=', "--set", value, "NAME=VALUE");
  OrderedJson parsed = OrderedJson::parse(text, nullptr, false);
  command.members[name] = parsed.is_discarded() ? OrderedJson(text) : std::move(parsed);
}

void add_conversation(CLI::App& sub, const std::shared_ptr<RenderCommand>& command) {
  CLI::Option* file =
      sub.add_option_function<std::string>(
             "file", [command](const std::string& value) { command->file = value; },
             "a JSON file: the list of messages, or an object as with --jsonl; - reads standard "
             "input")
          ->type_name("FILE");
  sub.add_option_function<std::vector<std::string>>(
         "--message",
         [command](const std::vector<std::string>& values) {
           for (const std::string& value : values) {
             auto [role, text] = split_at(':', "--message", value, "ROLE:TEXT");
             command->messages.push_back({{"role", role}, {"content", text}});
           }
         },
         "a message, instead of a file: system:, user: or assistant: and its text; may be repeated")
      ->type_name("ROLE:TEXT")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->excludes(file);
  const auto add_file = [&](const char* name, std::optional<std::string>& value, const char* help) {
    sub.add_option_function<std::string>(
           name, [command, &value](const std::string& text) { value = text; }, help)
        ->type_name("FILE");
  };
  add_file("--tools", command->tools_file, "a JSON file with the list of tools");
  add_file("--documents", command->documents_file, "a JSON file with the list of documents");
  add_file("--template-file", command->template_file,
           "a template in Jinja, instead of the checkpoint's");
}

void add_variables(CLI::App& sub, const std::shared_ptr<RenderCommand>& command) {
  sub.add_option_function<std::string>(
         "--template",
         [command](const std::string& name) { command->members["chat_template"] = name; },
         "which of the checkpoint's templates")
      ->type_name("NAME");
  const auto thinking = [&](const char* name, bool value, const char* help) {
    return sub.add_flag_callback(
        name, [command, value] { command->members["enable_thinking"] = value; }, help);
  };
  CLI::Option* think = thinking("--think", true, "set enable_thinking to true");
  thinking("--no-think", false, "set enable_thinking to false")->excludes(think);
  sub.add_option_function<std::vector<std::string>>(
         "--set",
         [command](const std::vector<std::string>& values) {
           for (const std::string& value : values) add_variable(*command, value);
         },
         "a variable of the template; VALUE is JSON, or else a text; may be repeated")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  sub.add_flag_callback(
      "--no-generation-prompt", [command] { command->members["add_generation_prompt"] = false; },
      "do not end with the beginning of the assistant's turn");
  sub.add_flag_callback(
      "--continue",
      [command] {
        command->members["add_generation_prompt"] = false;
        command->members["continue_final_message"] = true;
      },
      "leave the last message open, for the model to go on with it");
}

}  // namespace

void add_render(CLI::App& app, Action& action) {
  const auto command = std::make_shared<RenderCommand>();
  CLI::App& sub =
      *app.add_subcommand("render", "Shows a conversation as the model sees it; needs no weights.");
  add_conversation(sub, command);
  add_variables(sub, command);
  sub.add_option_function<std::string>(
         "-m,--model", [command](const std::string& folder) { command->folder = folder; },
         "folder with the tokenizer's files; without it, the built-in model's")
      ->type_name("DIR");
  CLI::Option* ids = sub.add_flag("--ids", command->ids, "the token ids instead of the text");
  sub.add_flag("--json", command->json, "one object: text, ids")->excludes(ids);
  CLI::Option* source =
      sub.add_flag("--source", command->source, "show the template itself, in Jinja");
  CLI::Option* jsonl = sub.add_flag(
      "--jsonl", command->jsonl,
      "an object {\"messages\", \"add_generation_prompt\", ...} per line on standard input, one "
      "{\"text\", \"ids\"} or {\"error\"} per line on standard output");
  // Each of the two is all that a command line says, but for the model.
  for (CLI::Option* other : sub.get_options()) {
    const std::string name = other->get_name();
    if (name == "--help" || name == "--model" || other == source || other == jsonl) continue;
    source->excludes(other);
    jsonl->excludes(other);
  }
  source->excludes(jsonl);
  sub.callback([command, &action] {
    if (!command->file && command->messages.empty() && !command->jsonl && !command->source)
      throw CLI::RequiredError("a FILE (- reads standard input), --message, --jsonl or --source");
    action = [command] { return render(*command); };
  });
}

}  // namespace linnet::cli
