// Lines typed at a terminal, with editing, history and completion (libedit).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/chat_history.hpp"
#include "cli/chat_reader.hpp"

namespace linnet::cli {

/// Edits lines on the terminal at standard input, and shows them on standard error. Arrow keys,
/// Home, End, Ctrl-R and the others of Emacs, or what ~/.editrc says; Tab completes commands and
/// the names of files; a pasted text keeps its newlines. Characters may be of any width. While it
/// lives, what is typed between the lines is not shown, but kept for the next one.
class LineEditor : public ChatReader {
 public:
  /// Without a history, what is typed is forgotten at the end.
  LineEditor(ChatSignals& signals, std::optional<ChatHistory> history);
  ~LineEditor() override;

  ChatLine read(bool continued) override;
  void remember(std::string_view entry) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace linnet::cli
