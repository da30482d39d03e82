#include "cli/chat_session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/chat_printer.hpp"
#include "cli/chat_terminal.hpp"
#include "cli/chat_think.hpp"
#include "cli/output.hpp"
#include "cli/sampling_options.hpp"
#include "cli/units.hpp"
#include "engine/sampler.hpp"

namespace linnet::cli {
namespace {

/// While it lives, Ctrl-C stops the work.
class Work {
 public:
  explicit Work(ChatSignals& signals) : signals_(signals), stop_(signals.begin_work()) {}
  ~Work() { signals_.end_work(); }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  [[nodiscard]] const std::stop_token& stop() const { return stop_; }

 private:
  ChatSignals& signals_;
  std::stop_token stop_;
};

/// Whether the prompt ends inside <think>, by its last few ids.
bool opened_thinking(const TextModel& model, std::span<const int32_t> prompt) {
  return opens_thinking(
      model.tokenizer().decode(prompt.last(std::min<size_t>(prompt.size(), 16)), false));
}

/// As shells have it.
std::filesystem::path file_of(const std::string& name) {
  const char* home = std::getenv("HOME");
  if (home == nullptr || !name.starts_with("~/")) return name;
  return std::filesystem::path(home) / name.substr(2);
}

std::string counted(size_t count) {
  return count == 1 ? "1 message" : fmt::format("{} messages", count);
}

std::string_view thinking_name(std::optional<bool> enabled) {
  if (!enabled) return "auto";
  return *enabled ? "on" : "off";
}

std::optional<bool> parse_thinking(std::string_view value) {
  if (value == "auto") return std::nullopt;
  require(value == "on" || value == "off", "think: \"{}\" is none of on, off and auto",
          printable(value));
  return value == "on";
}

}  // namespace

ChatSession::ChatSession(TextModel model, ChatSettings settings, ChatSignals& signals,
                         bool interactive)
    : model_(std::move(model)),
      settings_(std::move(settings)),
      signals_(signals),
      interactive_(interactive),
      context_(model_.plan().context_length) {
  engine::check_options(settings_.generate, model_.info().vocab_size);
  require(!settings_.chat.chat_template.empty() || !model_.chat_template().names().empty(),
          "{} has no chat template; --template-file gives one", printable(model_.info().name));
}

bool ChatSession::has_system() const {
  return !conversation_.messages.empty() &&
         conversation_.messages.front().message.role == Role::system;
}

void ChatSession::note(std::string_view text) const {
  const std::string clean = without_controls(text);
  if (!interactive_)
    fmt::print(stderr, "linnet: {}\n", clean);
  else
    fmt::print(stderr, "{}\n", styled(STDERR_FILENO) ? dim(clean) : clean);
}

void ChatSession::show(std::string_view text) {
  fmt::print(stderr, "{}\n", without_controls(text));
}

void ChatSession::greet() const {
  const ModelInfo& info = model_.info();
  note(
      fmt::format("{} ({}, {:.1f} million parameters), {} tokens of context. /help shows the "
                  "commands, Ctrl-D leaves.",
                  printable(info.name), info.architecture,
                  static_cast<double>(info.parameters) / 1e6, context_));
}

bool ChatSession::handle(const ChatInput& input) {
  if (!input.literal && input.text.starts_with('/') && !input.text.starts_with("//"))
    return run(parse_chat_command(input.text));
  say(input.literal || !input.text.starts_with('/') ? input.text : input.text.substr(1));
  return true;
}

std::vector<Message> ChatSession::messages() const {
  std::vector<Message> result;
  for (const ChatMessage& message : conversation_.messages) result.push_back(message.message);
  return result;
}

ChatOptions ChatSession::chat_options(bool for_answer) const {
  ChatOptions options = settings_.chat;
  options.add_generation_prompt = for_answer;
  options.tools = conversation_.tools;
  options.documents = conversation_.documents;
  options.variables = conversation_.variables;
  if (options.enable_thinking && !options.variables.empty()) {
    // What was asked for here goes before what a file says.
    auto variables = nlohmann::ordered_json::parse(options.variables);
    variables.erase("enable_thinking");
    options.variables = variables.dump();
  }
  return options;
}

std::optional<int64_t> ChatSession::count_tokens(bool for_answer) const {
  if (conversation_.messages.empty()) return 0;
  try {
    return model_.tokenizer().count(
        model_.chat_template().render(messages(), chat_options(for_answer)), false);
  } catch (const Error&) {
    return std::nullopt;
  }
}

Generation ChatSession::start(const std::stop_token& stop) const {
  GenerateOptions options = settings_.generate;
  options.stop = stop;
  options.seed += retries_;
  try {
    return model_.chat(messages(), std::move(options), chat_options(true));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument) throw;
    const auto tokens = count_tokens(true);
    if (!tokens || *tokens < context_) throw;
    fail(ErrorCode::invalid_argument,
         "the context is full: with this message the conversation has {} tokens, and the context "
         "holds {}. The message was not sent, and nothing is lost: /save FILE keeps the "
         "conversation, /undo takes back its last message, /clear begins anew{}",
         *tokens, context_,
         context_ < model_.info().max_context_length
             ? fmt::format("; the model can have --context {}", model_.info().max_context_length)
             : "");
  }
}

void ChatSession::finish(const Generation& generation) const {
  const int64_t generated = generation.metrics().generated_tokens;
  switch (generation.finish_reason()) {
    case FinishReason::cancelled: note("[stopped; /retry answers again]"); break;
    case FinishReason::length:
      if (generated >= settings_.generate.max_tokens)
        note(fmt::format("[cut after {} tokens; /set max-tokens=N allows more]", generated));
      else
        note(
            fmt::format("[cut: the context of {} tokens is full; /save FILE keeps the "
                        "conversation, /undo takes back a message, /clear begins anew]",
                        context_));
      break;
    case FinishReason::stop:
    case FinishReason::none: break;
  }
}

/// False if there is no answer, because it was stopped before its first token.
bool ChatSession::answer() {
  const Work work(signals_);
  Generation generation = start(work.stop());
  ThinkSplitter splitter(opened_thinking(model_, generation.prompt_ids()));
  AnswerPrinter printer;
  std::optional<Error> failure;
  try {
    while (const Token* token = generation.next()) printer.print(splitter.push(token->text));
  } catch (const Error& error) {
    failure = error;
  }
  last_ = generation.metrics();
  if (last_.generated_tokens == 0 && failure) throw Error(*failure);
  if (last_.generated_tokens == 0 && generation.finish_reason() == FinishReason::cancelled) {
    note("[stopped before the first token; the message was taken back]");
    return false;
  }
  ++answers_;
  generated_ += last_.generated_tokens;
  const auto rest = splitter.finish();
  conversation_.messages.push_back(
      {.message = {.role = Role::assistant,
                   .content = splitter.answer(),
                   .reasoning_content = splitter.reasoning()},
       .cut = failure || generation.finish_reason() != FinishReason::stop});
  printer.print(rest);
  printer.finish();
  finish(generation);
  if (failure) write_error(failure->what());
  if (interactive_ && ::isatty(STDOUT_FILENO) == 1) write_out("\n");
  return true;
}

void ChatSession::say(std::string text) {
  const size_t before = conversation_.messages.size();
  conversation_.messages.push_back({.message = {.role = Role::user, .content = std::move(text)}});
  retries_ = 0;
  try {
    if (answer()) return;
  } catch (...) {
    if (conversation_.messages.size() == before + 1) conversation_.messages.pop_back();
    throw;
  }
  conversation_.messages.pop_back();
}

bool ChatSession::run(const ChatCommand& command) {
  switch (command.verb) {
    case ChatVerb::help: show(chat_help()); break;
    case ChatVerb::system: show_or_set_system(command.argument); break;
    case ChatVerb::clear: clear(); break;
    case ChatVerb::undo: undo(); break;
    case ChatVerb::retry: retry(); break;
    case ChatVerb::save: save(file_of(command.argument)); break;
    case ChatVerb::load: load(file_of(command.argument)); break;
    case ChatVerb::set: show_or_set(command.argument); break;
    case ChatVerb::stats: show_stats(); break;
    case ChatVerb::exit: return false;
  }
  return true;
}

void ChatSession::set_system(const std::string& text) {
  auto& messages = conversation_.messages;
  if (has_system()) messages.erase(messages.begin());
  if (!text.empty())
    messages.insert(messages.begin(), {.message = {.role = Role::system, .content = text}});
}

void ChatSession::show_or_set_system(const std::string& text) {
  if (text.empty()) {
    if (has_system())
      show(conversation_.messages.front().message.content);
    else
      note("there is no system prompt; /system TEXT sets it");
    return;
  }
  const bool removed = text == "\"\"";
  set_system(removed ? "" : text);
  note(removed ? "the system prompt is gone" : "the system prompt is set");
}

void ChatSession::clear() {
  Conversation fresh;
  if (has_system()) fresh.messages.push_back(conversation_.messages.front());
  conversation_ = std::move(fresh);
  note(has_system() ? "the conversation is empty but for the system prompt"
                    : "the conversation is empty");
}

void ChatSession::undo() {
  auto& messages = conversation_.messages;
  const auto last =
      std::find_if(messages.rbegin(), messages.rend(),
                   [](const ChatMessage& message) { return message.message.role == Role::user; });
  require(last != messages.rend(), "there is no message to take back");
  note(fmt::format("taken back: {}", printable(last->message.content, 60)));
  messages.erase(last.base() - 1, messages.end());
}

void ChatSession::retry() {
  const auto before = conversation_.messages;
  auto& messages = conversation_.messages;
  while (!messages.empty() && messages.back().message.role == Role::assistant) messages.pop_back();
  try {
    require(!messages.empty() && messages.back().message.role != Role::system,
            "there is no message to answer again");
    if (before.size() != messages.size()) ++retries_;
    if (answer()) return;
  } catch (...) {
    messages = before;
    throw;
  }
  messages = before;
}

void ChatSession::save(const std::filesystem::path& file) const {
  save_conversation(conversation_, file);
  note(fmt::format("{} written to {}", counted(conversation_.messages.size()),
                   printable(file.string())));
}

void ChatSession::load(const std::filesystem::path& file) {
  conversation_ = load_conversation(file);
  retries_ = 0;
  const auto& messages = conversation_.messages;
  const bool open = !messages.empty() && messages.back().message.role != Role::assistant &&
                    messages.back().message.role != Role::system;
  note(fmt::format("{} from {}{}", counted(messages.size()), printable(file.string()),
                   open ? "; the last has no answer: /retry gives it one" : ""));
}

void ChatSession::show_settings() const {
  for (const SamplingNumber& number : sampling_numbers())
    show(fmt::format("{}={}", number.name, sampling_value(settings_.generate, number)));
  show(fmt::format("think={}", thinking_name(settings_.chat.enable_thinking)));
}

void ChatSession::show_or_set(const std::string& text) {
  if (text.empty()) return show_settings();
  const size_t equal = text.find('=');
  require(equal != std::string::npos, "/set needs NAME=VALUE, as in /set temperature=0.7");
  const std::string_view whole = text;
  std::string_view name = whole.substr(0, equal);
  std::string_view value = whole.substr(equal + 1);
  name = name.substr(0, name.find_last_not_of(' ') + 1);
  value = value.substr(std::min(value.find_first_not_of(' '), value.size()));
  if (name == "think") {
    settings_.chat.enable_thinking = parse_thinking(value);
  } else {
    GenerateOptions changed = settings_.generate;
    try {
      set_sampling_number(changed, name, value);
    } catch (const Error& error) {
      fail(error.code(), "{}; /set shows all", error.what());
    }
    engine::check_options(changed, model_.info().vocab_size);
    settings_.generate = std::move(changed);
  }
  note(fmt::format("{}={}", name, value));
}

void ChatSession::show_stats() const {
  if (answers_ == 0)
    show("last answer  none yet");
  else
    show(fmt::format(
        "last answer  {} tokens read ({:.1f}/s), {} written ({:.1f}/s), the first after {:.3f} s",
        last_.prompt_tokens, last_.prefill_tokens_per_second, last_.generated_tokens,
        last_.decode_tokens_per_second, last_.time_to_first_token_seconds));
  show(fmt::format("session      {} tokens written in {} answer{}", generated_, answers_,
                   answers_ == 1 ? "" : "s"));
  const auto used = count_tokens(false);
  if (used)
    show(fmt::format("context      {} of {} tokens ({:.0f}%)", *used, context_,
                     100.0 * static_cast<double>(*used) / static_cast<double>(context_)));
  else
    show(fmt::format("context      {} tokens; the template cannot write the conversation as it is",
                     context_));
  const MemoryUsage memory = model_.memory();
  show(fmt::format("memory       {} in use, {} at most, {} allowed",
                   format_bytes(memory.active_bytes), format_bytes(memory.peak_bytes),
                   format_bytes(memory.limit_bytes)));
}

}  // namespace linnet::cli
