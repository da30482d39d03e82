#include "cli/chat_editor.hpp"

#include <histedit.h>
#include <langinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cwchar>
#include <vector>

#include "base/error.hpp"
#include "cli/chat_command.hpp"
#include "cli/chat_terminal.hpp"

namespace linnet::cli {
namespace {

constexpr wchar_t kInterrupt = 3;  // Ctrl-C
constexpr int kSuspend = 26;       // Ctrl-Z
constexpr int kHistorySize = 1000;
constexpr size_t kMaxPaste = size_t{4} << 20;
constexpr std::wstring_view kPasteEnd = L"\x1b[201~";

/// Terminals say where a pasted text begins and ends, if they are asked to.
void ask_for_pastes(bool on) {
  std::fputs(on ? "\x1b[?2004h" : "\x1b[?2004l", stderr);
  std::fflush(stderr);
}

/// Text is UTF-8 whatever the locale says, which in a container is often nothing.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(::nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
}

}  // namespace

/// What libedit's callbacks find behind EL_CLIENTDATA. Nothing is thrown through libedit.
struct LineEditor::State {
  explicit State(ChatSignals& signals_) : signals(signals_) {}

  ChatSignals& signals;
  TerminalModes modes;  // before libedit
  std::optional<ChatHistory> history_file;
  EditLine* line = nullptr;
  History* history = nullptr;
  std::string prompt;
  std::string continuation;
  bool continued = false;
  bool interrupted = false;
  std::mbstate_t decoder{};

  static State& of(EditLine* line) {
    void* state = nullptr;
    ::el_get(line, EL_CLIENTDATA, &state);
    return *static_cast<State*>(state);
  }

  static char* show_prompt(EditLine* line) {
    State& state = of(line);
    return (state.continued ? state.continuation : state.prompt).data();
  }

  /// 1 and the next character, 0 at the end of the input, -1 if it cannot be read.
  static int get_character(EditLine* line, wchar_t* character);
  static unsigned char interrupt(EditLine* line, int);
  static unsigned char signal(EditLine* line, int key);
  static unsigned char paste(EditLine* line, int);
  static unsigned char complete(EditLine* line, int key);

  void bind(const char* key, const char* function) const;
};

int LineEditor::State::get_character(EditLine* line, wchar_t* character) {
  State& state = of(line);
  while (true) {
    try {
      if (!wait_for_input(state.signals)) {
        const ChatSignals::Event event = state.signals.take_event();
        if (event == ChatSignals::Event::interrupt) {
          *character = kInterrupt;
          return 1;
        }
        if (event == ChatSignals::Event::resize) {
          ::el_resize(line);
          ::el_set(line, EL_REFRESH);
        }
        continue;
      }
    } catch (const Error&) {
      return -1;
    }
    char byte = 0;
    const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return static_cast<int>(count);
    const size_t length = std::mbrtowc(character, &byte, 1, &state.decoder);
    if (length == static_cast<size_t>(-1))
      state.decoder = {};  // no UTF-8: passed over
    else if (length != static_cast<size_t>(-2))
      return 1;
  }
}

unsigned char LineEditor::State::interrupt(EditLine* line, int) {
  of(line).interrupted = true;
  const LineInfoW* info = ::el_wline(line);
  ::el_cursor(line, static_cast<int>(info->lastchar - info->cursor));
  ::el_set(line, EL_REFRESH);
  std::fputs("^C\n", stderr);
  return CC_NEWLINE;
}

unsigned char LineEditor::State::signal(EditLine* line, int key) {
  ask_for_pastes(false);
  ::el_set(line, EL_PREP_TERM, 0);
  of(line).modes.restore();
  // To the whole job, as the terminal would have done it.
  ::kill(0, key == kSuspend ? SIGTSTP : SIGQUIT);
  ::el_set(line, EL_PREP_TERM, 1);
  ask_for_pastes(true);
  return CC_REDISPLAY;
}

unsigned char LineEditor::State::paste(EditLine* line, int) {
  std::wstring text;
  wchar_t character = 0;
  bool too_long = false;
  while (!text.ends_with(kPasteEnd)) {
    if (::el_wgetc(line, &character) != 1) return CC_EOF;
    // What is too long is passed over, up to its end.
    if (text.size() >= kMaxPaste) {
      text.erase(0, text.size() - kPasteEnd.size());
      too_long = true;
    }
    text += character;
  }
  if (too_long) return CC_ERROR;
  text.resize(text.size() - kPasteEnd.size());

  std::wstring clean;
  for (size_t i = 0; i < text.size(); ++i) {
    const wchar_t c = text[i];
    if (c == L'\r') {
      if (i + 1 == text.size() || text[i + 1] != L'\n') clean += L'\n';
    } else if (c == L'\n' || c == L'\t' || (c >= 0x20 && (c < 0x7f || c >= 0xa0))) {
      clean += c;
    }
  }
  // Its last newline is not meant to send it.
  clean.erase(clean.find_last_not_of(L'\n') + 1);
  if (clean.empty()) return CC_NORM;
  return ::el_winsertstr(line, clean.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
}

unsigned char LineEditor::State::complete(EditLine* line, int key) {
  const LineInfo* info = ::el_line(line);
  const std::string_view before(info->buffer, static_cast<size_t>(info->cursor - info->buffer));
  if (!before.starts_with('/')) return CC_ERROR;
  if (before.starts_with("/load ") || before.starts_with("/save "))
    return ::_el_fn_complete(line, key);

  std::vector<std::string_view> names;
  for (const ChatCommandInfo& command : chat_commands())
    if (command.name.starts_with(before)) names.push_back(command.name);
  if (names.empty()) return CC_ERROR;
  std::string_view common = names.front();
  for (const std::string_view name : names)
    common = common.substr(
        0, static_cast<size_t>(std::ranges::mismatch(common, name).in1 - common.begin()));
  std::string rest(common.substr(before.size()));
  if (names.size() == 1) rest += ' ';
  if (!rest.empty()) return ::el_insertstr(line, rest.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  std::fputc('\n', stderr);
  for (const std::string_view name : names)
    std::fprintf(stderr, "%.*s  ", static_cast<int>(name.size()), name.data());
  std::fputc('\n', stderr);
  return CC_REDISPLAY;
}

void LineEditor::State::bind(const char* key, const char* function) const {
  ::el_set(line, EL_BIND, key, function, nullptr);
  // The same in the command mode of vi, for who has it in ~/.editrc.
  ::el_set(line, EL_BIND, "-a", key, function, nullptr);
}

LineEditor::LineEditor(ChatSignals& signals, std::optional<ChatHistory> history)
    : state_(std::make_unique<State>(signals)) {
  use_utf8();
  State& state = *state_;
  state.history_file = std::move(history);
  state.line = ::el_init("linnet", stdin, stderr, stderr);
  state.history = ::history_init();
  if (state.line == nullptr || state.history == nullptr) {
    if (state.line != nullptr) ::el_end(state.line);
    if (state.history != nullptr) ::history_end(state.history);
    fail(ErrorCode::device, "the terminal cannot be made ready for editing");
  }
  // \1 begins and ends what takes no room.
  const bool bold = styled(STDERR_FILENO);
  state.prompt = bold ? "\1\x1b[1m\1>\1\x1b[0m\1 " : "> ";
  state.continuation = ". ";

  HistEvent event{};
  ::history(state.history, &event, H_SETSIZE, kHistorySize);
  ::history(state.history, &event, H_SETUNIQUE, 1);
  if (state.history_file)
    for (const std::string& entry : state.history_file->entries())
      ::history(state.history, &event, H_ENTER, entry.c_str());

  EditLine* line = state.line;
  ::el_set(line, EL_CLIENTDATA, &state);
  ::el_set(line, EL_EDITOR, "emacs");
  ::el_set(line, EL_HIST, ::history, state.history);
  ::el_set(line, EL_PROMPT_ESC, State::show_prompt, '\1');
  ::el_wset(line, EL_GETCFN, State::get_character);
  ::el_source(line, nullptr);  // ~/.editrc
  // The signals of these keys would be late, or early, for the characters round them.
  ::el_set(line, EL_SETTY, "-d", "-isig", nullptr);
  // Between the lines nothing is echoed into the answer, and what is typed waits for its line,
  // Ctrl-D too, which would be lost if the terminal took it for the end of one.
  ::el_set(line, EL_SETTY, "-x", "-echo", "-icanon", nullptr);
  // The wide form keeps the texts by pointer; el_set() copies them and never frees the copies.
  ::el_wset(line, EL_ADDFN, L"linnet-interrupt", L"Clear the line", State::interrupt);
  ::el_wset(line, EL_ADDFN, L"linnet-signal", L"Stop or quit the job", State::signal);
  ::el_wset(line, EL_ADDFN, L"linnet-paste", L"Take a pasted text as it is", State::paste);
  ::el_wset(line, EL_ADDFN, L"linnet-complete", L"Complete a command or file", State::complete);
  state.bind("^C", "linnet-interrupt");
  state.bind("^Z", "linnet-signal");
  state.bind("\\034", "linnet-signal");
  state.bind("\\e[200~", "linnet-paste");
  ::el_set(line, EL_BIND, "^I", "linnet-complete", nullptr);
  // What terminals send beside what their description says.
  ::el_set(line, EL_BIND, "\\e[1~", "ed-move-to-beg", nullptr);
  ::el_set(line, EL_BIND, "\\e[4~", "ed-move-to-end", nullptr);
  ::el_set(line, EL_BIND, "\\e[3~", "ed-delete-next-char", nullptr);
  ::el_set(line, EL_BIND, "\\e[1;5D", "ed-prev-word", nullptr);
  ::el_set(line, EL_BIND, "\\e[1;5C", "em-next-word", nullptr);
  ::el_set(line, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

LineEditor::~LineEditor() {
  ::el_end(state_->line);
  ::history_end(state_->history);
}

ChatLine LineEditor::read(bool continued) {
  State& state = *state_;
  state.continued = continued;
  state.interrupted = false;
  // The window may have changed while nobody looked.
  ::el_resize(state.line);
  ask_for_pastes(true);
  ::el_set(state.line, EL_PREP_TERM, 1);  // before who sees the prompt types
  int count = 0;
  const char* line = ::el_gets(state.line, &count);
  ask_for_pastes(false);
  if (state.interrupted) {
    ::el_reset(state.line);
    return {.kind = ChatLine::Kind::interrupted};
  }
  if (line == nullptr || count <= 0) {
    std::fputc('\n', stderr);
    return {.kind = ChatLine::Kind::end};
  }
  std::string text(line, static_cast<size_t>(count));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return {.kind = ChatLine::Kind::line, .text = std::move(text)};
}

void LineEditor::remember(std::string_view entry) {
  HistEvent event{};
  const std::string text(entry);
  ::history(state_->history, &event, H_ENTER, text.c_str());
  if (!state_->history_file) return;
  try {
    state_->history_file->append(entry);
  } catch (const Error&) {
    state_->history_file.reset();  // one message about a full disk is enough
    throw;
  }
}

}  // namespace linnet::cli
