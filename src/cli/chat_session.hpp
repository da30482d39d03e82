// A chat: the conversation, its settings, and what the commands do with them.
#pragma once

#include <linnet/linnet.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cli/chat_command.hpp"
#include "cli/chat_file.hpp"
#include "cli/chat_input.hpp"
#include "cli/chat_signals.hpp"

namespace linnet::cli {

struct ChatSettings {
  GenerateOptions generate;
  ChatOptions chat;  ///< thinking and the template; the rest comes from the conversation
};

/// Answers go to standard output, everything else to standard error. Whatever fails, the
/// conversation is as it was before, but for an answer that had begun.
class ChatSession {
 public:
  /// `interactive`: somebody sits at a terminal. Errors: those of TextModel::chat_template;
  /// invalid_argument without a template, and for settings out of range.
  ChatSession(TextModel model, ChatSettings settings, ChatSignals& signals, bool interactive);

  /// Answers a message or does what a command says; false if that is to leave.
  /// Errors: linnet::Error, after which the chat can go on.
  bool handle(const ChatInput& input);

  /// Empty removes it.
  void set_system(const std::string& text);
  /// Errors: as load_conversation.
  void load(const std::filesystem::path& file);

  /// Says what is talked to.
  void greet() const;
  /// A remark on standard error.
  void note(std::string_view text) const;

 private:
  /// What was asked for, on standard error.
  static void show(std::string_view text);
  void say(std::string text);
  bool answer();
  Generation start(const std::stop_token& stop) const;
  void finish(const Generation& generation) const;
  bool run(const ChatCommand& command);

  void show_or_set_system(const std::string& text);
  void clear();
  void undo();
  void retry();
  void save(const std::filesystem::path& file) const;
  void show_or_set(const std::string& text);
  void show_settings() const;
  void show_stats() const;

  [[nodiscard]] std::vector<Message> messages() const;
  [[nodiscard]] ChatOptions chat_options(bool for_answer) const;
  /// Tokens of the conversation as the template writes it; nothing if that refuses it.
  [[nodiscard]] std::optional<int64_t> count_tokens(bool for_answer) const;
  [[nodiscard]] bool has_system() const;

  TextModel model_;
  ChatSettings settings_;
  ChatSignals& signals_;
  bool interactive_;
  int64_t context_;  // tokens that it holds
  Conversation conversation_;
  uint64_t retries_ = 0;  // of the last message, added to the seed
  Metrics last_;          // of the last answer
  int64_t answers_ = 0;
  int64_t generated_ = 0;  // tokens, in all answers
};

}  // namespace linnet::cli
