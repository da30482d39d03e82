// linnet chat: a conversation at the terminal, or over pipes.
#include <linnet/linnet.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "cli/chat_editor.hpp"
#include "cli/chat_history.hpp"
#include "cli/chat_input.hpp"
#include "cli/chat_reader.hpp"
#include "cli/chat_session.hpp"
#include "cli/chat_signals.hpp"
#include "cli/chat_terminal.hpp"
#include "cli/commands.hpp"
#include "cli/model_options.hpp"
#include "cli/output.hpp"
#include "cli/sampling_options.hpp"

namespace linnet::cli {
namespace {

constexpr int64_t kMaxTokens = 2048;  // room for reasoning; its cache is reserved for each answer
constexpr int64_t kMaxTextFile = int64_t{16} << 20;

struct ChatArguments {
  ModelOptions model;
  ChatSettings settings{.generate = {.max_tokens = kMaxTokens}};
  std::optional<std::string> system;
  std::optional<std::string> system_file;
  std::optional<std::string> template_name;
  std::optional<std::string> template_file;
  std::optional<std::string> load;
  bool history = true;
};

/// A history that cannot be read is no reason not to chat.
std::optional<ChatHistory> open_history(bool wanted) {
  const auto file = chat_history_file();
  if (!wanted || !file) return std::nullopt;
  try {
    return ChatHistory(*file);
  } catch (const Error& error) {
    write_error(fmt::format("no history: {}", error.what()));
    return std::nullopt;
  }
}

std::unique_ptr<ChatReader> make_reader(ChatSignals& signals, bool interactive, bool history) {
  if (interactive && can_edit())
    return std::make_unique<LineEditor>(signals, open_history(history));
  return std::make_unique<PlainReader>(signals, interactive);
}

/// The lines of a chat until it ends: reads, and has the session answer.
class ChatLoop {
 public:
  ChatLoop(ChatSession& session, ChatReader& reader, bool interactive)
      : session_(session), reader_(reader), interactive_(interactive) {}

  ExitCode run() {
    while (const auto input = next()) {
      if (input->text.find_first_not_of(" \t\r\n") == std::string::npos) continue;
      if (!attempt([&] { return session_.handle(*input); })) break;
    }
    if (interrupted_) return ExitCode::interrupted;
    return failed_ && !interactive_ ? ExitCode::error : ExitCode::success;
  }

 private:
  /// The next message or command; nothing at the end.
  std::optional<ChatInput> next() {
    InputAssembler assembler;
    while (true) {
      std::optional<ChatInput> input;
      bool ended = false;
      attempt([&] {
        const ChatLine line = reader_.read(assembler.pending());
        ended = line.kind == ChatLine::Kind::end;
        if (line.kind == ChatLine::Kind::interrupted) {
          assembler.clear();
          interrupted_ = !interactive_;
        } else if (!ended) {
          input = assembler.add(line.text);
        } else if (assembler.pending()) {
          input = assembler.finish();
        }
        if (input) remember(*input);
        return true;
      });
      if (input) return input;
      if (ended || interrupted_) return std::nullopt;
    }
  }

  void remember(const ChatInput& input) {
    try {
      reader_.remember(
          std::string_view(input.text).substr(0, input.text.find_last_not_of(" \t\n") + 1));
    } catch (const Error& error) {
      write_error(fmt::format("no history: {}", error.what()));
    }
  }

  /// Whatever a line asks for and cannot have ends with a message, not with the program.
  template <class Work>
  bool attempt(const Work& work) {
    try {
      return work();
    } catch (const Error& error) {
      write_error(error.what());
    } catch (const std::bad_alloc&) {
      write_error("the system has no memory left for that");
    }
    failed_ = true;
    return true;
  }

  ChatSession& session_;
  ChatReader& reader_;
  bool interactive_;
  bool interrupted_ = false;
  bool failed_ = false;
};

/// Puts a terminal right that is left in the middle of something.
void restore_terminal(const TerminalModes& modes) {
  modes.restore();
  constexpr std::string_view kPlain = "\x1b[0m\x1b[?2004l";
  if (styled(STDERR_FILENO)) [[maybe_unused]]
    const ssize_t written = ::write(STDERR_FILENO, kPlain.data(), kPlain.size());
}

std::optional<TextModel> load_unless_interrupted(const ModelOptions& options,
                                                 ChatSignals& signals) {
  const std::stop_token stop = signals.begin_work();
  try {
    TextModel model = load(options, stop);
    signals.end_work();
    return model;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled && stop.stop_requested()) return std::nullopt;
    throw;
  }
}

/// A name that does not exist would be taken for a template that says just that.
void check_template(const TextModel& model, const std::string& name) {
  const std::vector<std::string> names = model.chat_template().names();
  require(std::ranges::find(names, name) != names.end(),
          "{} has no chat template {}; there are: {}", printable(model.info().name),
          printable(name), printable(fmt::format("{}", fmt::join(names, ", "))));
}

ExitCode chat(ChatArguments arguments) {
  if (arguments.system_file) arguments.system = read_file(*arguments.system_file, kMaxTextFile);
  if (arguments.template_file)
    arguments.settings.chat.chat_template = read_file(*arguments.template_file, kMaxTextFile);
  if (arguments.template_name) arguments.settings.chat.chat_template = *arguments.template_name;

  const bool interactive = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
  const TerminalModes modes;
  ChatSignals signals([modes] { restore_terminal(modes); });
  const auto reader = make_reader(signals, interactive, arguments.history);
  auto model = load_unless_interrupted(arguments.model, signals);
  if (!model) return ExitCode::interrupted;
  if (arguments.template_name) check_template(*model, *arguments.template_name);

  ChatSession session(*std::move(model), std::move(arguments.settings), signals, interactive);
  if (interactive) session.greet();
  if (arguments.load) session.load(*arguments.load);
  if (arguments.system) session.set_system(*arguments.system);
  return ChatLoop(session, *reader, interactive).run();
}

void add_conversation_flags(CLI::App& sub, const std::shared_ptr<ChatArguments>& arguments) {
  const auto add_text = [&](const char* name, std::optional<std::string>& value, const char* help,
                            const char* type) {
    return sub
        .add_option_function<std::string>(
            name, [arguments, &value](const std::string& text) { value = text; }, help)
        ->type_name(type);
  };
  CLI::Option* system = add_text("--system", arguments->system, "the system prompt", "TEXT");
  add_text("--system-file", arguments->system_file, "a file with the system prompt", "FILE")
      ->excludes(system);
  add_text("--load", arguments->load, "goes on with the conversation of a JSON file", "FILE");
  CLI::Option* name = add_text("--template", arguments->template_name,
                               "which of the checkpoint's templates", "NAME");
  add_text("--template-file", arguments->template_file,
           "a template in Jinja, instead of the checkpoint's", "FILE")
      ->excludes(name);
  const auto thinking = [&](const char* flag, bool value, const char* help) {
    return sub.add_flag_callback(
        flag, [arguments, value] { arguments->settings.chat.enable_thinking = value; }, help);
  };
  CLI::Option* think = thinking("--think", true, "have the model think before it answers");
  thinking("--no-think", false, "have the model answer at once")->excludes(think);
  sub.add_flag_callback(
      "--no-history", [arguments] { arguments->history = false; },
      "neither read nor keep what was typed");
}

}  // namespace

void add_chat(CLI::App& app, Action& action) {
  const auto arguments = std::make_shared<ChatArguments>();
  CLI::App& sub = *app.add_subcommand(
      "chat", "A conversation: each line of standard input is a message, or a /command.");
  add_model_flag(sub, arguments->model);
  add_conversation_flags(sub, arguments);
  add_load_flags(sub, arguments->model);
  add_draft_flag(sub, arguments->model);
  add_sampling_flags(sub, arguments->settings.generate);
  sub.callback([arguments, &action] { action = [arguments] { return chat(*arguments); }; });
}

}  // namespace linnet::cli
