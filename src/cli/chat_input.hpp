// Lines put together to messages.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace linnet::cli {

struct ChatInput {
  std::string text;
  bool literal = false;  ///< from a """ block: no command, whatever it begins with
};

/// A line is a message, but
///   - one that ends with a backslash goes on in the next line (the backslash becomes a newline);
///   - one that begins with """ begins a block that ends with the """ at the end of a line, that
///     one or a later one; nothing in it means anything but itself;
///   - a text with newlines in it (pasted, or from the history) is taken as it is.
class InputAssembler {
 public:
  /// The message that `line` (without its newline) completes, if it does.
  /// Errors: invalid_argument beyond 16 MiB; what was begun is forgotten then.
  std::optional<ChatInput> add(std::string_view line);
  /// Whether a message is begun.
  [[nodiscard]] bool pending() const { return state_ != State::fresh; }
  /// What was begun, as a whole message: at the end of the input.
  ChatInput finish();
  void clear();

 private:
  enum class State { fresh, continued, block };

  void append(std::string_view line);
  std::optional<ChatInput> add_to_block(std::string_view line);

  State state_ = State::fresh;
  bool empty_ = true;  // no line was appended
  std::string text_;
};

}  // namespace linnet::cli
