// Where the lines of a chat come from.
#pragma once

#include <string>
#include <string_view>

#include "cli/chat_signals.hpp"

namespace linnet::cli {

struct ChatLine {
  enum class Kind {
    line,
    end,          ///< of the input (Ctrl-D)
    interrupted,  ///< Ctrl-C; what was typed is gone
  };
  Kind kind = Kind::end;
  std::string text;  ///< without its newline; a pasted text may have newlines in it
};

class ChatReader {
 public:
  ChatReader() = default;
  virtual ~ChatReader() = default;
  ChatReader(const ChatReader&) = delete;
  ChatReader& operator=(const ChatReader&) = delete;

  /// The next line. `continued`: of a message that is begun. Errors: device if the input cannot be
  /// read; invalid_argument for a line of more than 16 MiB, the rest of which is passed over.
  virtual ChatLine read(bool continued) = 0;
  /// Something that was typed, for the history. Errors: device, once, if it cannot be kept; from
  /// then on it is kept for this chat alone.
  virtual void remember(std::string_view entry) = 0;
};

/// Lines of standard input as they come, from a pipe, a file, or a terminal that cannot edit.
class PlainReader : public ChatReader {
 public:
  /// `prompt`: whether to show one on standard error.
  PlainReader(ChatSignals& signals, bool prompt) : signals_(signals), prompt_(prompt) {}

  ChatLine read(bool continued) override;
  void remember(std::string_view) override {}

 private:
  bool fill();

  ChatSignals& signals_;
  bool prompt_;
  bool ended_ = false;
  bool interrupted_ = false;
  bool too_long_ = false;
  std::string buffer_;   // what was read
  size_t searched_ = 0;  // bytes of it that have no newline
};

/// Waits until standard input can be read (true), or an event came.
bool wait_for_input(const ChatSignals& signals);

}  // namespace linnet::cli
